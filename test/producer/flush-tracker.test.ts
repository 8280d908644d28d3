import { describe, expect, test } from 'vitest'
import { FlushTracker } from '../../src/producer/flush-tracker.ts'

async function isOver(end: Promise<void>): Promise<boolean> {
  return await Promise.race([
    end.then(() => true),
    new Promise<boolean>((resolve) => setImmediate(resolve, false)),
  ])
}

describe('FlushTracker', () => {
  test('a flush with nothing before it is over at once', async () => {
    await new FlushTracker().end()
  })

  test('a flush waits for what came before it, and not for what comes later', async () => {
    const tracker = new FlushTracker()
    const before = tracker.generation
    tracker.add(before)
    const end = tracker.end()
    tracker.add(tracker.generation)
    expect(await isOver(end)).toBe(false)
    tracker.settled(before)
    expect(await isOver(end)).toBe(true)
  })

  test('a later flush waits for what an earlier one still waits for', async () => {
    const tracker = new FlushTracker()
    const first = tracker.generation
    tracker.add(first)
    const early = tracker.end()
    const second = tracker.generation
    tracker.add(second)
    const late = tracker.end()
    tracker.settled(second)
    expect(await isOver(late)).toBe(false)
    tracker.settled(first)
    await Promise.all([early, late])
  })

  test('the parts of a split batch count each', async () => {
    const tracker = new FlushTracker()
    const { generation } = tracker
    tracker.add(generation)
    const end = tracker.end()
    tracker.add(generation, 2)
    tracker.settled(generation)
    tracker.settled(generation)
    expect(await isOver(end)).toBe(false)
    tracker.settled(generation)
    await end
  })

  test('is flushing until each hold is released, once', () => {
    const tracker = new FlushTracker()
    const [one, other] = [tracker.hold(), tracker.hold()]
    one()
    one()
    expect(tracker.isFlushing).toBe(true)
    other()
    expect(tracker.isFlushing).toBe(false)
  })
})
