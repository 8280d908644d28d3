import { describe, expect, test } from 'vitest'
import { Delivery } from '../../src/producer/delivery.ts'
import { PartitionQueue, type QueueOptions } from '../../src/producer/partition-queue.ts'
import { ProducerBatch } from '../../src/producer/producer-batch.ts'
import { WriterPool } from '../../src/producer/writer-pool.ts'
import { decodeRecords } from '../../src/protocol/records/record-batch.ts'

class Counted extends Delivery {
  readonly name: string
  readonly log: string[]

  constructor(name: string, log: string[]) {
    super()
    this.name = name
    this.log = log
  }

  delivered({ baseOffset }: { baseOffset: number }): void {
    this.log.push(`${this.name}@${baseOffset + this.start}x${this.count}`)
  }

  failed(error: Error): void {
    this.log.push(`${this.name} failed: ${error.message}`)
  }

  own(): Delivery {
    return this.count === 0 ? this : this.part()
  }

  takes(other: Delivery): boolean {
    if (!(other instanceof Counted && other.name === this.name)) return false
    this.count++
    return true
  }

  part(): Delivery {
    return new Counted(this.name, this.log)
  }
}

const identity = { producerId: 7n, producerEpoch: 0 }
const pool = new WriterPool(1_000, 4_000)
const calm = { now: 0, isUrgent: false }
const urgent = { now: 0, isUrgent: true }

function queueWith(options: Partial<QueueOptions> = {}): PartitionQueue {
  return new PartitionQueue(
    't',
    0,
    {
      batchSize: 1,
      lingerMs: 5,
      maxRequestSize: 10_000,
      maxRecordBytes: 10_000,
      retryBackoffMs: 100,
      retryBackoffMaxMs: 1_000,
      ...options,
    },
    {
      create: (topic, partition, ordinal) => new ProducerBatch(topic, partition, ordinal, 0, 0, pool),
      opened: () => {},
    },
  )
}

function add(queue: PartitionQueue, value: string): void {
  queue.append(0, null, value, undefined, new Counted(value, []))
  queue.closeOpen()
}

/** Lets the next batch leave. */
function leave(queue: PartitionQueue, readiness = calm): ProducerBatch {
  const batch = queue.next(readiness)
  if (batch === null) throw new Error('no batch may leave')
  queue.take(batch, identity)
  return batch
}

/** A queue whose producer the broker knows by one batch, with these batches in flight. */
function inFlight(...values: string[]): { queue: PartitionQueue; batches: ProducerBatch[] } {
  const queue = queueWith()
  add(queue, 'first')
  queue.confirm(leave(queue))
  for (const value of values) add(queue, value)
  return { queue, batches: values.map(() => leave(queue)) }
}

function valuesOf(batch: ProducerBatch): string[] {
  return [...decodeRecords(batch.bytes())].flatMap((one) => [...one].map(({ value }) => String(value)))
}

