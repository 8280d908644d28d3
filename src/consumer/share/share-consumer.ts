import { Deadline } from '../../deadline.ts'
import { IllegalStateError, InvalidArgumentError } from '../../errors.ts'
import type { Metric } from '../../metrics/metric.ts'
import { NetworkMetrics } from '../../metrics/network-metrics.ts'
import { checkTimeout, checkTopic, deadlineOf, type WaitOptions } from '../arguments.ts'
import type { CloseOptions } from '../consumer-types.ts'
import {
  type ParsedShareConsumerOptions,
  parseShareConsumerOptions,
  type ShareConsumerConfig,
} from './share-consumer-options.ts'
import { ShareRecordIterator } from './share-iterator.ts'
import { ShareConsumerMetrics } from './share-metrics.ts'
import type { ShareReader } from './share-reader.ts'
import type { ShareRecord } from './share-record.ts'
import type { AcknowledgementResult, AcknowledgeType, RecordPlace, SharePollOptions } from './share-types.ts'

const acknowledgeTypes: readonly AcknowledgeType[] = ['accept', 'release', 'reject', 'renew']

/**
 * Reads as a member of a share group (KIP-932), in which consumers share single records and not partitions: each record is
 * locked for one of them for a time, is acknowledged by itself, and is given to another one when that does not happen. So
 * there may be more consumers than partitions, and there is no order.
 *
 * In `implicit` mode what was handed out is accepted when more is asked for, and by `commit()`; not by `close()`, which
 * releases it. In `explicit` mode each record has to be acknowledged before more are asked for.
 *
 * Needs Kafka 4.1 or newer, with its feature `share.version`. One reader at a time: a second ask while one waits is an
 * IllegalStateError.
 */
