import { describe, expect, test } from 'vitest'
import { createCompressor } from '../../../src/protocol/compression/compressors.ts'
import { zstdOfNode } from '../../../src/protocol/compression/zlib.ts'
import { xxhash64 } from '../../../src/protocol/compression/zstd/xxhash64.ts'
import { zstdDecompress } from '../../../src/protocol/compression/zstd/zstd-decompress.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import { expectPlace } from './places.ts'
import { randomNumbers, sample, samples } from './samples.ts'
import { zstdFrames } from './zstd-frames.ts'

const frames = zstdFrames()
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const malformed = (message: string) =>
  expect.objectContaining({ code: 'MALFORMED', message: expect.stringContaining(message) })

/** Magic, single segment, content size in one byte. */
const head = (contentSize: string) => `28b52ffd 20 ${contentSize} `

describe('xxhash64', () => {
  test.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['Nobody inspects the spammish repetition', 0xfbcea83c8a378bf1n],
  ])('of %j is what the reference says', (text, hash) => {
    expect(xxhash64(Buffer.from(text))).toBe(hash)
  })
})

describe('zstd', () => {
  test(`reads ${frames.length} frames of the reference implementation`, () => {
    expect(frames.length).toBeGreaterThan(25)
    for (const { sample: name, level, bytes } of frames) {
      const content = sample(name)
      const about = `${name}, level ${level}`
      expect(Buffer.compare(zstdDecompress(bytes, Math.max(content.length, 1)), content), about).toBe(0)
    }
  })

  test('stops at the limit', () => {
    for (const { sample: name, bytes } of frames) {
      const { length } = sample(name)
      for (const limit of [length - 1, length - 100_000, Math.floor(length / 2)]) {
        if (limit < 1 || limit >= length) continue
        expect(() => zstdDecompress(bytes, limit), name).toThrow(
          malformed(`the zstd data expands to more than ${limit} bytes`),
        )
      }
    }
  })

  test('reads plain and repeated blocks, frames that follow each other, and passes over those to be skipped', () => {
    const plain = `${head('04')} 210000 61626364`
    const repeated = `${head('05')} 2b0000 78`
    const skipped = '532a4d18 02000000 ffff'
    expect(String(zstdDecompress(hex(plain + skipped + repeated), 9))).toBe('abcdxxxxx')
    expect(() => zstdDecompress(hex(plain + repeated), 8)).toThrow(malformed('more than 8 bytes'))
  })

  test.each([
    ['nothing', '', 'there is none'],
    ['another magic', '00112233 44', 'no such magic'],
    ['a magic that is cut', '28b52f', 'within the magic'],
    ['a dictionary', '28b52ffd 21 01 00 010000', 'needs a dictionary'],
    ['a reserved bit', '28b52ffd 28 00 010000', 'reserved bit'],
    ['a reserved kind of block', `${head('00')} 070000`, 'reserved kind'],
    ['a block beyond its window', `${head('01')} 110000 6162`, 'at most 1 are allowed'],
    ['a content that is shorter', `${head('05')} 210000 61626364`, 'its header says 5'],
    ['a block that is cut', `${head('04')} 210000 6162`, 'within a block'],
    ['no last block', `${head('04')} 200000 61626364`, 'before a block'],
    ['a wrong checksum', '28b52ffd 24 04 210000 61626364 00000000', 'checksum of a frame is wrong'],
    ['a checksum that is cut', '28b52ffd 24 04 210000 61626364 0000', 'before a checksum'],
    ['a skipped frame that is cut', '502a4d18 09000000 00', 'to be passed over'],
    ['a tree of a block before that is not there', `${head('20')} 250000 23000000`, 'there is none'],
  ])('refuses %s', (_, text, message) => {
    expect(() => zstdDecompress(hex(text), 1000)).toThrow(malformed(message))
  })

  test('takes no memory for what a header only says', () => {
    const huge = hex('28b52ffd e0 ffffffffff000000 210000 61626364')
    const before = process.memoryUsage().arrayBuffers
    expect(() => zstdDecompress(huge, 128 * 1024 * 1024)).toThrow(malformed('its header says'))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
  })

  test('throws nothing but ProtocolError for frames that were cut or changed, and keeps to the limit', () => {
    const next = randomNumbers(17)
    let thrown = 0
    for (const { bytes } of frames.filter(({ bytes }) => bytes.length < 20_000)) {
      for (let i = 0; i < 150; i++) {
        const changed = Buffer.from(i % 5 === 0 ? bytes.subarray(0, next() % bytes.length) : bytes)
        // Most of what can go wrong is near the start: headers and tables.
        const reach = i % 2 === 0 ? Math.min(changed.length, 60) : changed.length
        for (let n = next() % 3; n >= 0 && reach > 0; n--) changed[next() % reach] = next()
        try {
          expect(zstdDecompress(changed, 400_000).length).toBeLessThanOrEqual(400_000)
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
          expectPlace(error, changed)
          thrown++
        }
      }
    }
    expect(thrown).toBeGreaterThan(500)
  })

  test('tells where in the data it is broken', () => {
    const { bytes } = frames.find(({ checksum }) => checksum)!
    const changed = Buffer.from(bytes)
    changed[changed.length - 1]! ^= 1
    const wrong = {
      message: expect.stringMatching(/checksum of a frame is wrong at byte/),
      offset: bytes.length - 4,
    }
    expect(() => zstdDecompress(changed, 2 ** 24)).toThrow(expect.objectContaining(wrong))
    const behind = Buffer.concat([bytes, Buffer.from('0102030405', 'hex')])
    expect(() => zstdDecompress(behind, 2 ** 24)).toThrow(expect.objectContaining({ offset: bytes.length }))
  })

  // A Node without zstd has nothing to compare with: there the frames that libzstd wrote stand for it.
  if (zstdOfNode() !== null) {
    test('reads what this Node writes, at all levels', () => {
      for (const { name, bytes } of samples) {
        for (const level of [-131_072, -7, -1, 0, 2, 3, 5, 9, 13, 17, 22]) {
          const packed = createCompressor('zstd', { level }).compressSync(bytes)
          const read = zstdDecompress(packed, Math.max(bytes.length, 1))
          expect(Buffer.compare(read, bytes), `${name}, level ${level}`).toBe(0)
        }
      }
    })
  }
})
