import { partitionKey, type TopicPartition } from '../cluster/partition-leaders.ts'
import { InvalidArgumentError, TimeoutError } from '../errors.ts'
import { checkOffset, checkPartitions, checkTimeout, checkTimestamp, checkTopic } from './arguments.ts'
import type { Consumer } from './consumer.ts'
import type { ConsumerRecord } from './consumer-record.ts'
import type { ReplayOptions, ReplayPartition, ReplayPoint, ReplayState } from './replay.ts'

interface Range extends TopicPartition {
  position: number
  /** Offset after the last record that is wanted. */
  readonly to: number
}

/** How long to wait for a record before looking whether the position has moved without one, in milliseconds. */
const lookMs = 50

/**
 * Reads the ranges with a consumer of their own, which has no group and is closed in the end. A partition is read when its
 * position has come to the end of its range: the last offsets may be of markers of transactions, of aborted records or of
 * what compaction has taken, so there may be no last record to wait for.
 */
export async function* readReplay<K, V>(
  consumer: Consumer<K, V>,
  options: ReplayOptions,
  idleTimeoutMs: number,
  state: ReplayState,
): AsyncGenerator<ConsumerRecord<K, V>, undefined> {
  try {
    const { signal } = options
    const ranges = await rangesOf(consumer, await partitionsOf(consumer, options), options)
    for (const { position, to } of ranges) state.total += to - position
    const open = new Map(ranges.filter(({ position, to }) => position < to).map((one) => [keyOf(one), one]))
    consumer.assign(
      [...open.values()].map(({ topic, partition, position: offset }) => ({ topic, partition, offset })),
    )
    let idleMs = 0
    while (open.size > 0) {
      const askedAt = performance.now()
      const records = await consumer.poll({ timeoutMs: lookMs, signal })
      idleMs += performance.now() - askedAt
      for (const record of records) {
        const range = open.get(keyOf(record))
        if (range === undefined || record.offset >= range.to) continue
        advance(range, record.offset + 1, state)
        yield record
      }
      if (moveOn(consumer, open, state) || records.length > 0) idleMs = 0
      if (idleMs < idleTimeoutMs) continue
      const where = [...open.values()].slice(0, 5).map((one) => `${keyOf(one)} at offset ${one.position}`)
      throw new TimeoutError(
        'API_TIMEOUT',
        `the replay got no further in ${idleTimeoutMs} ms: ${where.join(', ')}`,
      )
    }
    return undefined
  } finally {
    await consumer.close()
  }
}

/** Lets go of the partitions that are read. Whether any has moved. */
function moveOn(
  consumer: Pick<Consumer, 'lag' | 'assign'>,
  open: Map<string, Range>,
  state: ReplayState,
): boolean {
  let hasMoved = false
  let isEnded = false
  for (const { topic, partition, position } of consumer.lag()) {
    const range = open.get(partitionKey({ topic, partition }))
    if (range === undefined || position === null || position <= range.position) continue
    hasMoved = true
    advance(range, Math.min(position, range.to), state)
  }
  for (const [key, { position, to }] of open) {
    if (position < to) continue
    open.delete(key)
    isEnded = true
  }
  if (isEnded) consumer.assign([...open.values()].map(({ topic, partition }) => ({ topic, partition })))
  return hasMoved
}

function advance(range: Range, position: number, state: ReplayState): void {
  state.read += position - range.position
  range.position = position
}

async function partitionsOf<K, V>(
  consumer: Consumer<K, V>,
  { topic, partitions, timeoutMs, signal }: ReplayOptions,
): Promise<readonly ReplayPartition[]> {
  if ((topic === undefined) === (partitions === undefined)) {
    throw new InvalidArgumentError('replay() takes either a topic or partitions')
  }
  if (timeoutMs !== undefined) checkTimeout(timeoutMs)
  if (partitions !== undefined) {
    const keys = checkPartitions(partitions).map(keyOf)
    const twice = keys.find((key, at) => keys.indexOf(key) !== at)
    if (twice !== undefined) throw new InvalidArgumentError(`replay(): ${twice} is given twice`)
    return partitions
  }
  checkTopic(topic)
  return await consumer.partitionsFor(topic!, { signal })
}

async function rangesOf<K, V>(
  consumer: Consumer<K, V>,
  partitions: readonly ReplayPartition[],
  { from, to, signal }: ReplayOptions,
): Promise<Range[]> {
  const plain = partitions.map(({ topic, partition }) => ({ topic, partition }))
  const [first, last] = await Promise.all([
    consumer.beginningOffsets(plain, { signal }),
    consumer.endOffsets(plain, { signal }),
  ])
  const starts = pointsOf(partitions, (one) => one.from ?? from ?? 'earliest')
  const ends = pointsOf(partitions, (one) => one.to ?? to ?? 'latest')
  const [startTimes, endTimes] = await Promise.all([
    times(consumer, starts, signal),
    times(consumer, ends, signal),
  ])
  return plain.map((one, at) => {
    const key = keyOf(one)
    const earliest = first[at]!.offset
    const latest = last[at]!.offset
    const offsetOf = (point: ReplayPoint, found: ReadonlyMap<string, number | null>) => {
      if (point === 'earliest') return earliest
      if (point === 'latest') return latest
      // Nothing at or after that time: the end.
      return typeof point === 'number' ? point : (found.get(key) ?? latest)
    }
    const position = Math.min(Math.max(offsetOf(starts.get(key)!.point, startTimes), earliest), latest)
    return {
      ...one,
      position,
      to: Math.max(Math.min(offsetOf(ends.get(key)!.point, endTimes), latest), position),
    }
  })
}

type Points = ReadonlyMap<string, { readonly at: TopicPartition; readonly point: ReplayPoint }>

function pointsOf(
  partitions: readonly ReplayPartition[],
  pointOf: (one: ReplayPartition) => ReplayPoint,
): Points {
  return new Map(
    partitions.map((one) => {
      const { topic, partition } = one
      const point = pointOf(one)
      if (point instanceof Date) checkTimestamp(point.getTime(), one)
      else if (point !== 'earliest' && point !== 'latest') checkOffset(point, one)
      return [keyOf(one), { at: { topic, partition }, point }]
    }),
  )
}

async function times<K, V>(
  consumer: Consumer<K, V>,
  points: Points,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number | null>> {
  const queries = [...points.values()].flatMap(({ at, point }) =>
    point instanceof Date ? [{ ...at, timestamp: point.getTime() }] : [],
  )
  if (queries.length === 0) return new Map()
  const found = await consumer.offsetsForTimes(queries, { signal })
  return new Map(found.map((one) => [keyOf(one), one.offset]))
}

function keyOf({ topic, partition }: TopicPartition): string {
  return partitionKey({ topic, partition })
}
