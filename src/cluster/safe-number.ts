import type { TopicPartition } from './partition-leaders.ts'

/**
 * An int64 of the wire as a number of the client API.
 *
 * @throws RangeError when it is no safe integer: rather that than an offset that is off by one.
 */
export function safeNumber(value: bigint, what: string, { topic, partition }: TopicPartition): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  throw new RangeError(
    `${what} ${value} of ${topic}-${partition} is beyond the safe integers (up to ${Number.MAX_SAFE_INTEGER})`,
  )
}
