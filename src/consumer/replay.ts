import type { TopicPartition } from '../cluster/partition-leaders.ts'
import { IllegalStateError } from '../errors.ts'
import type { ConsumerRecord } from './consumer-record.ts'

/** An offset; a time, that is the first record at or after it; or an end of the log as it is when the replay begins. */
export type ReplayPoint = number | Date | 'earliest' | 'latest'

export interface ReplayRange {
  /** The first record. Default `earliest`. What is gone already is passed over. */
  readonly from?: ReplayPoint | undefined
  /** The record that is no longer read. Default `latest`: what comes while it is being read is left out. */
  readonly to?: ReplayPoint | undefined
}

export interface ReplayPartition extends TopicPartition, ReplayRange {}

/** What to read: all partitions of a topic, or some partitions, each with a range of its own where that is given. */
export interface ReplayOptions extends ReplayRange {
  readonly topic?: string | undefined
  readonly partitions?: readonly ReplayPartition[] | undefined
  /** Longest time without getting any further, in milliseconds. Default `defaultApiTimeoutMs`. */
  readonly timeoutMs?: number | undefined
  /** Ends it early; the loop throws the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** How far a replay has come, counted as offsets: those without a record are in both. */
export interface ReplayProgress {
  readonly read: number
  /** 0 until the ends are known. */
  readonly total: number
}

/** Where the work of a replay is told. */
export interface ReplayState {
  read: number
  total: number
}

/**
 * Options of the consumer that reads it: it is in no group, and begins nowhere else when its range is gone meanwhile, as
 * that would not be the range that was asked for.
 */
export const alone = {
  groupId: undefined,
  topics: undefined,
  groupInstanceId: undefined,
  autoOffsetReset: 'none',
  stallWarningMs: 0,
  atMostOnce: undefined,
  enableAutoOffsetStore: undefined,
  // They are closed with the consumer that they belong to.
  interceptors: undefined,
} as const

type Source<K, V> = AsyncGenerator<ConsumerRecord<K, V>, undefined>

/** The records of a fixed range: a loop over it ends by itself. It can be read once. */
export class Replay<K, V> implements AsyncIterable<ConsumerRecord<K, V>> {
  readonly #open: (state: ReplayState) => Promise<Source<K, V>>
  readonly #state: ReplayState = { read: 0, total: 0 }
  #isTaken = false

  constructor(open: (state: ReplayState) => Promise<Source<K, V>>) {
    this.#open = open
  }

  progress(): ReplayProgress {
    return { ...this.#state }
  }

  [Symbol.asyncIterator](): AsyncIterator<ConsumerRecord<K, V>, undefined> {
    if (this.#isTaken) throw new IllegalStateError('this replay was read already: ask for another')
    this.#isTaken = true
    let opening: Promise<Source<K, V>> | null = null
    let source: Source<K, V> | null = null
    const open = async () => {
      opening ??= this.#open(this.#state)
      source = await opening
      return source
    }
    return {
      next: async () => (source ?? (await open())).next(),
      return: async () => {
        if (opening !== null) await (source ?? (await opening)).return(undefined)
        return { done: true, value: undefined }
      },
    }
  }
}
