import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CompressionType,
  compressionTypeOf,
  compressionTypes,
} from '../../../src/protocol/compression/codec.ts'
import { createCompressor } from '../../../src/protocol/compression/compressors.ts'
import { decompressor } from '../../../src/protocol/compression/decompressors.ts'
import { zstdOfNode } from '../../../src/protocol/compression/zlib.ts'
import type { ProtocolError } from '../../../src/protocol/errors.ts'
import { expectPlace } from './places.ts'
import { samples } from './samples.ts'

type Name = Exclude<CompressionType, 'none'>

/** All that can be written on this Node. */
const writable: readonly Name[] =
  zstdOfNode() === null ? ['gzip', 'snappy', 'lz4'] : ['gzip', 'snappy', 'lz4', 'zstd']

/** Bytes from incompressible to very compressible: pieces of noise, repeated. */
const contents = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 400 })), {
    maxLength: 8,
  })
  .map((pieces) => Buffer.concat(pieces.map(([piece, times]) => Buffer.alloc(piece.length * times, piece))))
  .map((bytes) => bytes.subarray(0, 200_000))

describe('compressors', () => {
  test('have the ids of their place in the table', () => {
    expect(compressionTypes.map((_, id) => compressionTypeOf(id, 0))).toEqual([
      'none',
      'gzip',
      'snappy',
      'lz4',
      'zstd',
    ])
    for (const name of writable) {
      const { id } = createCompressor(name)
      expect(compressionTypeOf(id, 0)).toBe(name)
    }
  })

  test('name what was asked for, and what there is, when they do not speak it', () => {
    for (const name of ['brotli', 'toString']) {
      expect(() => createCompressor(name as 'gzip')).toThrow(
        expect.objectContaining({
          code: 'UNSUPPORTED',
          message: `compression ${name} is not supported; supported are none, gzip, snappy, lz4, zstd`,
        }),
      )
    }
    expect(() => compressionTypeOf(7, 22)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', offset: 22 }),
    )
  })

  test.each([
    ['gzip', [-2, 10, 1.5, Number.NaN], 'from -1 to 9'],
    ['lz4', [0, 18, 9.5], 'from 1 to 17'],
    ['zstd', [-131_073, 23], 'from -131072 to 22'],
  ] as const)('of %s refuse a level that it does not have', (name, levels, allowed) => {
    for (const level of levels) {
      expect(() => createCompressor(name, { level })).toThrow(
        expect.objectContaining({ code: 'UNENCODABLE', message: expect.stringContaining(allowed) }),
      )
    }
  })

  test('compress harder at a higher level, and gzip not at all at 0', () => {
    const text = samples.find(({ name }) => name === 'json lines')!.bytes
    const size = (name: Name, level: number) => createCompressor(name, { level }).compressSync(text).length
    expect(size('gzip', 0)).toBeGreaterThan(text.length)
    expect(size('gzip', 9)).toBeLessThan(size('gzip', 1))
    expect(size('gzip', -1)).toBe(createCompressor('gzip').compressSync(text).length)
    expect(size('lz4', 12)).toBeLessThan(size('lz4', 3))
    expect(size('lz4', 3)).toBeLessThan(size('lz4', 9))
  })

  test('write zstd where Node can, and say what to do where it cannot', () => {
    if (zstdOfNode() !== null) {
      const text = Buffer.from('kafka '.repeat(5000))
      expect(createCompressor('zstd').compressSync(text).length).toBeLessThan(text.length)
      return
    }
    expect(() => createCompressor('zstd')).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/needs Node 22\.15.*take a newer Node, or another compression/),
      }),
    )
  })
})

describe.each(writable)('%s', (name) => {
  const compressor = createCompressor(name)
  const decompress = decompressor(name)

  test('gives back what was compressed, at once or off the thread', async () => {
    for (const { name: about, bytes } of samples) {
      for (const packed of [compressor.compressSync(bytes), await compressor.compress(bytes)]) {
        expect(Buffer.compare(decompress(packed, bytes.length), bytes), about).toBe(0)
      }
    }
  })

  test('gives back anything', () => {
    fc.assert(
      fc.property(contents, (bytes) => {
        const packed = compressor.compressSync(bytes)
        return Buffer.compare(decompress(packed, bytes.length), bytes) === 0
      }),
      { numRuns: 60 },
    )
  })

  test('reads from the middle of a buffer, and writes what is there', () => {
    const bytes = Buffer.from('some, some and some more bytes in the middle of other bytes').subarray(4, 30)
    const packed = compressor.compressSync(bytes)
    const padded = Buffer.concat([Buffer.from('before'), packed, Buffer.from('behind')])
    expect(String(decompress(padded.subarray(6, 6 + packed.length), 26))).toBe(String(bytes))
  })

  test('makes what repeats much smaller', () => {
    const text = Buffer.from('kafka '.repeat(5000))
    expect(compressor.compressSync(text).length).toBeLessThan(text.length / 15)
  })

  test('stops at the limit, and takes exactly as much', () => {
    for (const { bytes } of samples.filter(({ bytes }) => bytes.length > 1000)) {
      const packed = compressor.compressSync(bytes)
      for (const limit of [bytes.length - 1, bytes.length - 70_000, 1]) {
        if (limit < 1) continue
        expect(() => decompress(packed, limit)).toThrow(
          expect.objectContaining({
            code: 'MALFORMED',
            reason: `the ${name} data expands to more than ${limit} bytes`,
          }),
        )
      }
    }
  })

  test('fails cleanly for data cut at any byte', () => {
    const bytes = Buffer.from('kafka, kafka, kafka and more kafka, and something else to end with')
    const packed = compressor.compressSync(bytes)
    for (let cut = 0; cut < packed.length; cut++) {
      const shortened = packed.subarray(0, cut)
      // Xerial's framing has no end: nothing but its header is a whole stream of nothing.
      if (name === 'snappy' && cut === 16) continue
      expect(() => decompress(shortened, 1000), `${cut} bytes`).toThrow(
        expect.objectContaining({
          code: 'MALFORMED',
          offset: expect.toSatisfy((at) => at >= 0 && at <= cut),
        }),
      )
    }
  })

  test('throws nothing but ProtocolError whatever byte is changed, and never goes beyond the limit', () => {
    const packed = compressor.compressSync(samples.find(({ name }) => name === 'few json lines')!.bytes)
    let thrown = 0
    for (let at = 0; at < packed.length; at++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const changed = Uint8Array.from(packed)
        changed[at] = value
        try {
          expect(decompress(changed, 2000).length).toBeLessThanOrEqual(2000)
        } catch (error) {
          expectPlace(error, changed)
          thrown++
        }
      }
    }
    expect(thrown).toBeGreaterThan(100)
  })
})

describe.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('reading %s', (name) => {
  test('throws nothing but ProtocolError for noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          return decompressor(name)(bytes, 10_000).length <= 10_000
        } catch (error) {
          expectPlace(error, bytes)
          return (error as ProtocolError).code === 'MALFORMED'
        }
      }),
      { numRuns: 500 },
    )
  })
})
