import { describe, expect, test } from 'vitest'
import { compressionTypeOf, compressionTypes } from '../../../src/protocol/compression/codec.ts'
import { codecFor, createCodec } from '../../../src/protocol/compression/codecs.ts'

const text = Buffer.from('kafka '.repeat(5000))

describe('compression codecs', () => {
  test('have the ids of their place in the table', () => {
    expect(compressionTypes.map((_, id) => compressionTypeOf(id))).toEqual([
      'none',
      'gzip',
      'snappy',
      'lz4',
      'zstd',
    ])
    expect(codecFor('gzip').id).toBe(1)
    expect(codecFor('gzip')).toBe(codecFor('gzip'))
  })

  test('name what was asked for, and what there is, when they do not speak it', () => {
    expect(() => createCodec('brotli' as 'gzip')).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/^compression brotli is not supported; supported are none, gzip/),
      }),
    )
    expect(() => compressionTypeOf(7)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })
})

describe('gzip', () => {
  test('gives back what was compressed, at once or off the thread', async () => {
    const codec = codecFor('gzip')
    for (const packed of [codec.compressSync(text), await codec.compress(text)]) {
      expect(packed.length).toBeLessThan(text.length / 50)
      expect(Buffer.compare(codec.decompress(packed, text.length), text)).toBe(0)
    }
  })

  test('compresses harder at a higher level, and not at all at 0', () => {
    const sizes = [0, 1, 9].map((level) => createCodec('gzip', { level }).compressSync(text).length)
    expect(sizes[0]).toBeGreaterThan(text.length)
    expect(sizes[1]).toBeLessThan(sizes[0]!)
    expect(sizes[2]).toBeLessThan(sizes[1]!)
    expect(createCodec('gzip', { level: -1 }).compressSync(text)).toEqual(codecFor('gzip').compressSync(text))
  })

  test.each([-2, 10, 1.5, Number.NaN])('has no level %d', (level) => {
    expect(() => createCodec('gzip', { level })).toThrow(`an integer from -1 to 9, not ${level}`)
  })

  test('fails cleanly for data cut at any byte', () => {
    const codec = codecFor('gzip')
    const packed = codec.compressSync(text.subarray(0, 100))
    for (let cut = 0; cut < packed.length; cut++) {
      expect(() => codec.decompress(packed.subarray(0, cut), 1000), `${cut} bytes`).toThrow(
        expect.objectContaining({ code: 'MALFORMED' }),
      )
    }
  })

  test('stops at the limit, and takes exactly as much', () => {
    const codec = codecFor('gzip')
    const packed = codec.compressSync(text)
    expect(codec.decompress(packed, text.length).length).toBe(text.length)
    expect(() => codec.decompress(packed, text.length - 1)).toThrow(
      `expands to more than ${text.length - 1} bytes`,
    )
  })
})
