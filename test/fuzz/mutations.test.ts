import { describe, expect, it } from 'vitest'
import { fuzz } from '../support/fuzz.ts'
import { fuzzTargets } from '../support/fuzz-targets.ts'
import { mutate, SeededRandom } from '../support/mutate.ts'

describe('damaged bytes', async () => {
  // A seed of its own in each run would blame a find on whoever changed something; `npm run fuzz` goes further.
  const report = await fuzz({ seed: 20_261_121, count: 50_000 })

  it('make no decoder do anything but throw a ProtocolError with offset and path', () => {
    expect(report.failures).toEqual([])
    expect(report.tried).toBe(50_000)
  })

  it('reach beyond the checks at the door: some are accepted, and each kind of refusal comes up', () => {
    expect(report.accepted).toBeGreaterThan(5_000)
    expect(Object.keys(report.refused)).toEqual(
      expect.arrayContaining(['TRUNCATED', 'MALFORMED', 'CORRUPT_CHECKSUM']),
    )
  })

  it('hold no decoder up', () => {
    // Far above what is seen, which is some 20 ms and 5 s, for machines that are busy: a hang is none of both.
    expect(report.slowest.ms, report.slowest.target).toBeLessThan(5000)
    expect(report.ms).toBeLessThan(50_000)
  })

  it('leave no memory behind', () => {
    // 20 MB of damaged bytes and all that was made of them are gone; what the engine compiles meanwhile stays.
    expect(report.grownBytes).toBeLessThan(8 * 1024 * 1024)
  })
})

describe('mutate', () => {
  it('gives the same bytes for the same seed, and others for another', () => {
    const [first, second] = fuzzTargets()
      .slice(-2)
      .map(({ bytes }) => bytes)
    const series = (seed: number) => {
      const random = new SeededRandom(seed)
      return Array.from({ length: 50 }, () => Buffer.from(mutate(first!, second!, random)).toString('hex'))
    }
    expect(series(1)).toEqual(series(1))
    expect(series(1)).not.toEqual(series(2))
  })

  it('leaves the bytes that it is given as they were', () => {
    const given = Uint8Array.of(1, 2, 3, 4)
    const random = new SeededRandom(7)
    for (let i = 0; i < 500; i++) mutate(given, given, random)
    expect(given).toEqual(Uint8Array.of(1, 2, 3, 4))
  })
})
