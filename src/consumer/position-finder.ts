import type { Cluster } from '../cluster/cluster.ts'
import { type AskingMember, committedOffsets } from '../cluster/committed-offsets.ts'
import { listOffsets, type OffsetAtTime, type OffsetQuery, offsetSpec } from '../cluster/list-offsets.ts'
import { partitionKey } from '../cluster/partition-leaders.ts'
import { Deadline } from '../deadline.ts'
import { InvalidArgumentError } from '../errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { asKafkaError } from './client-fault.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'
import { resetDurationMs } from './offset-reset.ts'

export interface PositionOwner {
  /** Who asks for the group's commits; null: nobody in particular, as in the classic protocol. */
  askingMember(): AskingMember | null
  /** Partitions come from a group, whose leader may know of some that we have not heard of yet. */
  isShared(): boolean
  onPartitionError(partition: AssignedPartition, error: KafkaError): void
  onTrouble(error: KafkaError): void
  /** Positions were found, or may be looked for again. */
  onSearched(): void
}

/**
 * Patience with the first search, in milliseconds, doubled with each that finds nothing. A search ends with its slowest
 * partition, and one without a leader must not keep the others waiting for long.
 */
const firstPatienceMs = 2000

/** Finds where partitions are to be read from: the committed offset, else an end of the log. */
export class PositionFinder {
  readonly #cluster: Cluster
  readonly #options: ParsedConsumerOptions
  readonly #owner: PositionOwner
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<void>>()
  #patienceMs = firstPatienceMs
  #isTroubled = false

  constructor(cluster: Cluster, options: ParsedConsumerOptions, owner: PositionOwner) {
    this.#cluster = cluster
    this.#options = options
    this.#owner = owner
  }

  /** Looks for the positions of these, once. Never rejects. */
  find(partitions: readonly AssignedPartition[]): Promise<void> {
    const searching = this.#find(partitions)
    this.#running.add(searching)
    return searching.finally(() => this.#running.delete(searching))
  }

  stop(): void {
    this.#closing.abort(new KafkaError('ILLEGAL_STATE', 'the consumer is closed'))
  }

  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }

  async #find(all: readonly AssignedPartition[]): Promise<void> {
    const partitions = all.filter((one) => one.position < 0 && one.isAssigned && !one.isFinding)
    if (partitions.length === 0) return
    const deadline = new Deadline(this.#patienceMs, this.#closing.signal)
    const version = new Map(partitions.map((one) => [one, one.version]))
    /** A seek, a reset or a revocation came meanwhile: what was found is no longer what is wanted. */
    const isWanted = (one: AssignedPartition) => one.isAssigned && one.version === version.get(one)
    for (const partition of partitions) partition.isFinding = true
    let trouble: KafkaError | null = null
    try {
      const rest = await this.#fromCommits(partitions, isWanted, deadline)
      trouble = await this.#fromLogEnds(rest, isWanted, deadline)
    } catch (thrown) {
      if (!this.#closing.signal.aborted) trouble = this.#failed(partitions.filter(isWanted), thrown)
    } finally {
      for (const partition of partitions) partition.isFinding = false
      if (!this.#closing.signal.aborted) this.#ended(partitions, trouble)
    }
  }

  /** @param trouble why a partition is still without a position, where that will pass. */
  #ended(partitions: readonly AssignedPartition[], trouble: KafkaError | null): void {
    if (partitions.some((one) => one.position >= 0)) this.#patienceMs = firstPatienceMs
    else if (trouble !== null) {
      this.#patienceMs = Math.min(this.#patienceMs * 2, this.#options.defaultApiTimeoutMs)
    }
    if (trouble !== null && !this.#isTroubled) this.#owner.onTrouble(trouble)
    this.#isTroubled = trouble !== null
    this.#owner.onSearched()
  }

  /** Gives those back that are to be read from an end of the log. */
  async #fromCommits(
    partitions: readonly AssignedPartition[],
    isWanted: (one: AssignedPartition) => boolean,
    deadline: Deadline,
  ): Promise<AssignedPartition[]> {
    const { groupId } = this.#options
    const committing = partitions.filter((one) => one.source === 'committed')
    const rest = partitions.filter((one) => one.source !== 'committed')
    if (committing.length === 0 || groupId === undefined) return [...partitions]
    // Stable: not while a transaction that commits offsets is open (KIP-447; Java's default since 2.5).
    const found = await committedOffsets(this.#cluster, groupId, committing, {
      requireStable: true,
      deadline,
      member: () => this.#owner.askingMember(),
    })
    for (const partition of committing) {
      if (!isWanted(partition)) continue
      const committed = found.get(partition.key)
      if (committed === undefined) rest.push(partition)
      else partition.found(committed.offset, committed.leaderEpoch, true)
    }
    return rest
  }

