import { partitionKey, type TopicPartition } from '../../cluster/partition-leaders.ts'
import { InvalidArgumentError } from '../../errors.ts'

/** Who the consumer is in its group (Java's `ConsumerGroupMetadata`): what `consumer.groupMetadata()` gives (KIP-447). */
export interface ConsumerGroupMetadata {
  readonly groupId: string
  /** -1 outside of a generation: the group then does not check who commits. */
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

/** An offset to be committed: that of the next record to read. */
export interface TransactionOffset extends TopicPartition {
  readonly offset: number
  /** Kept beside the offset; default empty. */
  readonly metadata?: string | undefined
  /** Leader epoch of the record before; default -1, not known. */
  readonly leaderEpoch?: number | undefined
}

/** A record that was consumed: the offset after it is committed. */
export interface ConsumedRecord extends TopicPartition {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch?: number | undefined
}

/** A consumer, as far as it is asked. */
export interface GroupMember {
  groupMetadata(): ConsumerGroupMetadata
}

/**
 * The offsets to commit, one for each partition: of records that were consumed the one after the last, of offsets the last
 * that was given.
 *
 * @throws InvalidArgumentError for what is neither.
 */
export function offsetsToCommit(given: Iterable<TransactionOffset | ConsumedRecord>): TransactionOffset[] {
  if (given === null || typeof given !== 'object' || !(Symbol.iterator in given)) {
    throw new InvalidArgumentError(
      'offsets must be a list of { topic, partition, offset } or of consumed records',
    )
  }
  const offsets = new Map<string, TransactionOffset>()
  for (const one of given) {
    const { topic, partition, offset, leaderEpoch } = checked(one)
    const key = partitionKey(one)
    if (!('timestamp' in one)) {
      offsets.set(key, one)
      continue
    }
    const before = offsets.get(key)
    if (before === undefined || before.offset <= offset) {
      offsets.set(key, { topic, partition, offset: offset + 1, leaderEpoch })
    }
  }
  return [...offsets.values()]
}

function checked(one: TransactionOffset | ConsumedRecord): TransactionOffset | ConsumedRecord {
  const { topic, partition, offset } = (one ?? {}) as Partial<TransactionOffset>
  const isRight =
    typeof topic === 'string' &&
    topic !== '' &&
    Number.isInteger(partition) &&
    partition! >= 0 &&
    Number.isSafeInteger(offset) &&
    offset! >= 0
  if (isRight) return one
  throw new InvalidArgumentError(
    `an offset to commit must have a topic, a partition and an offset from 0 on, not ${String(topic)}, ${String(partition)}, ${String(offset)}`,
  )
}

/** @throws InvalidArgumentError as Java's `throwIfInvalidGroupMetadata` does. */
export function groupOf(member: ConsumerGroupMetadata | GroupMember): ConsumerGroupMetadata {
  const group =
    typeof member === 'object' && member !== null && 'groupMetadata' in member
      ? member.groupMetadata()
      : member
  const { groupId, generationId, memberId } = (group ?? {}) as Partial<ConsumerGroupMetadata>
  if (typeof groupId !== 'string' || groupId === '') {
    throw new InvalidArgumentError('the group must be what consumer.groupMetadata() gives: it has no groupId')
  }
  if (!Number.isInteger(generationId) || typeof memberId !== 'string') {
    throw new InvalidArgumentError(
      `the metadata of group ${groupId} must have a generationId and a memberId`,
      { groupId },
    )
  }
  if (generationId! >= 0 && memberId === '') {
    throw new InvalidArgumentError(
      `the metadata of group ${groupId} has generation ${generationId} and no member id`,
      { groupId },
    )
  }
  return group
}
