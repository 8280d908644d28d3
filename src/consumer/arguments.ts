import type { TopicPartition } from '../cluster/partition-leaders.ts'
import { Deadline } from '../deadline.ts'
import { InvalidArgumentError } from '../errors.ts'

/** How long a call may wait. */
export interface WaitOptions {
  /** Longest time for the call, its retries included, in milliseconds. Default `defaultApiTimeoutMs`. */
  timeoutMs?: number | undefined
  /** Ends the call early; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

export function deadlineOf({ timeoutMs, signal }: WaitOptions, defaultMs: number): Deadline {
  const deadline = new Deadline(checkTimeout(timeoutMs ?? defaultMs), signal)
  deadline.throwIfAborted()
  return deadline
}

export function checkTimeout(timeoutMs: number): number {
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return timeoutMs
  throw new InvalidArgumentError(
    `timeoutMs must be a number of milliseconds, at least 0, not ${show(timeoutMs)}`,
  )
}

const membershipOperations: readonly unknown[] = [undefined, 'default', 'leaveGroup', 'remainInGroup']

export function checkMembershipOperation(operation: unknown): void {
  if (membershipOperations.includes(operation)) return
  throw new InvalidArgumentError(
    `groupMembershipOperation must be 'default', 'leaveGroup' or 'remainInGroup', not ${show(operation)}`,
  )
}

export function checkTopic(topic: unknown): void {
  if (typeof topic === 'string' && topic !== '') return
  throw new InvalidArgumentError(`a topic must be a string that is not empty, not ${show(topic)}`)
}

/** An array of objects with a topic and a partition that can exist. */
export function checkPartitions<T extends TopicPartition>(partitions: readonly T[]): readonly T[] {
  if (!Array.isArray(partitions)) {
    throw new InvalidArgumentError(
      `partitions must be an array of { topic, partition }, not ${show(partitions)}`,
    )
  }
  for (const one of partitions) checkPartition(one)
  return partitions
}

export function checkPartition(given: TopicPartition): void {
  if (typeof given !== 'object' || given === null) {
    throw new InvalidArgumentError(`a partition must be { topic, partition }, not ${show(given)}`)
  }
  checkTopic(given.topic)
  const { topic, partition } = given
  if (Number.isInteger(partition) && partition >= 0 && partition <= 0x7fffffff) return
  throw new InvalidArgumentError(
    `partition of topic ${topic} must be an integer, at least 0, not ${show(partition)}`,
    { topic },
  )
}

export function checkOffset(offset: unknown, { topic, partition }: TopicPartition): void {
  if (Number.isSafeInteger(offset) && (offset as number) >= 0) return
  throw new InvalidArgumentError(
    `offset of ${topic}-${partition} must be a safe integer, at least 0, not ${show(offset)}`,
    { topic, partition },
  )
}

export function checkMetadata(metadata: unknown, { topic, partition }: TopicPartition): void {
  if (metadata === undefined || typeof metadata === 'string') return
  throw new InvalidArgumentError(
    `metadata of ${topic}-${partition} must be a string, not ${show(metadata)}`,
    { topic, partition },
  )
}

export function checkLeaderEpoch(leaderEpoch: unknown, { topic, partition }: TopicPartition): void {
  if (leaderEpoch === undefined) return
  const number = leaderEpoch as number
  if (Number.isInteger(number) && number >= -1 && number <= 0x7fffffff) return
  throw new InvalidArgumentError(
    `leaderEpoch of ${topic}-${partition} must be an integer, at least 0, or -1 when it is not known; not ${show(leaderEpoch)}`,
    { topic, partition },
  )
}

export function checkTimestamp(timestamp: unknown, { topic, partition }: TopicPartition): void {
  if (Number.isSafeInteger(timestamp) && (timestamp as number) >= 0) return
  throw new InvalidArgumentError(
    `timestamp for ${topic}-${partition} must be whole milliseconds, at least 0, not ${show(timestamp)}`,
    { topic, partition },
  )
}

function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number' || value === undefined) return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  return value === null ? 'null' : `a ${typeof value}`
}
