import type { PartitionWatch } from './group-leader.ts'
import type { GroupMetadata } from './group-member.ts'
import type { HeartbeatLoop } from './heartbeat-loop.ts'
import { isGraver, type Verdict } from './verdict.ts'

/**
 * A member's stay in one generation of the group, from the answer to JoinGroup to the verdict that ends it.
 *
 * Whatever works for a generation (its heartbeats, its SyncGroup, the leader's watch over partitions, a commit) reports
 * to this object and to no other. So an answer that comes late speaks of a generation that nobody looks at any more:
 * a heartbeat of generation 4 that is answered by ILLEGAL_GENERATION once generation 5 is here changes nothing.
 */
export class Generation {
  readonly metadata: GroupMetadata
  heartbeats: HeartbeatLoop | null = null
  /** The leader's. */
  watch: PartitionWatch | null = null
  readonly #ended = new AbortController()
  readonly #over = new AbortController()
  #verdict: Verdict | null = null

  constructor(metadata: GroupMetadata) {
    this.metadata = metadata
  }

  /** The gravest verdict so far; null while all is well. */
  get verdict(): Verdict | null {
    return this.#verdict
  }

  /** Aborted by the first verdict. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** Aborted by a verdict other than `rejoin`: we are no member any more, and may not commit. */
  get over(): AbortSignal {
    return this.#over.signal
  }

  end(verdict: Verdict): void {
    if (!isGraver(verdict, this.#verdict)) return
    this.#verdict = verdict
    if (verdict.kind !== 'rejoin') this.#over.abort()
    this.#ended.abort()
  }

  /** The verdict, once there is one. */
  whenEnded(): Promise<Verdict> {
    if (this.#verdict !== null) return Promise.resolve(this.#verdict)
    return new Promise((resolve) => {
      this.#ended.signal.addEventListener('abort', () => resolve(this.#verdict!), { once: true })
    })
  }

  /** Ends what works for it in the background. */
  dispose(): void {
    this.heartbeats?.stop()
    this.watch?.stop()
  }
}
