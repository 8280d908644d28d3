import { describe, expect, it } from 'vitest'
import { resetDurationMs } from '../../src/consumer/offset-reset.ts'

const hour = 3_600_000

describe('the duration of autoOffsetReset', () => {
  it.each([
    ['PT1H', hour],
    ['P1D', 24 * hour],
    ['P2DT3H4M5.678S', 51 * hour + 4 * 60_000 + 5678],
    ['PT0S', 0],
    ['PT1.5S', 1500],
    ['PT1,5S', 1500],
    ['PT1.S', 1000],
    ['pt1h', hour],
    ['+PT1H', hour],
    ['P+1D', 24 * hour],
    ['-PT-1H', hour],
    ['PT1H-30M', hour / 2],
    ['PT36H', 36 * hour],
    ['PT0.0009S', 0],
  ])('%s is %d ms, as in Java', (text, ms) => {
    expect(resetDurationMs(`by_duration:${text}`)).toBe(ms)
  })

  it.each([
    '',
    'P',
    'PT',
    'P1DT',
    '1H',
    'PT1H1',
    'P1W',
    'P1M',
    'P1Y',
    'P1H',
    'PT1.5H',
    'PT1M1H',
    'PT1.0000000001S',
    '-PT1H',
    'PT-1H',
    'PT1H ',
    'PT1e3S',
    'P99999999999999999D',
  ])('"%s" is none', (text) => {
    expect(resetDurationMs(`by_duration:${text}`)).toBeNull()
  })

  it.each(['earliest', 'by_duration', 'BY_DURATION:PT1H', 'PT1H'])('"%s" has none', (text) => {
    expect(resetDurationMs(text)).toBeNull()
  })
})
