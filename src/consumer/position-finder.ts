import type { Cluster } from '../cluster/cluster.ts'
import { committedOffsets } from '../cluster/committed-offsets.ts'
import { listOffsets, offsetSpec } from '../cluster/list-offsets.ts'
import { Deadline } from '../deadline.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import { asKafkaError } from './client-fault.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'

export interface PositionOwner {
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
    try {
      const rest = await this.#fromCommits(partitions, isWanted, deadline)
      await this.#fromLogEnds(rest, isWanted, deadline)
      if (partitions.some((one) => one.position >= 0)) this.#patienceMs = firstPatienceMs
      this.#isTroubled = false
    } catch (thrown) {
      if (!this.#closing.signal.aborted) this.#failed(partitions.filter(isWanted), thrown)
    } finally {
      for (const partition of partitions) partition.isFinding = false
      if (!this.#closing.signal.aborted) this.#owner.onSearched()
    }
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
    })
    for (const partition of committing) {
      if (!isWanted(partition)) continue
      const committed = found.get(partition.key)
      if (committed === undefined) rest.push(partition)
      else partition.found(committed.offset, committed.leaderEpoch, true)
    }
    return rest
  }

  async #fromLogEnds(
    partitions: readonly AssignedPartition[],
    isWanted: (one: AssignedPartition) => boolean,
    deadline: Deadline,
  ): Promise<void> {
    const queries = []
    for (const partition of partitions) {
      if (!isWanted(partition)) continue
      const { topic, partition: index, source } = partition
      const end = source === 'earliest' || source === 'latest' ? source : this.#options.autoOffsetReset
      if (end === 'none') {
        this.#owner.onPartitionError(partition, noOffset(partition))
        continue
      }
      queries.push({ topic, partition: index, timestamp: offsetSpec[end] })
    }
    if (queries.length === 0) return
    const outcomes = await listOffsets(this.#cluster, queries, this.#options.isolationLevel, deadline)
    for (const partition of partitions) {
      const outcome = outcomes.get(partition.key)
      if (outcome === undefined || !isWanted(partition)) continue
      if ('value' in outcome) partition.found(outcome.value.offset, outcome.value.leaderEpoch, false)
      else this.#failed([partition], outcome.error)
    }
  }

  #failed(partitions: readonly AssignedPartition[], thrown: unknown): void {
    const error = asKafkaError(thrown, 'finding positions')
    for (const partition of partitions) {
      if (error.retriable) partition.holdOff()
      else this.#owner.onPartitionError(partition, error)
    }
    if (!error.retriable || partitions.length === 0) return
    this.#patienceMs = Math.min(this.#patienceMs * 2, this.#options.defaultApiTimeoutMs)
    if (!this.#isTroubled) this.#owner.onTrouble(error)
    this.#isTroubled = true
  }
}

function noOffset({ topic, partition }: AssignedPartition): KafkaError {
  return new KafkaError(
    'NO_OFFSET_FOR_PARTITION',
    `${topic}-${partition} has no committed offset, and autoOffsetReset is none`,
    { topic, partition },
  )
}
