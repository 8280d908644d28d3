import { describe, expect, test } from 'vitest'
import { Deadline } from '../../src/deadline.ts'
import { BufferMemory } from '../../src/producer/buffer-memory.ts'

const patience = () => new Deadline(60_000)

function never(error: Error): void {
  throw error
}

describe('BufferMemory', () => {
  test('lets waiters in one by one, in the order in which they came, though a smaller one would fit before', () => {
    const memory = new BufferMemory(100, 90)
    const entered: string[] = []
    memory.take(95)
    memory.wait(50, patience(), () => entered.push('large'), never)
    memory.wait(5, patience(), () => entered.push('small'), never)
    expect(memory.hasRoom(1)).toBe(false)
    memory.free(40)
    expect(entered).toEqual([])
    memory.free(5)
    expect(entered).toEqual(['large'])
    memory.free(20)
    expect(entered).toEqual(['large', 'small'])
    expect(memory.used).toBe(95 - 40 - 5 + 50 - 20 + 5)
    memory.close(new Error('over'))
  })

  test('lets each in once when those let in give back what they do not need', () => {
    const memory = new BufferMemory(100, 90)
    const entered: number[] = []
    memory.take(100)
    for (let i = 0; i < 20_000; i++) {
      memory.wait(50, patience(), () => memory.exchange(50, () => entered.push(i)), never)
    }
    memory.free(100)
    expect(entered).toEqual(Array.from({ length: 20_000 }, (_, i) => i))
    expect(memory.used).toBe(0)
  })

  test('gives nobody else the bytes that a record is about to take again', () => {
    const memory = new BufferMemory(100, 90)
    const order: string[] = []
    memory.take(100)
    memory.wait(10, patience(), () => order.push('other'), never)
    memory.exchange(100, () => {
      order.push('record')
      memory.take(80)
    })
    expect(order).toEqual(['record', 'other'])
    expect(memory.used).toBe(90)
    memory.close(new Error('over'))
  })

  test('gives up those whose time is over, with what was wrong, and then serves the next that fits', async () => {
    const memory = new BufferMemory(100, 90)
    memory.take(90)
    const late = new Promise<Error>((resolve) => {
      memory.wait(50, new Deadline(20), () => never(new Error('there is no room')), resolve)
    })
    const next = new Promise<void>((resolve) => memory.wait(10, patience(), resolve, never))
    expect(await late).toMatchObject({
      code: 'MAX_BLOCK_TIMEOUT',
      message: 'no room for 50 bytes in bufferMemory (100) within maxBlockMs (20)',
    })
    await next
    expect(memory.used).toBe(100)
  })

  test('takes a waiter whose signal is aborted out of the line, and lets those behind it in', () => {
    const memory = new BufferMemory(100, 90)
    const aborting = new AbortController()
    const told: unknown[] = []
    memory.take(95)
    memory.wait(
      50,
      new Deadline(60_000, aborting.signal),
      () => told.push('entered'),
      (error) => told.push(error),
    )
    memory.wait(5, patience(), () => told.push('next'), never)
    const reason = new Error('no longer wanted')
    aborting.abort(reason)
    expect(told).toEqual([reason, 'next'])
    memory.free(95)
    expect(told).toHaveLength(2)
    expect(memory.used).toBe(5)
  })

  test('is full before a last large record would not fit, and drained when half of that is free', async () => {
    const memory = new BufferMemory(100, 80)
    memory.take(80)
    expect(memory.isFull).toBe(false)
    await memory.drained()
    memory.take(1)
    expect(memory.isFull).toBe(true)
    let isDrained = false
    const drained = memory.drained().then(() => {
      isDrained = true
    })
    memory.free(40)
    await Promise.resolve()
    expect(isDrained).toBe(false)
    memory.free(1)
    await drained
  })

  test('ends all waiting when it is closed', async () => {
    const memory = new BufferMemory(100, 80)
    memory.take(100)
    const closed = new Error('closed')
    const told: Error[] = []
    memory.wait(
      1,
      patience(),
      () => never(new Error('there is no room')),
      (error) => told.push(error),
    )
    const drained = memory.drained()
    memory.close(closed)
    expect(told).toEqual([closed])
    await drained
  })
})
