import { describe, expect, it } from 'vitest'
import { headersSize, readHeaders, writeHeaders } from '../../../src/protocol/records/record-header.ts'

function readBack(keys: readonly string[]): string[] {
  const headers = keys.map((key) => ({ key, value: 'v' }))
  const bytes = Buffer.alloc(headersSize(headers))
  writeHeaders(bytes, 0, headers)
  return readHeaders(bytes, 0, keys.length, bytes.length).map(({ key }) => key)
}

describe('keys of headers', () => {
  it('are read as they were written, however many there are and whatever was read before', () => {
    // Many of the same length, first and last letter, so that they take each other's places.
    const keys = Array.from({ length: 2000 }, (_, i) => `x-${i % 700}-${i % 13}-x`)
    expect(readBack(keys)).toEqual(keys)
    expect(readBack(keys.toReversed())).toEqual(keys.toReversed())
  })

  it('may be empty, long, or anything but ASCII', () => {
    const keys = [
      '',
      'a',
      'b',
      'é',
      'a'.repeat(32),
      'a'.repeat(33),
      'ключ',
      'a',
      '',
      'schlüssel',
      'schluessel',
      '\u0000',
    ]
    expect(readBack([...keys, ...keys])).toEqual([...keys, ...keys])
  })
})
