import type { TopicPartition } from '../../src/consumer/group/assignors/assignor.ts'
import type { MemberOwner, ReportedState } from '../../src/consumer/group/group-member.ts'
import type { Deadline } from '../../src/deadline.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'

export interface OwnerEvent {
  readonly kind: 'revoked' | 'assigned' | 'lost' | 'late' | 'trouble' | 'fatal'
  /** As `topic-partition`, sorted; empty for the others. */
  readonly partitions: readonly string[]
  /** Of `assigned`: what is new. */
  readonly added?: readonly string[]
  readonly error?: KafkaError
}

function names(partitions: readonly TopicPartition[]): string[] {
  return partitions.map(({ topic, partition }) => `${topic}-${partition}`).sort()
}

/** An owner of a group member that holds what it is given, lets go when told to, and writes all of it down. */
export class RecordingOwner implements MemberOwner {
  readonly events: OwnerEvent[] = []
  readonly states: ReportedState[] = []
  subscription: readonly string[]
  pattern: string | null = null
  /** Monotonic milliseconds; null: the application waits for records all the time. */
  polledAt: number | null = null
  /** What a revocation does before it lets go. */
  beforeRevoked: (deadline: Deadline) => Promise<void> = async () => {}
  /** What an assignment does before it counts. */
  beforeAssigned: (deadline: Deadline) => Promise<void> = async () => {}
  #owned: readonly TopicPartition[] = []
  readonly #waiters = new Set<() => void>()
  #eventsRunning = 0

  constructor(...topics: string[]) {
    this.subscription = topics
  }

  /** As `topic-partition`, sorted. */
  get owned(): string[] {
    return names(this.#owned)
  }

  get kinds(): string[] {
    return this.events.map(({ kind }) => kind)
  }

  topics(): readonly string[] {
    return this.subscription
  }

  topicPattern(): string | null {
    return this.pattern
  }

  ownedPartitions(): readonly TopicPartition[] {
    return this.#owned
  }

  lastPollAt(): number {
    return this.polledAt ?? performance.now()
  }

  async onRevoked(partitions: readonly TopicPartition[], deadline: Deadline): Promise<void> {
    await this.#alone(() => this.beforeRevoked(deadline))
    const gone = new Set(names(partitions))
    this.#owned = this.#owned.filter(({ topic, partition }) => !gone.has(`${topic}-${partition}`))
    this.#record({ kind: 'revoked', partitions: names(partitions) })
  }

  async onAssigned(
    assignment: readonly TopicPartition[],
    added: readonly TopicPartition[],
    deadline: Deadline,
  ): Promise<void> {
    await this.#alone(() => this.beforeAssigned(deadline))
    this.#owned = assignment
    this.#record({ kind: 'assigned', partitions: names(assignment), added: names(added) })
  }

  async onLost(partitions: readonly TopicPartition[]): Promise<void> {
    this.#owned = []
    this.#record({ kind: 'lost', partitions: names(partitions) })
  }

  onState(state: ReportedState): void {
    this.states.push(state)
  }

  onLate(error: KafkaError): void {
    this.#record({ kind: 'late', partitions: [], error })
  }

  onTrouble(error: KafkaError): void {
    this.#record({ kind: 'trouble', partitions: [], error })
  }

  onFatal(error: KafkaError): void {
    this.#record({ kind: 'fatal', partitions: [], error })
  }

  /** The first event of this kind from the `from`th event on, waiting for it. */
  async next(kind: OwnerEvent['kind'], from = 0, timeoutMs = 30_000): Promise<OwnerEvent> {
    const find = () => this.events.slice(from).find((event) => event.kind === kind)
    await this.until(() => find() !== undefined, timeoutMs)
    return find()!
  }

  /** Resolves once it holds exactly these partitions, given as `topic-partition`. */
  async holds(partitions: readonly string[], timeoutMs?: number): Promise<void> {
    const wanted = [...partitions].sort().join(' ')
    await this.until(() => this.kinds.includes('assigned') && this.owned.join(' ') === wanted, timeoutMs)
  }

  /** Resolves when `condition` holds; it is looked at after each event. Throws with the events after `timeoutMs`. */
  async until(condition: () => boolean, timeoutMs = 30_000): Promise<void> {
    const endsAt = performance.now() + timeoutMs
    while (!condition()) {
      const left = endsAt - performance.now()
      if (left <= 0) throw new Error(`not there in ${timeoutMs} ms: ${JSON.stringify(this.events)}`)
      await new Promise<void>((resolve) => {
        const done = () => {
          clearTimeout(timer)
          this.#waiters.delete(done)
          resolve()
        }
        const timer = setTimeout(done, left)
        this.#waiters.add(done)
      })
    }
  }

  /** Events must not overlap, unless the one before was told to stop. */
  async #alone(run: () => Promise<void>): Promise<void> {
    if (this.#eventsRunning > 0) throw new Error('two partition events at a time')
    this.#eventsRunning++
    try {
      await run()
    } finally {
      this.#eventsRunning--
    }
  }

  #record(event: OwnerEvent): void {
    this.events.push(event)
    for (const done of this.#waiters) done()
  }
}