describe('PartitionQueue', () => {
  test('an open batch leaves when it is full, after lingerMs, or when it is urgent', () => {
    const queue = queueWith({ batchSize: 200 })
    queue.append(0, null, 'a', undefined, new Counted('a', []))
    expect(queue.next(calm)).toBeNull()
    expect(queue.wakeAt(0)).toBe(5)
    expect(queue.next({ now: 5, isUrgent: false })).not.toBeNull()
    expect(queue.next(urgent)).not.toBeNull()
    queue.append(0, null, 'x'.repeat(200), undefined, new Counted('x', []))
    expect(queue.next(calm)).not.toBeNull()
  })

  test('numbers follow each other', () => {
    const { queue, batches } = inFlight('a', 'b')
    expect(batches.map(({ stamp }) => stamp.baseSequence)).toEqual([1, 2])
    expect(queue.length).toBe(2)
  })

  test('only one batch leaves before the broker knows the producer', () => {
    const queue = queueWith()
    add(queue, 'a')
    add(queue, 'b')
    const first = leave(queue)
    expect(queue.next(urgent)).toBeNull()
    expect(queue.wakeAt(0)).toBe(Number.POSITIVE_INFINITY)
    queue.confirm(first)
    expect(queue.next(urgent)).not.toBeNull()
  })

  test('after a long silence, by which the broker may have forgotten the producer, one batch leaves alone again', () => {
    const { queue, batches } = inFlight('a')
    queue.confirm(batches[0]!)
    add(queue, 'b')
    add(queue, 'c')
    const later = { now: 10 * 60_000, isUrgent: true }
    const b = leave(queue, later)
    expect(b.stamp).toEqual({ ...identity, baseSequence: 2 })
    expect(queue.next(later)).toBeNull()
    queue.confirm(b)
    expect(queue.next(later)).not.toBeNull()
  })

  test('without a producer id the first batches need not wait for each other', () => {
    const queue = queueWith()
    add(queue, 'a')
    add(queue, 'b')
    queue.take(queue.next(calm)!, null)
    expect(queue.next(calm)).not.toBeNull()
  })

  test('batches come back to their places, whichever comes first, and leave again one at a time', () => {
    const { queue, batches } = inFlight('a', 'b', 'c')
    const [a, b, c] = batches as [ProducerBatch, ProducerBatch, ProducerBatch]
    for (const batch of [c, a, b]) queue.requeue(batch, { now: 0, immediately: true })
    expect([...queue.batches()]).toEqual([a, b, c])
    expect(leave(queue)).toBe(a)
    expect(queue.next(urgent)).toBeNull()
    queue.confirm(a)
    expect(leave(queue)).toBe(b)
    expect(b.stamp.baseSequence).toBe(2)
  })

  test('while one that may be in the log is sent again, no new one leaves: the broker knows the last five only', () => {
    const { queue, batches } = inFlight('a')
    const [a] = batches as [ProducerBatch]
    a.maybePersisted = true
    queue.requeue(a, { now: 0, immediately: true })
    add(queue, 'b')
    expect(leave(queue)).toBe(a)
    expect(queue.next(urgent)).toBeNull()
    queue.confirm(a)
    expect(queue.next(urgent)).not.toBeNull()
  })

  test('several batches that come back together cost one backoff', () => {
    const { queue, batches } = inFlight('a', 'b', 'c')
    for (const batch of batches) queue.requeue(batch, { now: 0, immediately: false })
    expect(queue.next(urgent)).toBeNull()
    expect(queue.wakeAt(0)).toBeLessThanOrEqual(120)
    expect(queue.wakeAt(0)).toBeGreaterThanOrEqual(80)
  })

  test('a new epoch begins at 0 when nothing is in flight, and numbers what waits anew', () => {
    const { queue, batches } = inFlight('a', 'b')
    const [a, b] = batches as [ProducerBatch, ProducerBatch]
    queue.finish(a)
    queue.requireNewEpoch()
    queue.requeue(b, { now: 0, immediately: true })
    add(queue, 'c')
    expect(leave(queue).stamp).toEqual({ producerId: 7n, producerEpoch: 1, baseSequence: 0 })
    queue.confirm(b)
    expect(leave(queue).stamp).toEqual({ producerId: 7n, producerEpoch: 1, baseSequence: 1 })
  })

  test('a batch that may be in the log keeps its numbers though a new epoch is due', () => {
    const { queue, batches } = inFlight('a', 'b')
    const [a, b] = batches as [ProducerBatch, ProducerBatch]
    queue.finish(a)
    queue.requireNewEpoch()
    b.maybePersisted = true
    queue.requeue(b, { now: 0, immediately: true })
    expect(leave(queue).stamp).toEqual({ producerId: 7n, producerEpoch: 0, baseSequence: 2 })
  })

  test('after the last epoch another producer id is needed, until there is one', () => {
    const queue = queueWith()
    const last = { producerId: 7n, producerEpoch: 0x7fff }
    add(queue, 'a')
    const a = queue.next(calm)!
    queue.take(a, last)
    queue.finish(a)
    queue.requireNewEpoch()
    expect(queue.needsNewProducerId(last)).toBe(true)
    const fresh = { producerId: 8n, producerEpoch: 0 }
    expect(queue.needsNewProducerId(fresh)).toBe(false)
    add(queue, 'b')
    const b = queue.next(calm)!
    queue.take(b, fresh)
    expect(b.stamp).toEqual({ ...fresh, baseSequence: 0 })
  })

  test('to another broker nothing leaves, nor is a timer due, before the old one has answered', () => {
    const { queue, batches } = inFlight('a')
    const added: PartitionQueue[] = []
    queue.moveTo({
      nodeId: 2,
      hasRoom: true,
      isIdle: true,
      add: (one) => added.push(one),
      remove: () => {},
      wake: () => {},
      push: () => {},
    })
    queue.append(0, null, 'b', undefined, new Counted('b', []))
    expect(queue.next(urgent)).toBeNull()
    expect(queue.wakeAt(1_000)).toBe(Number.POSITIVE_INFINITY)
    queue.confirm(batches[0]!)
    expect(valuesOf(leave(queue, urgent))).toEqual(['b'])
  })

  test('a record is too large when its batch would be, and leaves the queue as it was', () => {
    const queue = queueWith({ maxRecordBytes: 100 })
    expect(() => add(queue, 'x'.repeat(100))).toThrow(/maxRequestSize or bufferMemory allows 100/)
    expect(queue.length).toBe(0)
    // 61 bytes of the batch's header, 7 around the value.
    add(queue, 'x'.repeat(100 - 61 - 7))
    expect(() => add(queue, 'x'.repeat(100 - 61 - 6))).toThrow(/is too large/)
  })

  test('a payload of no known kind is refused and leaves the queue as it was', () => {
    const queue = queueWith()
    expect(() => queue.append(0, null, 5 as never, undefined, new Counted('a', []))).toThrow(/not number/)
    expect(queue.hasWaiting).toBe(false)
  })
})

