import type { ClockTimer } from '../clock.ts'

/** As Kafka shows it. `Dead` and `PrepareEpochFence` do not last here: nothing can come in between. */
export type TransactionState =
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort'
  | 'Dead'
  | 'PrepareEpochFence'

export const transactionStates: ReadonlySet<string> = new Set<TransactionState>([
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'Dead',
  'PrepareEpochFence',
])

/** Id and epoch of a producer: the higher epoch of an id fences the lower one. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export const noProducerId = -1n
export const noProducerEpoch = -1
/** Epochs are int16. The last one is for fencing alone, and never given to a client. */
export const lastClientEpoch = 32766

/** What the coordinator knows of one transactional id (Java's `TransactionMetadata`). */
export class TransactionMetadata {
  readonly transactionalId: string
  producerId: bigint
  producerEpoch = noProducerEpoch
  /** The id of before, when its epochs were used up; to know a retry of the request that changed it. */
  previousProducerId = noProducerId
  /** The id to go on with when the transaction is over; -1: the same. */
  nextProducerId = noProducerId
  /** The epoch of before, where the producer itself had it raised; to know a retry (KIP-360, KIP-890). */
  lastProducerEpoch = noProducerEpoch
  timeoutMs: number
  state: TransactionState = 'Empty'
  /** What is in the transaction, or, while it is being ended, still lacks its marker; by name (`orders-3`). */
  readonly partitions = new Map<string, TopicPartition>()
  /** -1: none has begun since the id was initialized. */
  startedAtMs = -1
  updatedAtMs: number
  /** 2: each end raises the epoch (KIP-890). */
  transactionVersion = 0
  /** Goes off at the transaction's time-out. */
  timer: ClockTimer | null = null

  constructor(transactionalId: string, producerId: bigint, timeoutMs: number, nowMs: number) {
    this.transactionalId = transactionalId
    this.producerId = producerId
    this.timeoutMs = timeoutMs
    this.updatedAtMs = nowMs
  }

  get isOpen(): boolean {
    return this.state === 'Ongoing'
  }

  /** It is decided how the transaction ends, and not all markers are written. */
  get isEnding(): boolean {
    return this.state === 'PrepareCommit' || this.state === 'PrepareAbort'
  }

  get epochsUsedUp(): boolean {
    return this.producerEpoch >= lastClientEpoch
  }

  has({ topic, partition }: TopicPartition): boolean {
    return this.partitions.has(`${topic}-${partition}`)
  }

  add(partition: TopicPartition): void {
    this.partitions.set(`${partition.topic}-${partition.partition}`, partition)
  }
}
