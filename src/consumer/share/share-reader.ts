import { Cluster } from '../../cluster/cluster.ts'
import { Deadline } from '../../deadline.ts'
import { IllegalStateError } from '../../errors.ts'
import type { NetworkMetrics } from '../../metrics/network-metrics.ts'
import { clusterOptions } from '../../options/cluster-options.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import { asKafkaError } from '../client-fault.ts'
import { tell } from '../tell.ts'
import { type AcknowledgedRange, type AcquiredFrom, PartitionAcknowledgements } from './acknowledgements.ts'
import type { AcquiredRecords } from './acquired-records.ts'
import { RecordsInHand } from './records-in-hand.ts'
import type { ParsedShareConsumerOptions } from './share-consumer-options.ts'
import { ShareFetcher } from './share-fetcher.ts'
import { ShareMember } from './share-member.ts'
import type { ShareConsumerMetrics } from './share-metrics.ts'
import type { ShareRecord } from './share-record.ts'
import type { AcknowledgementResult, AcknowledgeType, RecordPlace } from './share-types.ts'

type AnyRecord = ShareRecord<unknown, unknown>

/**
 * Longest time that an acknowledgement of a loop over records waits for others to go with it, in milliseconds: their locks
 * go on running, and a handler that takes long must not have them end for records that are done.
 */
const lingerMs = 1000

/**
 * What a share consumer does once it is asked for records: hands out what was acquired, knows what is in hand, and brings
 * together the membership and the fetches.
 */
export class ShareReader {
  readonly #options: ParsedShareConsumerOptions
  readonly #metrics: ShareConsumerMetrics
  readonly #cluster: Cluster
  readonly #member: ShareMember
  readonly #fetcher: ShareFetcher
  readonly #hand = new RecordsInHand()
  /** Acquired and not handed out. */
  readonly #buffer: AcquiredRecords[] = []
  /** Sent or to be sent, and not answered. */
  readonly #unsettled = new Set<PartitionAcknowledgements>()
  #topics: readonly string[] = []
  #isLookedUp = false
  #failure: KafkaError | null = null
  #isReading = false
  #isClosed = false
  /** The end of a subscription, on its way. Never rejects. */
  #leaving: Promise<void> | null = null
  #lastAskAt = performance.now()
  /** Ends the wait of who reads. */
  #wake: () => void = () => {}
  #lingerTimer: NodeJS.Timeout | undefined

