import { incrementSequence } from '../../protocol/records/batch-header.ts'
import { AppendError } from './append-error.ts'

/** One batch that was appended, for recognizing it when it comes again. */
interface AppendedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestamp: number
}

/** What a log remembers of one producer (Java's `ProducerStateEntry`). */
export interface ProducerState {
  readonly producerId: bigint
  epoch: number
  /** The last five, the oldest first. */
  batches: AppendedBatch[]
  /** Where its open transaction begins; null without one. */
  transactionStart: number | null
  /** Of its last marker; -1 without one. */
  coordinatorEpoch: number
  /** Of its last batch or marker, milliseconds since 1970. */
  lastTimestamp: number
  /** When that was appended. */
  updatedAtMs: number
}

/** A transaction that was aborted (KIP-98), by the offsets of its first record and of its marker. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
  readonly lastOffset: number
}

export interface ProducerBatch {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly isTransactional: boolean
}

/** How a transaction ended, as its marker says it. */
export interface ProducerMarker {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly commit: boolean
  readonly coordinatorEpoch: number
  /** 2: the marker has a higher epoch than the records that it is about (KIP-1228). */
  readonly transactionVersion: number
}

/** As many batches may be in flight, and so come again (Java's `NUM_BATCHES_TO_RETAIN`). */
const batchesKept = 5

/** Sequences and transactions of all producers of one partition (Java's `ProducerStateManager`). */
export class ProducerStates {
  readonly #states = new Map<bigint, ProducerState>()
  /** Where the open transactions begin, by producer id, in that order. */
  readonly #open = new Map<bigint, number>()
  /** In the order of their markers. */
  readonly aborted: AbortedTransaction[] = []
  readonly #partition: string

  /** @param partition for messages. */
  constructor(partition: string) {
    this.#partition = partition
  }

  all(): Iterable<ProducerState> {
    return this.#states.values()
  }

  get(producerId: bigint): ProducerState | undefined {
    return this.#states.get(producerId)
  }