describe('ProducerBatch.split', () => {
  function batchOf(records: readonly [sender: string, value: string][], log: string[]): ProducerBatch {
    const batch = new ProducerBatch('t', 0, 4, 0, 0, pool)
    const senders = new Map<string, Counted>()
    records.forEach(([name, value], i) => {
      const sender = senders.get(name) ?? new Counted(name, log)
      senders.set(name, sender)
      batch.append(1_000 + i, i % 2 === 0 ? `k${i}` : null, value, { h: [value, null] }, sender)
    })
    return batch
  }

  test('keeps records, timestamps, headers and order, and tells each sender its own offsets', () => {
    const log: string[] = []
    const values = Array.from({ length: 7 }, (_, i) => String(i).repeat(50))
    const senders = ['a', 'a', 'b', 'b', 'b', 'c', 'a']
    const batch = batchOf(
      values.map((value, i) => [senders[i]!, value]),
      log,
    )
    const whole = [...decodeRecords(batch.bytes())].flatMap((one) => [...one])
    const comparable = (records: typeof whole) =>
      records.map(({ timestamp, key, value, headers }) => ({
        timestamp,
        key: key && String(key),
        value: value && String(value),
        headers: headers.map((header) => [header.key, header.value && String(header.value)]),
      }))
    const expected = comparable(whole)
    const parts = batch.split(Math.ceil(batch.size / 2))
    expect(parts.length).toBeGreaterThan(1)
    expect(
      comparable(parts.flatMap((part) => [...decodeRecords(part.bytes())].flatMap((one) => [...one]))),
    ).toEqual(expected)
    let offset = 100
    for (const part of parts) {
      part.delivered({ topic: 't', partition: 0, baseOffset: offset, logAppendTime: -1 })
      offset += part.count
    }
    const told = log.flatMap((line) => {
      const [, name, from, count] = /^(.)@(\d+)x(\d+)$/.exec(line)!
      return Array.from({ length: Number(count) }, (_, i) => `${name}${Number(from) + i}`)
    })
    expect(told).toEqual(senders.map((name, i) => `${name}${100 + i}`))
  })

  test('keeps places between its neighbours, also when parts are split again', () => {
    const batch = batchOf(
      Array.from({ length: 16 }, () => ['a', 'x'.repeat(50)]),
      [],
    )
    const ordinals: number[] = []
    const halve = (one: ProducerBatch): void => {
      if (one.count === 1) ordinals.push(one.ordinal)
      else for (const part of one.split(Math.ceil(one.size / 2))) halve(part)
    }
    halve(batch)
    expect(ordinals).toHaveLength(16)
    expect([...new Set(ordinals)].sort((a, b) => a - b)).toEqual(ordinals)
    expect(ordinals[0]).toBe(4)
    expect(ordinals.at(-1)).toBeLessThan(5)
  })

  test('carries over that the records may be in the log already', () => {
    const batch = batchOf(
      [
        ['a', 'x'],
        ['a', 'y'],
      ],
      [],
    )
    batch.maybePersisted = true
    expect(batch.split(70).map(({ maybePersisted }) => maybePersisted)).toEqual([true, true])
  })
})