export class ShareConsumer<K = Buffer | null, V = Buffer | null>
  implements AsyncIterable<ShareRecord<K, V>>, AsyncDisposable
{
  readonly #options: ParsedShareConsumerOptions
  readonly #metrics: ShareConsumerMetrics
  readonly #network: NetworkMetrics
  #topics: readonly string[] = []
  /** What does the work. Its code is loaded with the first ask. */
  #reader: ShareReader | null = null
  #loading: Promise<ShareReader> | null = null
  #closing: Promise<void> | null = null

  /** Connects with the first ask. Throws InvalidOptionError. */
  constructor(options: ShareConsumerConfig<K, V>) {
    this.#options = parseShareConsumerOptions(options)
    const windows = {
      windowMs: this.#options.metricsSampleWindowMs,
      count: this.#options.metricsNumSamples,
    }
    this.#metrics = new ShareConsumerMetrics(windows)
    this.#network = new NetworkMetrics(windows)
    if (this.#options.topics !== undefined) this.subscribe(this.#options.topics)
  }

  /** Subscribes to these topics, instead of those before. Not to none: that is `unsubscribe()`. */
  subscribe(topics: readonly string[]): void {
    this.#checkOpen()
    if (!Array.isArray(topics) || topics.length === 0) {
      throw new InvalidArgumentError(
        'topics must be an array with a name at least; unsubscribe() leaves the group',
      )
    }
    for (const topic of topics) checkTopic(topic)
    this.#topics = [...new Set(topics)].sort()
    this.#reader?.subscribe(this.#topics)
  }

  /** Topics that are subscribed to. */
  subscription(): string[] {
    return [...this.#topics]
  }

  /** Sends what was acknowledged and leaves the group; what is in hand otherwise is released. The consumer stays open. */
  async unsubscribe(options: WaitOptions = {}): Promise<void> {
    this.#checkOpen()
    const deadline = deadlineOf(options, this.#options.defaultApiTimeoutMs)
    this.#topics = []
    await this.#reader?.unsubscribe(deadline)
  }

  /**
   * What is there, or the first to come within `timeoutMs`; else an empty array. What the last one gave is accepted in
   * implicit mode. What was renewed comes again, and alone.
   *
   * @throws IllegalStateError in explicit mode when a record that was handed out is not acknowledged yet.
   * @throws ProtocolError for a batch that cannot be read; it is acknowledged, and the next `poll` goes on behind it.
   */
  async poll(options: SharePollOptions = {}): Promise<ShareRecord<K, V>[]> {
    this.#checkOpen()
    const { timeoutMs = 0, maxRecords = this.#options.maxPollRecords, signal } = options
    if (!Number.isInteger(maxRecords) || maxRecords < 1) {
      throw new InvalidArgumentError(`maxRecords must be an integer, at least 1, not ${maxRecords}`)
    }
    const deadline = new Deadline(checkTimeout(timeoutMs), signal)
    deadline.throwIfAborted()
    const reader = await this.#load()
    return (await reader.read(maxRecords, deadline)) as ShareRecord<K, V>[]
  }

  /**
   * Record by record. In implicit mode a record is accepted when the loop asks for the next one; what is in hand when it
   * is left by `break` or by an error is released, unless `commit()` is called for it. Leaving the loop leaves the
   * consumer open.
   */
  [Symbol.asyncIterator](): ShareRecordIterator<K, V> {
    this.#checkOpen()
    const isClosing = () => this.#closing !== null
    const reader = () => this.#reader
    return new ShareRecordIterator<K, V>({
      get isClosing() {
        return isClosing()
      },
      get reader() {
        return reader()
      },
      load: () => this.#load(),
    })
  }

  /**
   * Says what is to become of a record that is in hand. It is sent with the next ask for records or by `commit()`, and can
   * be changed until then. A place in place of a record will do.
   *
   * @throws IllegalStateError in implicit mode, and for a record that is not in hand.
   */
  acknowledge(record: ShareRecord<K, V> | RecordPlace, type: AcknowledgeType = 'accept'): void {
    this.#checkOpen()
    if (this.#options.shareAcknowledgementMode === 'implicit') {
      throw new IllegalStateError("acknowledge() needs shareAcknowledgementMode: 'explicit'")
    }
    if (!acknowledgeTypes.includes(type)) {
      throw new InvalidArgumentError(
        `type must be one of ${acknowledgeTypes.join(', ')}, not ${String(type)}`,
      )
    }
    if (this.#reader === null) {
      throw new IllegalStateError('there is nothing in hand to acknowledge: no records were asked for yet')
    }
    this.#reader.acknowledge(record, type)
  }

  /**
   * Sends what was acknowledged, in implicit mode all that was handed out, and waits for the answers: Java's `commitSync`.
   * Without `await` it is `commitAsync`; `onAcknowledgementCommit` is told of the results in any case.
   *
   * Tells of each partition whether its acknowledgements count; an error there is not thrown. So is a timeout.
   */
  async commit(options: WaitOptions = {}): Promise<AcknowledgementResult[]> {
    this.#checkOpen()
    const deadline = deadlineOf(options, this.#options.defaultApiTimeoutMs)
    return (await this.#reader?.commit(deadline)) ?? []
  }

  /** How long a record stays locked for us, in milliseconds, as the brokers told last; null before that (KIP-1222). */
  acquisitionLockTimeoutMs(): number | null {
    return this.#reader?.acquisitionLockTimeoutMs ?? null
  }

  /**
   * What this consumer has measured, under the names that Java's share consumer has: averages, maxima and rates of the last
   * `metricsNumSamples` windows of `metricsSampleWindowMs`, totals of its whole life.
   */
  async metrics(): Promise<Metric[]> {
    const { listShareMetrics } = await import('./share-metric-list.ts')
    return listShareMetrics({
      clientId: this.#options.clientId,
      share: this.#metrics,
      network: this.#network,
      lastPollAt: this.#reader?.lastAskAt() ?? Number.NaN,
      nodeAt: (address) => this.#reader?.nodeAt(address) ?? null,
    })
  }

  /**
   * Ends loops and polls, sends what was acknowledged, releases the rest, leaves the group and closes all connections. As
   * in Java what is in hand is not accepted, in implicit mode neither: `commit()` before does that. May be called again;
   * never rejects for what goes wrong on the way, `onError` is told.
   */
  close({ timeoutMs = 30_000 }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(new Deadline(checkTimeout(timeoutMs)))
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(deadline: Deadline): Promise<void> {
    // Who asked was told that the code could not be loaded.
    const reader = await this.#loading?.catch(() => null)
    await reader?.close(deadline)
  }

  async #load(): Promise<ShareReader> {
    this.#loading ??= import('./share-reader.ts').then(({ ShareReader }) => {
      const reader = new ShareReader(this.#options, this.#metrics, this.#network)
      reader.subscribe(this.#topics)
      this.#reader = reader
      return reader
    })
    return this.#reader ?? (await this.#loading)
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new IllegalStateError('the share consumer is closed')
  }
}
