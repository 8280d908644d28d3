import type { Deadline } from '../../deadline.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import type { AcknowledgementResult } from './share-types.ts'

/** The numbers on the wire. A gap is an offset that holds no record: compacted, or of a control batch. */
export const acknowledgeTypeIds = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const

/** The same for all offsets from `first` to `last`. */
export interface AcknowledgedRange {
  readonly first: number
  readonly last: number
  /** One of `acknowledgeTypeIds`. */
  readonly type: number
}

/** As ShareFetch and ShareAcknowledge have it. */
export interface AcknowledgementBatch {
  readonly firstOffset: bigint
  readonly lastOffset: bigint
  readonly acknowledgeTypes: readonly number[]
}

/** Runs of the same type that are shorter share a batch with their neighbours (Java's `Acknowledgements`). */
const longRun = 10

/** Batches in the order of their offsets: long runs of one type each by itself, short ones together. */
export function batchesOf(ranges: readonly AcknowledgedRange[]): AcknowledgementBatch[] {
  const batches: { first: number; last: number; types: number[] }[] = []
  for (const { first, last, type } of runsOf(ranges)) {
    const before = batches.at(-1)
    const count = last - first + 1
    if (count < longRun && before !== undefined && before.last + 1 === first && !isLong(before)) {
      if (before.types.length === 1) {
        before.types = new Array<number>(before.last - before.first + 1).fill(before.types[0]!)
      }
      for (let i = 0; i < count; i++) before.types.push(type)
      before.last = last
    } else {
      batches.push({ first, last, types: [type] })
    }
  }
  return batches.map(({ first, last, types }) => ({
    firstOffset: BigInt(first),
    lastOffset: BigInt(last),
    acknowledgeTypes: types,
  }))
}

function isLong({ first, last, types }: { first: number; last: number; types: readonly number[] }): boolean {
  return types.length === 1 && last - first + 1 >= longRun
}

function runsOf(ranges: readonly AcknowledgedRange[]): AcknowledgedRange[] {
  const runs: { first: number; last: number; type: number }[] = []
  for (const { first, last, type } of [...ranges].sort((a, b) => a.first - b.first)) {
    const before = runs.at(-1)
    if (before !== undefined && before.type === type && before.last + 1 === first) before.last = last
    else runs.push({ first, last, type })
  }
  return runs
}

/** A partition that records were acquired of, and who gave them: only that broker can take acknowledgements for them. */
export interface AcquiredFrom {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly nodeId: number
}

/** Acknowledgements of one partition that go together and are answered together. */
export class PartitionAcknowledgements {
  readonly from: AcquiredFrom
  readonly ranges: readonly AcknowledgedRange[]
  /** Of records that were handed out; none for gaps and what could not be read. */
  readonly offsets: readonly number[]
  readonly isRenewal: boolean
  /** No try after that. */
  readonly deadline: Deadline
  /** Never rejects. */
  readonly settled: Promise<AcknowledgementResult>
  #settle: (result: AcknowledgementResult) => void = () => {}
  #isSettled = false

  constructor(
    from: AcquiredFrom,
    ranges: readonly AcknowledgedRange[],
    { offsets, deadline }: { readonly offsets: readonly number[]; readonly deadline: Deadline },
  ) {
    this.from = from
    this.ranges = ranges
    this.offsets = offsets
    this.deadline = deadline
    this.isRenewal = ranges.some(({ type }) => type === acknowledgeTypeIds.renew)
    this.settled = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  settle(error: KafkaError | null): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#settle(this.resultOf(error))
  }

  resultOf(error: KafkaError | null): AcknowledgementResult {
    const { topic, partition } = this.from
    return { topic, partition, offsets: this.offsets, error }
  }
}