  /** First offset of the transactions that are open; null when there are none. */
  get firstOpenOffset(): number | null {
    // Asked for with each fetch. A transaction that begins later begins further behind, so the first is the lowest.
    for (const offset of this.#open.values()) return offset
    return null
  }

  /**
   * Compares a batch with what is known of its producer. Gives the batch that it repeats, or null when it is new.
   *
   * @throws AppendError INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_TXN_STATE
   */
  check(batch: ProducerBatch): AppendedBatch | null {
    const state = this.#states.get(batch.producerId)
    if (state === undefined) return null
    const { producerEpoch, baseSequence, lastSequence } = batch
    if (producerEpoch === state.epoch) {
      const repeated = state.batches.find(
        (one) => one.firstSequence === baseSequence && one.lastSequence === lastSequence,
      )
      if (repeated !== undefined) return repeated
    }
    if (producerEpoch < state.epoch) throw this.#fenced(state, producerEpoch)
    if (producerEpoch > state.epoch) {
      if (baseSequence !== 0) {
        throw new AppendError(
          'OUT_OF_ORDER_SEQUENCE_NUMBER',
          `Invalid sequence number for new epoch of producer ${batch.producerId} in partition ${this.#partition}: ${producerEpoch} (request epoch), ${baseSequence} (seq. number), ${state.epoch} (current producer epoch)`,
        )
      }
    } else {
      const last = state.batches.at(-1)
      // After a marker that raised the epoch, or came first, nothing is known of the sequence: it begins with 0.
      const expected = last === undefined ? 0 : incrementSequence(last.lastSequence, 1)
      if (baseSequence !== expected) {
        throw new AppendError(
          'OUT_OF_ORDER_SEQUENCE_NUMBER',
          `Out of order sequence number for producer ${batch.producerId} in partition ${this.#partition}: ${baseSequence} (incoming seq. number), ${last?.lastSequence ?? -1} (current end sequence number)`,
        )
      }
    }
    if (state.transactionStart !== null && !batch.isTransactional) {
      throw new AppendError(
        'INVALID_TXN_STATE',
        `Expected transactional write from producer ${batch.producerId} in partition ${this.#partition}`,
      )
    }
    return null
  }

  /** Takes note of a batch that `check` has let pass, and that was appended. */
  append(
    batch: ProducerBatch,
    baseOffset: number,
    lastOffset: number,
    timestamp: number,
    nowMs: number,
  ): void {
    const state = this.#stateOf(batch.producerId, batch.producerEpoch)
    if (batch.producerEpoch !== state.epoch) {
      state.epoch = batch.producerEpoch
      state.batches = []
    }
    state.lastTimestamp = timestamp
    state.updatedAtMs = nowMs
    state.batches.push({
      firstSequence: batch.baseSequence,
      lastSequence: batch.lastSequence,
      baseOffset,
      lastOffset,
      timestamp,
    })
    if (state.batches.length > batchesKept) state.batches.shift()
    if (batch.isTransactional && state.transactionStart === null) {
      state.transactionStart = baseOffset
      this.#open.set(batch.producerId, baseOffset)
    }
  }

  /**
   * Whether a marker may be appended.
   *
   * @throws AppendError INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED
   */
  checkMarker({ producerId, producerEpoch, coordinatorEpoch, transactionVersion }: ProducerMarker): void {
    const state = this.#states.get(producerId)
    if (state === undefined) return
    // With version 2 a marker of the same epoch comes late, and would end the next transaction; without one it is a retry.
    const isLate = transactionVersion >= 2 && state.transactionStart !== null && producerEpoch === state.epoch
    if (producerEpoch < state.epoch || isLate) throw this.#fenced(state, producerEpoch)
    if (coordinatorEpoch < state.coordinatorEpoch) {
      throw new AppendError(
        'TRANSACTION_COORDINATOR_FENCED',
        `Invalid coordinator epoch for producerId ${producerId} in partition ${this.#partition}: ${coordinatorEpoch} (zombie), ${state.coordinatorEpoch} (current)`,
      )
    }
  }

  /** Ends the open transaction of a producer, if it has one, with the marker at `offset`. */
  appendMarker(marker: ProducerMarker, offset: number, nowMs: number): void {
    const { producerId, producerEpoch, coordinatorEpoch, commit } = marker
    const state = this.#stateOf(producerId, producerEpoch)
    if (producerEpoch !== state.epoch) {
      state.epoch = producerEpoch
      state.batches = []
    }
    if (!commit && state.transactionStart !== null) {
      this.aborted.push({ producerId, firstOffset: state.transactionStart, lastOffset: offset })
    }
    state.transactionStart = null
    this.#open.delete(producerId)
    state.coordinatorEpoch = coordinatorEpoch
    state.lastTimestamp = nowMs
    state.updatedAtMs = nowMs
  }

  /** Forgets a producer that has written nothing since `before`, unless its transaction is open. */
  forgetExpired(producerId: bigint, before: number): void {
    const state = this.#states.get(producerId)
    if (state !== undefined && isExpired(state, before)) this.#states.delete(producerId)
  }

  /** Forgets all producers that have written nothing since `before` and have no open transaction. */
  forgetAllExpired(before: number): void {
    for (const [id, state] of this.#states) if (isExpired(state, before)) this.#states.delete(id)
  }

  /** Forgets the aborted transactions that ended before `offset`: the log begins there now. */
  forgetAbortedBefore(offset: number): void {
    const kept = this.aborted.findIndex(({ lastOffset }) => lastOffset >= offset)
    this.aborted.splice(0, kept < 0 ? this.aborted.length : kept)
  }

  /** Forgets what was written at `offset` or behind it. What a marker there had aborted is open again. */
  truncateFrom(offset: number): void {
    for (const state of this.#states.values()) {
      state.batches = state.batches.filter(({ baseOffset }) => baseOffset < offset)
      if (state.transactionStart === null || state.transactionStart < offset) continue
      state.transactionStart = null
      this.#open.delete(state.producerId)
    }
    const gone = this.aborted.findIndex(({ lastOffset }) => lastOffset >= offset)
    if (gone < 0) return
    for (const { producerId, firstOffset } of this.aborted.splice(gone)) {
      const state = this.#states.get(producerId)
      if (state === undefined || firstOffset >= offset || state.transactionStart !== null) continue
      state.transactionStart = firstOffset
      this.#open.set(producerId, firstOffset)
    }
  }

  #fenced({ producerId, epoch }: ProducerState, producerEpoch: number): AppendError {
    return new AppendError(
      'INVALID_PRODUCER_EPOCH',
      `Epoch of producer ${producerId} in ${this.#partition} is ${producerEpoch}, which is smaller than the last seen epoch ${epoch}`,
    )
  }

  #stateOf(producerId: bigint, epoch: number): ProducerState {
    let state = this.#states.get(producerId)
    if (state === undefined) {
      state = {
        producerId,
        epoch,
        batches: [],
        transactionStart: null,
        coordinatorEpoch: -1,
        lastTimestamp: -1,
        updatedAtMs: -1,
      }
      this.#states.set(producerId, state)
    }
    return state
  }
}

/** `producer.id.expiration.ms` counts from the append here; in Java from the timestamp, but looked at every 10 minutes. */
function isExpired(state: ProducerState, before: number): boolean {
  return state.transactionStart === null && state.updatedAtMs <= before
}
