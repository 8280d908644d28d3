import { Backoff } from '../backoff.ts'
import { FetchSession } from './fetch-session.ts'

/** One broker as the fetcher sees it: what is in flight, and what of its answers lies unread. */
export class FetchingNode {
  readonly id: number
  readonly backoff: Backoff
  readonly session = new FetchSession()
  isInFlight = false
  /** Positions of its partitions are being held against its logs. */
  isValidating = false
  /** Bytes of answers of which something is unread. The frame of an answer lives as long as any part of it. */
  heldBytes = 0
  /** No fetch before this point, monotonic milliseconds. */
  retryAt = 0
  /** Since when a fetch waits for a partition to be read; 0: none does. */
  deferredSince = 0
  /** The last fetch failed, and was told of. */
  isDown = false
  /** An error that no retry mends waits for the reader. */
  hasFailed = false

  constructor(id: number, retryBackoffMs: number, retryBackoffMaxMs: number) {
    this.id = id
    this.backoff = new Backoff(retryBackoffMs, retryBackoffMaxMs)
  }

  /** Counts an answer as held, until the function that is given back was called for each of its parts. */
  hold(bytes: number, parts: number): () => void {
    this.heldBytes += bytes
    let open = parts
    return () => {
      open--
      if (open === 0) this.heldBytes -= bytes
    }
  }
}
