import { Backoff } from '../../backoff.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { TopicPartition } from '../../cluster/partition-leaders.ts'
import { partitionKey } from '../../cluster/partition-leaders.ts'
import { lookUpTopicIds } from '../../cluster/topic-names.ts'
import { Deadline, sleep } from '../../deadline.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { TopicIdPartitions } from './consumer-group-requests.ts'
import type { ConsumerMemberOptions } from './consumer-member-options.ts'
import type { MemberOwner } from './group-member.ts'
import type { Stay } from './stay.ts'

/** One look for topics of which only the ids are known may take so long; revocations wait for it. Milliseconds. */
const lookUpTimeoutMs = 2_000

interface Held extends TopicPartition {
  readonly topicId: string
}

export interface ReconcilerOwner {
  readonly member: MemberOwner
  /** What the coordinator wanted back is given up: others may have it once it is told. */
  onGivenUp(): void
  /** Whether the application is in time; it has been told when it is not. */
  checkPace(): boolean
}

/**
 * Brings what the consumer holds to what the coordinator assigned (KIP-848, Java's `maybeReconcile`): first gives up what
 * is not in it, then takes on what is new. Heartbeats go on meanwhile; an assignment that comes with one is taken after the
 * present one, or in place of the rest of it when that has given up all it had to.
 */
export class Reconciler {
  readonly #cluster: Cluster
  readonly #options: ConsumerMemberOptions
  readonly #stay: Stay
  readonly #owner: ReconcilerOwner
  readonly #held = new Map<string, Held>()
  /** The last that the coordinator assigned; null: nothing yet. */
  #target: readonly TopicIdPartitions[] | null = null
  /** What `#target` was when the consumer was brought there last. */
  #reached: readonly TopicIdPartitions[] | null = null
  /** The coordinator was told that what `#target` leaves out is given up, for this one. */
  #acknowledged: readonly TopicIdPartitions[] | null = null
  /** The first assignment is told also when it is empty. */
  #hasAssigned = false
  /** Told to be at it, and not yet to have come to its end. */
  #isReconciling = false
  #wake: () => void = () => {}
  #running: Promise<void> | null = null

