import { DeliveryError } from '../errors.ts'
import type { DeliveredRange, OnDelivery, RecordMetadata } from './producer-record.ts'

/** What the application learns of a batch that is in the log. */
export interface BatchDelivered {
  readonly topic: string
  readonly partition: number
  /** -1 where the broker does not tell. */
  readonly baseOffset: number
  /** Milliseconds; -1 unless the topic has LogAppendTime. */
  readonly logAppendTime: number
}

/**
 * Neighbouring records of one batch, whose senders are told about them together. A batch keeps a list of these instead of
 * an object for each record.
 */
export abstract class Delivery {
  /** Index of the first record in the batch. */
  start = 0
  count = 0
  abstract delivered(batch: BatchDelivered): void
  abstract failed(error: Error): void
  /** What stands for one more record of this sender, to be kept: this one while it stands for none, else another. */
  abstract own(): Delivery
  /** Takes in the record of `other`, which follows in the same batch, if both can be told together. */
  abstract takes(other: Delivery): boolean
  /** What stands for `count` of these records, from the one at `from` on. */
  abstract part(from: number, count: number): Delivery
}

type Resolve = (metadata: RecordMetadata) => void
type Reject = (error: Error) => void

/**
 * Records that are told of one by one. Their settlers lie side by side: an object around each costs a third of what the
 * promise does.
 */
export class SendDelivery extends Delivery {
  readonly #resolves: Resolve[] = []
  readonly #rejects: Reject[] = []
  readonly #timestamps: number[] = []

  add(timestamp: number, resolve: Resolve, reject: Reject): this {
    this.#resolves.push(resolve)
    this.#rejects.push(reject)
    this.#timestamps.push(timestamp)
    return this
  }

  delivered({ topic, partition, baseOffset, logAppendTime }: BatchDelivered): void {
    const resolves = this.#resolves
    for (let i = 0; i < resolves.length; i++) {
      resolves[i]!({
        topic,
        partition,
        offset: baseOffset < 0 ? -1 : baseOffset + this.start + i,
        timestamp: logAppendTime < 0 ? this.#timestamps[i]! : logAppendTime,
      })
    }
  }

  failed(error: Error): void {
    for (const reject of this.#rejects) reject(error)
  }

  own(): Delivery {
    return this
  }

  takes(other: Delivery): boolean {
    if (!(other instanceof SendCall)) return false
    this.add(other.timestamp, other.resolve, other.reject)
    this.count++
    return true
  }

  part(from: number, count: number): Delivery {
    const part = new SendDelivery()
    for (let i = from; i < from + count; i++) {
      part.add(this.#timestamps[i]!, this.#resolves[i]!, this.#rejects[i]!)
    }
    return part
  }
}

let newResolve!: Resolve
let newReject!: Reject

/** One for all promises: a closure for each would cost a third of what the promise does. */
function keepSettlers(resolve: Resolve, reject: Reject): void {
  newResolve = resolve
  newReject = reject
}

/**
 * The record of a `send` that is being called: the batch that it goes into takes its settlers. What keeps it longer asks
 * for one of its `own`.
 */
export class SendCall extends Delivery {
  timestamp = 0
  resolve!: Resolve
  reject!: Reject
  #isTaken = false

  promise(): Promise<RecordMetadata> {
    return new Promise<RecordMetadata>(keepSettlers)
  }

  /**
   * For the promise that was made just now. A serializer, a partitioner or a getter of the application's that calls
   * `send` in the middle of another one gets a delivery of its own: this one is not free before `end`.
   */
  begin(timestamp: number): Delivery {
    if (this.#isTaken) return new SendDelivery().add(timestamp, newResolve, newReject)
    this.#isTaken = true
    this.timestamp = timestamp
    this.resolve = newResolve
    this.reject = newReject
    return this
  }

  end(delivery: Delivery): void {
    if (delivery === this) this.#isTaken = false
  }

  delivered(batch: BatchDelivered): void {
    this.own().delivered(batch)
  }

  failed(error: Error): void {
    this.reject(error)
  }

  own(): Delivery {
    return new SendDelivery().add(this.timestamp, this.resolve, this.reject)
  }

  takes(): boolean {
    return false
  }

  part(): Delivery {
    return this.own()
  }
}

/** `produce` with a callback. */
export function callbackDelivery(timestamp: number, onDelivery: OnDelivery): Delivery {
  // A callback that throws must not stop the work on other records: it becomes an uncaught exception of its own.
  const call = (error: Error | null, metadata: RecordMetadata | null) => {
    try {
      onDelivery(error, metadata)
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown
      })
    }
  }
  return new SendDelivery().add(
    timestamp,
    (metadata) => call(null, metadata),
    (error) => call(error, null),
  )
}

/** `sendMany`: one promise for all of its records. */
export class ManyDeliveries {
  readonly promise: Promise<DeliveredRange[]>
  readonly #delivered: DeliveredRange[] = []
  readonly #failures: { readonly error: Error; readonly count: number }[] = []
  #resolve!: (ranges: DeliveredRange[]) => void
  #reject!: (error: Error) => void
  #open: number

