import { Cluster } from '../../cluster/cluster.ts'
import { Deadline } from '../../deadline.ts'
import { IllegalStateError } from '../../errors.ts'
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
  #lastAskAt = performance.now()
  /** Ends the wait of who reads. */
  #wake: () => void = () => {}
  #lingerTimer: NodeJS.Timeout | undefined

  constructor(options: ParsedShareConsumerOptions) {
    this.#options = options
    const cluster = new Cluster(
      clusterOptions(options, { allowAutoTopicCreation: options.allowAutoCreateTopics }),
    )
    this.#cluster = cluster
    const onTrouble = (error: KafkaError) => tell(options.onError, error)
    const onFatal = (error: KafkaError) => {
      this.#failure ??= error
      this.#wake()
    }
    this.#member = new ShareMember(cluster, options, {
      lastAskAt: () => (this.#isReading ? performance.now() : this.#lastAskAt),
      onAssigned: (partitions) => this.#fetcher.assign(partitions),
      onFatal,
      onTrouble,
    })
    const { memberId } = this.#member
    this.#fetcher = new ShareFetcher(
      cluster,
      options,
      { groupId: options.groupId, memberId },
      {
        topics: () => this.#topics,
        onAcquired: (records) => this.#buffer.push(records),
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

  subscribe(topics: readonly string[]): void {
    this.#topics = topics
    this.#isLookedUp = false
    this.#member.subscribe(topics)
  }

  /** The next record where it is there already. Null: `read` has to wait for it, or to say what is wrong. */
  next(): AnyRecord | null {
    if (this.#isReading || this.#failure !== null || this.#hand.isRenewing || this.#hand.hasRenewed)
      return null
    const [head] = this.#buffer
    if (head === undefined) return null
    this.#ask()
    if (this.#hand.hasRenewals) return null
    const [record] = this.#take(1)
    if (record === undefined) return null
    this.#lingerTimer ??= setTimeout(() => this.#flush(), lingerMs)
    return record
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
    try {
      this.#ask()
      this.#flush()
      for (;;) {
        if (this.#isClosed) return []
        this.#checkSubscribed()
        const records = this.#take(max)
        if (records.length > 0) return records
        if (!this.#hand.isRenewing) this.#fetcher.fetch()
        if (deadline.expired) return []
        await this.#change(deadline)
      }
    } finally {
      this.#isReading = false
      this.#lastAskAt = performance.now()
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
    this.#member.subscribe([])
    await this.#release(deadline)
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
    const kept = this.#buffer.filter(({ from }) => from.nodeId !== nodeId)
    this.#buffer.splice(0, this.#buffer.length, ...kept)
  }

  /** Whether the locks may have ended: the records are given out to others then. */
  #isOver({ askedAt }: AcquiredRecords): boolean {
    const lockMs = this.#fetcher.acquisitionLockTimeoutMs
    return lockMs !== null && performance.now() - askedAt > lockMs
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
    if (acknowledgements.offsets.length > 0) tell(this.#options.onAcknowledgementCommit, result)
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
