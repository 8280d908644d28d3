import { describe, expect, test } from 'vitest'
import { Sensor } from '../../src/metrics/sensor.ts'

/** Two windows of 30 seconds, as Java has by default. */
function sensor(): Sensor {
  return new Sensor({ windowMs: 30_000, count: 2 })
}

describe('a sensor', () => {
  test('that nothing was recorded by knows no average and no maximum, and rates of 0', () => {
    const empty = sensor()
    expect([empty.avg(1), empty.max(1), empty.rate(1), empty.frequency(1)]).toEqual([
      Number.NaN,
      Number.NaN,
      0,
      0,
    ])
    expect([empty.total, empty.count]).toEqual([0, 0])
  })

  test('gives average and maximum of the present window and of the one before', () => {
    const one = sensor()
    one.record(10, 0)
    one.record(20, 29_999)
    one.record(60, 30_000)
    expect(one.avg(30_000)).toBe(30)
    expect(one.max(30_000)).toBe(60)
  })

  test('forgets a window once two others could have come', () => {
    const one = sensor()
    one.record(10, 0)
    one.record(2, 30_000)
    expect(one.max(59_999)).toBe(10)
    expect(one.max(60_000)).toBe(2)
    expect(one.avg(89_999)).toBe(2)
    expect(one.avg(90_000)).toBe(Number.NaN)
  })

  test('takes up a window again that is over', () => {
    const one = sensor()
    for (const at of [0, 30_000, 60_000]) one.record(at + 1, at)
    expect(one.avg(60_000)).toBe((30_001 + 60_001) / 2)
  })

  test('keeps total and count for ever', () => {
    const one = sensor()
    one.record(10, 0)
    one.record(5, 1_000_000)
    expect([one.total, one.count]).toEqual([15, 2])
  })

  test('weighs a value that stands for several events', () => {
    const one = sensor()
    // Ten records of 1000 bytes together, of which the largest has 400; and one of 100.
    one.record(1_000, 0, 10, 400)
    one.record(100, 0)
    expect(one.avg(0)).toBe(100)
    expect(one.max(0)).toBe(400)
    expect(one.count).toBe(11)
  })

  test('gives rates by the time that its windows are old, the missing ones counted as empty', () => {
    const one = sensor()
    one.record(600, 0)
    // Java: 0 full windows of at least 1, so a window of 30 s is added to the elapsed time.
    expect(one.rate(0)).toBe(600 / 30)
    expect(one.rate(10_000)).toBe(600 / 40)
    expect(one.rate(45_000)).toBeCloseTo(600 / 45)
    expect(one.frequency(45_000)).toBeCloseTo(1 / 45)
  })

  test('takes a maximum that is negative for what it is', () => {
    const one = sensor()
    one.record(-5, 0)
    expect(one.max(0)).toBe(-5)
  })
})