  constructor(options: ParsedShareConsumerOptions, metrics: ShareConsumerMetrics, network: NetworkMetrics) {
    this.#options = options
    this.#metrics = metrics
    const cluster = new Cluster({
      ...clusterOptions(options, { allowAutoTopicCreation: options.allowAutoCreateTopics }),
      metrics: network,
    })
    this.#cluster = cluster
    const onTrouble = (error: KafkaError) => tell(options.onError, error)
    const onFatal = (error: KafkaError) => {
      this.#failure ??= error
      this.#wake()
    }
    this.#member = new ShareMember(cluster, options, {
      lastAskAt: () => this.lastAskAt(),
      onAssigned: (partitions) => {
        if (partitions.length > 0) metrics.rebalanced()
        this.#fetcher.assign(partitions)
      },
      onFatal,
      onTrouble,
      onEnded: () => this.#wake(),
    })
    const { memberId } = this.#member
    this.#fetcher = new ShareFetcher(
      cluster,
      options,
      metrics,
      { groupId: options.groupId, memberId },
      {
        topics: () => this.#topics,
        onAcquired: (records) => {
          if (this.#topics.includes(records.from.topic)) this.#buffer.push(records)
          else this.#giveBack(records)
        },
        onReleased: (nodeId) => this.#drop(nodeId),
        onIdle: () => this.#wake(),
        onFatal,
        onTrouble,
      },
    )
  }

  get acquisitionLockTimeoutMs(): number | null {
    return this.#fetcher.acquisitionLockTimeoutMs
  }

  /** Monotonic milliseconds of the last ask for records; the present while one waits. */
  lastAskAt(): number {
    return this.#isReading ? performance.now() : this.#lastAskAt
  }

  nodeAt(address: string): number | null {
    return this.#cluster.metadata.nodeAt(address)
  }

  subscribe(topics: readonly string[]): void {
    this.#topics = topics
    this.#isLookedUp = false
    this.#member.subscribe(topics)
    const isKept = ({ from }: AcquiredRecords) => topics.includes(from.topic)
    for (const one of this.#buffer) if (!isKept(one)) this.#giveBack(one)
    this.#keep(isKept)
  }

  /** The next record where it is there already. Null: `read` has to wait for it, or to say what is wrong. */
  next(): AnyRecord | null {
    if (this.#isReading || this.#leaving !== null || this.#failure !== null) return null
    if (this.#hand.isRenewing || this.#hand.hasRenewed) return null
    const [head] = this.#buffer
    if (head === undefined) return null
    this.#ask()
    if (this.#hand.hasRenewals) return null
    // Before it may throw: what was accepted by this ask is sent all the same.
    this.#lingerTimer ??= setTimeout(() => this.#flush(), lingerMs)
    const [record] = this.#take(1)
    return record ?? null
  }

  /**
   * Records that are there, or the first to come before the deadline; else none.
   *
   * @throws IllegalStateError while another call waits, and in explicit mode while something is in hand of which nothing
   * was said.
   */
  async read(max: number, deadline: Deadline): Promise<AnyRecord[]> {
    if (this.#isReading)
      throw new IllegalStateError('records are being asked for already: one reader at a time')
    this.#isReading = true
    this.#metrics.polled()
    try {
      // Its end clears away all that is in hand and acquired.
      while (this.#leaving !== null && !deadline.expired) {
        await deadline.sleep(deadline.remainingMs, this.#leaving)
      }
      if (this.#isClosed || this.#leaving !== null) return []
      this.#ask()
      this.#flush()
      for (;;) {
        if (this.#isClosed) return []
        if (this.#leaving === null) {
          this.#checkSubscribed()
          const records = this.#take(max)
          if (records.length > 0) return records
          this.#member.onAsk()
          if (!this.#hand.isRenewing) this.#fetcher.fetch()
        }
        if (deadline.expired) return []
        await this.#change(deadline)
      }
    } finally {
      this.#isReading = false
      this.#lastAskAt = performance.now()
      this.#metrics.pollEnded(this.#lastAskAt)
    }
  }

  /** @throws IllegalStateError in implicit mode, and for what is not in hand. */
  acknowledge(place: RecordPlace, type: AcknowledgeType): void {
    this.#hand.acknowledge(place, type)
  }

  /** The loop over records was left: what it had in hand may not have been handled. */
  leaveLoop(): void {
    this.#hand.leave()
  }

  /** What came of all that was acknowledged and not answered yet. */
  async commit(deadline: Deadline): Promise<AcknowledgementResult[]> {
    if (this.#isImplicit) this.#hand.acceptOpen()
    this.#flush(deadline)
    const waiting = [...this.#unsettled].filter(({ offsets }) => offsets.length > 0)
    const results = await Promise.all(waiting.map((one) => settledBefore(one, deadline)))
    return merged(results)
  }

  /** Leaves the group. What is in hand and was not acknowledged is released, and so is what was not handed out. */
  async unsubscribe(deadline: Deadline): Promise<void> {
    this.#topics = []
    this.#wake()
    const leaving = this.#release(deadline)
    this.#leaving = leaving
    await leaving
    if (this.#leaving === leaving) this.#leaving = null
    this.#wake()
    deadline.throwIfAborted()
  }

  async close(deadline: Deadline): Promise<void> {
    this.#isClosed = true
    this.#wake()
    await this.#release(deadline)
    this.#fetcher.stop()
    this.#cluster.close()
    await this.#fetcher.ended()
  }

  async #release(deadline: Deadline): Promise<void> {
    this.#flush(deadline)
    this.#buffer.length = 0
    this.#fetcher.assign([])
    await this.#fetcher.closeSessions(deadline)
    // After the sessions, for which one has to be a member.
    await this.#member.leave(deadline)
    this.#buffer.length = 0
    this.#hand.clear()
    this.#failure = null
  }

  get #isImplicit(): boolean {
    return this.#options.shareAcknowledgementMode === 'implicit'
  }

  #checkSubscribed(): void {
    if (this.#topics.length === 0) {
      throw new IllegalStateError('there is nothing to read: call subscribe() first')
    }
  }

  #ask(): void {
    this.#checkSubscribed()
    if (this.#isImplicit) {
      this.#hand.finishOpen()
    } else if (this.#hand.hasOpen) {
      throw new IllegalStateError(
        "with shareAcknowledgementMode 'explicit' all records that were handed out have to be acknowledged before more " +
          'are asked for',
      )
    }
    this.#lastAskAt = performance.now()
    this.#member.onAsk()
    if (this.#isLookedUp) return
    this.#isLookedUp = true
    this.#fetcher.lookUp()
  }

  #take(max: number): AnyRecord[] {
    if (this.#failure !== null) {
      const failure = this.#failure
      this.#failure = null
      throw failure
    }
    // As in Java, what is being renewed comes first, and alone.
    if (this.#hand.isRenewing) return []
    const renewed = this.#hand.takeRenewed(max)
    if (renewed.length > 0) return renewed
    const records: AnyRecord[] = []
    for (let head = this.#buffer[0]; head !== undefined && records.length < max; head = this.#buffer[0]) {
      if (this.#isOver(head)) {
        this.#buffer.shift()
        continue
      }
      try {
        for (const record of head.take(max - records.length)) {
          records.push(record)
          this.#hand.add(record, head.from)
        }
      } catch (error) {
        this.#sendMarks(head)
        const failure = asKafkaError(error, 'reading acquired records')
        if (records.length === 0) throw failure
        this.#failure = failure
        return records
      }
      if (head.isExhausted) {
        this.#buffer.shift()
        this.#sendMarks(head)
      } else if (records.length < max) {
        // A batch behind these cannot be read: that is told with the next ask.
        return records
      }
    }
    return records
  }

  /** These are given out to others: handed out here they would be handled twice, and could not be acknowledged. */
  #drop(nodeId: number): void {
    this.#keep(({ from }) => from.nodeId !== nodeId)
  }

  #keep(isKept: (records: AcquiredRecords) => boolean): void {
    this.#buffer.splice(0, this.#buffer.length, ...this.#buffer.filter(isKept))
  }

  /** Nobody here wants it: others need not wait for the end of its lock. */
  #giveBack(records: AcquiredRecords): void {
    records.release()
    this.#sendMarks(records)
  }

  /** Whether the locks may have ended: the records are given out to others then. */
  #isOver({ lockEndsAt }: AcquiredRecords): boolean {
    return performance.now() > lockEndsAt
  }

  #sendMarks(head: AcquiredRecords): void {
    const marks = head.takeMarks()
    if (marks.length === 0) return
    this.#fetcher.acknowledge([this.#acknowledgementsOf(head.from, marks, [])])
  }

  /** Sends what was acknowledged. */
  #flush(deadline = new Deadline(this.#options.defaultApiTimeoutMs)): void {
    clearTimeout(this.#lingerTimer)
    this.#lingerTimer = undefined
    const taken = this.#hand.take()
    if (taken.length === 0) return
    this.#fetcher.acknowledge(
      taken.map(({ from, ranges, offsets }) => this.#acknowledgementsOf(from, ranges, offsets, deadline)),
    )
  }

  #acknowledgementsOf(
    from: AcquiredFrom,
    ranges: readonly AcknowledgedRange[],
    offsets: readonly number[],
    deadline = new Deadline(this.#options.defaultApiTimeoutMs),
  ): PartitionAcknowledgements {
    const acknowledgements = new PartitionAcknowledgements(from, ranges, { offsets, deadline })
    this.#unsettled.add(acknowledgements)
    void acknowledgements.settled.then((result) => this.#settled(acknowledgements, result))
    return acknowledgements
  }

  #settled(acknowledgements: PartitionAcknowledgements, result: AcknowledgementResult): void {
    this.#unsettled.delete(acknowledgements)
    if (acknowledgements.isRenewal) {
      this.#hand.renewed(acknowledgements, result.error === null && !this.#isClosed)
      this.#wake()
    }
    const count = acknowledgements.offsets.length
    if (count === 0) return
    this.#metrics.acknowledged(count, result.error !== null)
    tell(this.#options.onAcknowledgementCommit, result)
  }

  /** Until something has changed or the deadline comes. Rejects with the reason of its signal. */
  async #change(deadline: Deadline): Promise<void> {
    await deadline.sleep(
      deadline.remainingMs,
      new Promise((resolve) => {
        this.#wake = resolve
      }),
    )
  }
}

async function settledBefore(
  acknowledgements: PartitionAcknowledgements,
  deadline: Deadline,
): Promise<AcknowledgementResult> {
  const { topic, partition } = acknowledgements.from
  try {
    return await deadline.race(acknowledgements.settled, `the acknowledgement for ${topic}-${partition}`)
  } catch (error) {
    deadline.throwIfAborted()
    return acknowledgements.resultOf(asKafkaError(error, 'an acknowledgement'))
  }
}

/** One for each partition: with the first error, where there is one. */
function merged(results: readonly AcknowledgementResult[]): AcknowledgementResult[] {
  const byPartition = new Map<string, AcknowledgementResult>()
  for (const result of results) {
    const key = `${result.topic} ${result.partition}`
    const before = byPartition.get(key)
    byPartition.set(
      key,
      before === undefined
        ? result
        : {
            ...before,
            offsets: [...before.offsets, ...result.offsets].sort((a, b) => a - b),
            error: before.error ?? result.error,
          },
    )
  }
  return [...byPartition.values()].sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  )
}
