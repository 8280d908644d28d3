import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { incrementSequence } from '../../src/protocol/records/batch-header.ts'

export interface AppendedBatch {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly values: readonly string[]
}

export interface AppendOutcome {
  readonly errorCode: number
  readonly baseOffset: number
}

interface ProducerState {
  epoch: number
  nextSequence: number
  /** The last five batches. */
  readonly recent: { readonly baseSequence: number; readonly count: number; readonly baseOffset: number }[]
}

/** A partition's log with Kafka's rules for sequence numbers (Java's ProducerAppendInfo and ProducerStateEntry). */
export class PartitionLog {
  readonly values: string[] = []
  readonly #producers = new Map<bigint, ProducerState>()

  append(batch: AppendedBatch): AppendOutcome {
    const { producerId, producerEpoch, baseSequence, values } = batch
    if (producerId < 0n) return this.#write(values)
    let state = this.#producers.get(producerId)
    if (state !== undefined && producerEpoch < state.epoch) return refused(errorCodes.invalidProducerEpoch)
    if (state !== undefined && producerEpoch === state.epoch) {
      const known = state.recent.find(
        (one) => one.baseSequence === baseSequence && one.count === values.length,
      )
      if (known !== undefined) return { errorCode: 0, baseOffset: known.baseOffset }
      if (baseSequence !== state.nextSequence) return refused(errorCodes.outOfOrderSequenceNumber)
    } else {
      if (state !== undefined && baseSequence !== 0) return refused(errorCodes.outOfOrderSequenceNumber)
      // A producer that is not known may begin anywhere.
      state = { epoch: producerEpoch, nextSequence: baseSequence, recent: [] }
      this.#producers.set(producerId, state)
    }
    const outcome = this.#write(values)
    state.nextSequence = incrementSequence(baseSequence, values.length)
    state.recent.push({ baseSequence, count: values.length, baseOffset: outcome.baseOffset })
    if (state.recent.length > 5) state.recent.shift()
    return outcome
  }

  /** Forgets all producers, as retention and expiry make a broker do. */
  forgetProducers(): void {
    this.#producers.clear()
  }

  #write(values: readonly string[]): AppendOutcome {
    const baseOffset = this.values.length
    this.values.push(...values)
    return { errorCode: 0, baseOffset }
  }
}

function refused(errorCode: number): AppendOutcome {
  return { errorCode, baseOffset: -1 }
}