  /** Gives back what has failed and will pass; null: nothing has. */
  async #fromLogEnds(
    partitions: readonly AssignedPartition[],
    isWanted: (one: AssignedPartition) => boolean,
    deadline: Deadline,
  ): Promise<KafkaError | null> {
    const queries: OffsetQuery[] = []
    for (const partition of partitions) {
      if (!isWanted(partition)) continue
      const { topic, partition: index, source } = partition
      const end = source === 'earliest' || source === 'latest' ? source : this.#options.autoOffsetReset
      if (end === 'none') {
        this.#owner.onPartitionError(partition, noOffset(partition))
        continue
      }
      queries.push({ topic, partition: index, timestamp: timestampOf(end) })
    }
    if (queries.length === 0) return null
    const { isolationLevel } = this.#options
    const outcomes = await listOffsets(this.#cluster, queries, isolationLevel, deadline)
    // Nothing is as young as that: what comes from now on is.
    const none = queries.filter((one) => {
      const outcome = outcomes.get(partitionKey(one))
      return one.timestamp >= 0 && outcome !== undefined && 'value' in outcome && outcome.value.offset < 0
    })
    if (none.length > 0) {
      const latest = none.map((one) => ({ ...one, timestamp: offsetSpec.latest }))
      for (const [key, outcome] of await listOffsets(this.#cluster, latest, isolationLevel, deadline)) {
        outcomes.set(key, outcome)
      }
    }
    let trouble: KafkaError | null = null
    for (const partition of partitions) {
      const outcome = outcomes.get(partition.key)
      if (outcome === undefined || !isWanted(partition)) continue
      if ('value' in outcome) this.#foundEnd(partition, outcome.value)
      else trouble = this.#failed([partition], outcome.error) ?? trouble
    }
    return trouble
  }

  /** The leader itself has just told it: there is nothing to hold against its log (KIP-320). */
  #foundEnd(partition: AssignedPartition, { offset, leaderEpoch }: OffsetAtTime): void {
    const { topic, partition: index } = partition
    partition.found(offset, leaderEpoch, false)
    partition.leaderEpoch = this.#cluster.metadata.partition(topic, index)?.leaderEpoch ?? -1
  }

  /** Gives the error back when it will pass, and there is a partition that it is about. */
  #failed(partitions: readonly AssignedPartition[], thrown: unknown): KafkaError | null {
    const error = asKafkaError(thrown, 'finding positions')
    // A group has just been given a partition that was added a moment ago, and our metadata were asked for before that.
    const isUnheardOf = error instanceof InvalidArgumentError && this.#owner.isShared()
    const willPass = error.retriable || isUnheardOf
    for (const partition of partitions) {
      if (willPass) partition.holdOff()
      else this.#owner.onPartitionError(partition, error)
    }
    return willPass && partitions.length > 0 ? error : null
  }
}

/** For ListOffsets; a time that is past all is the beginning, and not one of the special values below 0. */
function timestampOf(end: 'earliest' | 'latest' | `by_duration:${string}`): number {
  if (end === 'earliest' || end === 'latest') return offsetSpec[end]
  return Math.max(0, Date.now() - (resetDurationMs(end) ?? 0))
}

function noOffset({ topic, partition }: AssignedPartition): KafkaError {
  return new KafkaError(
    'NO_OFFSET_FOR_PARTITION',
    `${topic}-${partition} has no committed offset, and autoOffsetReset is none`,
    { topic, partition },
  )
}