  constructor(cluster: Cluster, options: ConsumerMemberOptions, stay: Stay, owner: ReconcilerOwner) {
    this.#cluster = cluster
    this.#options = options
    this.#stay = stay
    this.#owner = owner
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Once no partition event is under way. Never rejects. */
  ended(): Promise<void> {
    return this.#running ?? Promise.resolve()
  }

  take(target: readonly TopicIdPartitions[]): void {
    this.#target = target.map(({ topicId, partitions }) => ({
      topicId,
      partitions: partitions.filter((one) => one >= 0),
    }))
    this.#wake()
  }

  /**
   * What the coordinator is to believe that this member owns: what it holds, and all that it was told to take. Were the
   * latter left out, this could happen: B is assigned, and being taken on; a heartbeat that says all again reports A alone;
   * meanwhile B was to go elsewhere; the coordinator sees that nobody has it, and there it goes while it is read here.
   */
  owned(): TopicIdPartitions[] {
    const byTopic = new Map<string, Set<number>>()
    const add = (topicId: string, partition: number) => {
      const mine = byTopic.get(topicId)
      if (mine === undefined) byTopic.set(topicId, new Set([partition]))
      else mine.add(partition)
    }
    for (const { topicId, partition } of this.#held.values()) add(topicId, partition)
    for (const { topicId, partitions } of this.#target ?? []) {
      for (const partition of partitions) add(topicId, partition)
    }
    return [...byTopic].map(([topicId, mine]) => ({ topicId, partitions: [...mine] }))
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { retryBackoffMs, retryBackoffMaxMs } = this.#options
    const backoff = new Backoff(retryBackoffMs, retryBackoffMaxMs)
    const { over } = this.#stay
    while (!over.aborted) {
      const target = this.#target
      let waitMs = Number.POSITIVE_INFINITY
      if (target !== null && target !== this.#reached) {
        // Topics without a name are looked for again, and what is known of the assignment is read meanwhile.
        if ((await this.#reconcile(target)) && this.#target === target) this.#reached = target
        else waitMs = backoff.next()
        if (this.#reached === target) backoff.reset()
      }
      if (this.#target !== target) continue
      const news = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      // Aborted: the loop's condition sees it.
      await sleep(waitMs, over, news).catch(() => {})
    }
  }

  /** False while some of the topics have no name, or are still held under another id. */
  async #reconcile(target: readonly TopicIdPartitions[]): Promise<boolean> {
    const { over } = this.#stay
    await this.#lookUp(target)
    if (over.aborted) return false
    const wanted = this.#named(target)
    const isWanted = new Set(
      target.flatMap(({ topicId, partitions }) => partitions.map((one) => keyOf(topicId, one))),
    )
    const gone = [...this.#held].filter(([key]) => !isWanted.has(key)).map(([, one]) => one)
    if (gone.length > 0) this.#begin()
    if (!(await this.#giveUp(gone, wanted))) return false
    // Also when there was nothing to give up: it may have asked back what has not even been taken on.
    if (gone.length > 0 || this.#acknowledged !== target) this.#owner.onGivenUp()
    this.#acknowledged = target
    if (this.#target !== target) return false

    const names = new Set([...this.#held.values()].map(partitionKey))
    const added = [...wanted].filter(([key, one]) => !this.#held.has(key) && !names.has(partitionKey(one)))
    if (added.length > 0 || gone.length > 0 || !this.#hasAssigned) {
      this.#hasAssigned = true
      this.#begin()
      for (const [key, one] of added) this.#held.set(key, one)
      const whole = [...this.#held.values()].map(plain)
      const fresh = added.map(([, one]) => plain(one))
      await this.#tell((deadline) => this.#owner.member.onAssigned(whole, fresh, deadline))
    }
    if (this.#isReconciling && !over.aborted) {
      this.#isReconciling = false
      this.#owner.member.onState('stable')
    }
    return wanted.size === isWanted.size
  }

  #begin(): void {
    if (this.#isReconciling) return
    this.#isReconciling = true
    this.#owner.member.onState('reconciling')
  }

  /** False when the stay is over, or these were not handed over in order and it is now. */
  async #giveUp(gone: readonly Held[], wanted: ReadonlyMap<string, Held>): Promise<boolean> {
    const { member } = this.#owner
    // A topic that was made anew has the name of the old one: what was done of that must not be committed for it.
    const names = new Set([...wanted.values()].map(partitionKey))
    const lost = gone.filter((one) => names.has(partitionKey(one)))
    const revoked = gone.filter((one) => !names.has(partitionKey(one)))
    if (lost.length > 0) {
      await this.#tell((deadline) => member.onLost(lost.map(plain), deadline))
    }
    if (revoked.length > 0 && !this.#stay.over.aborted) {
      const isDone = await this.#tell((deadline) => member.onRevoked(revoked.map(plain), deadline))
      if (!isDone) {
        // To be late must not look like a loss that a join mends; which of two timers is first is chance.
        this.#owner.checkPace()
        const reason = 'partitions were not handed over in time'
        this.#stay.end({ kind: 'lost', reason, forgetMemberId: false })
      }
    }
    if (this.#stay.over.aborted) return false
    for (const one of gone) this.#held.delete(keyOf(one.topicId, one.partition))
    return true
  }

  /** Those of the assignment whose topics have a name, each once. */
  #named(target: readonly TopicIdPartitions[]): Map<string, Held> {
    const { metadata } = this.#cluster
    const named = new Map<string, Held>()
    for (const { topicId, partitions } of target) {
      const topic = metadata.nameOf(topicId)
      if (topic === null) continue
      for (const partition of partitions) named.set(keyOf(topicId, partition), { topicId, topic, partition })
    }
    return named
  }

  /** Never rejects: what is not found is looked for again. */
  async #lookUp(target: readonly TopicIdPartitions[]): Promise<void> {
    const { metadata } = this.#cluster
    const unknown = target.map(({ topicId }) => topicId).filter((id) => metadata.nameOf(id) === null)
    if (unknown.length === 0) return
    const deadline = new Deadline(lookUpTimeoutMs, this.#stay.over)
    try {
      await lookUpTopicIds(this.#cluster, unknown, deadline)
    } catch (error) {
      if (this.#stay.over.aborted) return
      if (error instanceof KafkaError) this.#owner.member.onTrouble(error)
    }
  }

  /** A partition event, within its deadline. False when it failed, took too long, or the stay was over before its end. */
  async #tell(event: (deadline: Deadline) => Promise<void>): Promise<boolean> {
    const deadline = new Deadline(this.#options.maxPollIntervalMs, this.#stay.over)
    try {
      await deadline.race(event(deadline), 'the rebalance')
      return true
    } catch {
      return false
    }
  }
}

function keyOf(topicId: string, partition: number): string {
  return `${topicId}:${partition}`
}

function plain({ topic, partition }: Held): TopicPartition {
  return { topic, partition }
}
