import { Backoff } from '../../backoff.ts'
import type { PartitionAcknowledgements } from './acknowledgements.ts'
import { ShareSession } from './share-session.ts'

/** One broker as the share fetcher sees it. Requests of a session are numbered, so there is one at a time. */
export class ShareNode {
  readonly id: number
  readonly session = new ShareSession()
  readonly backoff: Backoff
  /** The request on its way; never rejects. */
  inFlight: Promise<void> | null = null
  isFetching = false
  /** No request before this point, monotonic milliseconds. */
  retryAt = 0
  /** The last request failed, and was told of. */
  isDown = false
  /** To be sent to it. */
  pending: PartitionAcknowledgements[] = []

  constructor(id: number, retryBackoffMs: number, retryBackoffMaxMs: number) {
    this.id = id
    this.backoff = new Backoff(retryBackoffMs, retryBackoffMaxMs)
  }

  takePending(): PartitionAcknowledgements[] {
    const pending = this.pending
    this.pending = []
    return pending
  }
}