  constructor(count: number) {
    this.#open = count
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    if (count === 0) this.#resolve([])
  }

  delivered(batch: BatchDelivered, start: number, count: number): void {
    const { topic, partition } = batch
    const baseOffset = batch.baseOffset < 0 ? -1 : batch.baseOffset + start
    const last = this.#delivered.at(-1)
    const follows =
      last?.topic === topic &&
      last.partition === partition &&
      last.baseOffset >= 0 &&
      last.baseOffset + last.count === baseOffset
    if (follows) this.#delivered[this.#delivered.length - 1] = { ...last, count: last.count + count }
    else this.#delivered.push({ topic, partition, baseOffset, count })
    this.#settle(count)
  }

  failed(error: Error, count: number): void {
    this.#failures.push({ error, count })
    this.#settle(count)
  }

  #settle(count: number): void {
    this.#open -= count
    if (this.#open > 0) return
    const [first] = this.#failures
    if (first === undefined) return this.#resolve(this.#delivered)
    this.#reject(new SendManyError(this.#failures, this.#delivered))
  }
}

/** Some records of a `sendMany` are not confirmed. `cause` is the first failure, `failures` has them all. */
export class SendManyError extends DeliveryError {
  readonly failures: readonly { readonly error: Error; readonly count: number }[]
  /** What is in the log all the same. */
  readonly delivered: readonly DeliveredRange[]

  constructor(
    failures: readonly { readonly error: Error; readonly count: number }[],
    delivered: readonly DeliveredRange[],
  ) {
    const sum = (counts: readonly { readonly count: number }[]) =>
      counts.reduce((total, one) => total + one.count, 0)
    const failed = sum(failures)
    const first = failures[0]!.error as Error & { code?: string; retriable?: boolean }
    const persisted = failures.some(
      ({ error }) => error instanceof DeliveryError && error.persisted === 'possibly',
    )
    const of = failed + sum(delivered)
    super(
      first.code ?? 'DELIVERY_FAILED',
      `${failed} of ${of} records are not confirmed: ${first.message}`,
      persisted ? 'possibly' : 'no',
      { cause: first, retriable: first.retriable ?? false },
    )
    this.failures = failures
    this.delivered = delivered
  }
}

export class ManyDelivery extends Delivery {
  readonly #many: ManyDeliveries

  constructor(many: ManyDeliveries) {
    super()
    this.#many = many
  }

  delivered(batch: BatchDelivered): void {
    this.#many.delivered(batch, this.start, this.count)
  }

  failed(error: Error): void {
    this.#many.failed(error, this.count)
  }

  own(): Delivery {
    return this.count === 0 ? this : this.part()
  }

  takes(other: Delivery): boolean {
    if (!(other instanceof ManyDelivery && other.#many === this.#many)) return false
    this.count++
    return true
  }

  part(): Delivery {
    return new ManyDelivery(this.#many)
  }
}

/** `produce` without a callback: what fails is kept for the next `flush`, `drained` or `close`. */
export class UnobservedDeliveries {
  #error: Error | null = null
  #count = 0
  #persisted: 'no' | 'possibly' = 'no'

  failed(error: Error, count: number): void {
    this.#error ??= error
    this.#count += count
    if (error instanceof DeliveryError && error.persisted === 'possibly') this.#persisted = 'possibly'
  }

  /** What has failed so far is told in another way. */
  forget(): void {
    this.#error = null
    this.#count = 0
    this.#persisted = 'no'
  }

  /** Throws what has failed since the last time. */
  throwIfFailed(): void {
    const error = this.#error as (Error & { code?: string; retriable?: boolean }) | null
    const count = this.#count
    const persisted = this.#persisted
    if (error === null) return
    this.forget()
    throw new DeliveryError(
      error.code ?? 'DELIVERY_FAILED',
      `${count} records sent by produce() are not confirmed, the first: ${error.message}`,
      persisted,
      { cause: error, retriable: error.retriable ?? false },
    )
  }
}

export class UnobservedDelivery extends Delivery {
  readonly #all: UnobservedDeliveries

  constructor(all: UnobservedDeliveries) {
    super()
    this.#all = all
  }

  delivered(): void {}

  failed(error: Error): void {
    this.#all.failed(error, this.count)
  }

  own(): Delivery {
    return this.count === 0 ? this : this.part()
  }

  takes(other: Delivery): boolean {
    if (!(other instanceof UnobservedDelivery)) return false
    this.count++
    return true
  }

  part(): Delivery {
    return new UnobservedDelivery(this.#all)
  }
}
