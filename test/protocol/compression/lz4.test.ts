import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { breakLz4HeaderChecksum, lz4Compress } from '../../../src/protocol/compression/lz4-compressor.ts'
import {
  lz4Decompress,
  lz4DecompressLegacy,
  lz4HeaderChecksum,
} from '../../../src/protocol/compression/lz4-decompress.ts'
import { nativePackage } from '../../../src/protocol/compression/native.ts'
import { xxhash32 } from '../../../src/protocol/compression/xxhash32.ts'
import { samples } from './samples.ts'

const malformed = (message: string) =>
  expect.objectContaining({ code: 'MALFORMED', message: expect.stringContaining(message) })

interface FrameParts {
  flags?: number
  blockCode?: number
  contentSize?: number
  blocks: { bytes: Uint8Array; isPlain?: boolean }[]
  /** Content whose checksum is written; with flags that say so. */
  content?: Uint8Array
}

/** A frame with these parts, its header checksum right. */
function frame({ flags = 0x60, blockCode = 4, contentSize, blocks, content }: FrameParts): Buffer {
  const header = Buffer.alloc(contentSize === undefined ? 7 : 15)
  header.writeUInt32LE(0x184d2204)
  header[4] = flags
  header[5] = blockCode << 4
  if (contentSize !== undefined) header.writeBigUInt64LE(BigInt(contentSize), 6)
  header[header.length - 1] = lz4HeaderChecksum(header, 4, header.length - 1)
  const word = (value: number) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(value >>> 0)
    return bytes
  }
  return Buffer.concat([
    header,
    ...blocks.flatMap(({ bytes, isPlain }) => [
      word(bytes.length + (isPlain ? 0x80000000 : 0)),
      bytes,
      ...(flags & 16 ? [word(xxhash32(bytes))] : []),
    ]),
    word(0),
    ...(content === undefined ? [] : [word(xxhash32(content))]),
  ])
}

const ab = Uint8Array.of(0x20, 97, 98)

describe('xxhash32', () => {
  test.each([
    ['', 0x02cc5d05],
    ['a', 0x550d7456],
    ['abc', 0x32d153ff],
    ['Nobody inspects the spammish repetition', 0xe2293b2f],
  ])('of %j is what the reference says', (text, hash) => {
    expect(xxhash32(Buffer.from(text))).toBe(hash)
  })
})

describe('lz4', () => {
  test('reads a literal and copies that overlap what they make', () => {
    const bytes = Uint8Array.of(0x24, 97, 98, 2, 0, 0x10, 99)
    expect(String(lz4Decompress(frame({ blocks: [{ bytes }] }), 100))).toBe('ababababab' + 'c')
  })

  test('reads plain blocks, content sizes, and checksums of blocks and content', () => {
    const blocks = [{ bytes: ab }, { bytes: Buffer.from('cd'), isPlain: true }]
    const content = Buffer.from('abcd')
    expect(String(lz4Decompress(frame({ blocks }), 4))).toBe('abcd')
    const full = frame({ flags: 0x7c, contentSize: 4, blocks, content })
    expect(String(lz4Decompress(full, 4))).toBe('abcd')
    const wrongContent = Buffer.from(full)
    wrongContent[full.length - 1]! ^= 1
    expect(() => lz4Decompress(wrongContent, 4)).toThrow(malformed('the checksum of the content is wrong'))
    const wrongBlock = Buffer.from(full)
    wrongBlock[20]! ^= 1
    expect(() => lz4Decompress(wrongBlock, 4)).toThrow(malformed('the checksum of a block is wrong'))
  })

  test('copies out of an earlier block where blocks are linked, and only there', () => {
    const blocks = [{ bytes: ab }, { bytes: Uint8Array.of(0x00, 2, 0, 0x10, 99) }]
    expect(String(lz4Decompress(frame({ flags: 0x40, blocks }), 100))).toBe('ababab' + 'c')
    expect(() => lz4Decompress(frame({ blocks }), 100)).toThrow(malformed('a copy from 2 before, at 0'))
  })

  test('reads frames that follow each other, and passes over those that are to be skipped', () => {
    const skipped = Buffer.from('5a2a4d1803000000ffffff', 'hex')
    const one = frame({ blocks: [{ bytes: ab }] })
    expect(String(lz4Decompress(Buffer.concat([one, skipped, one]), 4))).toBe('abab')
    expect(() => lz4Decompress(Buffer.concat([one, one]), 3)).toThrow(malformed('more than 3 bytes'))
  })

  test('looks at the checksum of the header, but not for magic 0', () => {
    const wrong = breakLz4HeaderChecksum(lz4Compress(Buffer.from('old and wrong')))
    expect(() => lz4Decompress(wrong, 100)).toThrow(malformed('the checksum of a header is wrong'))
    expect(String(lz4DecompressLegacy(wrong, 100))).toBe('old and wrong')
  })

  test.each([
    ['another magic', Buffer.alloc(20, 1), 'no such magic'],
    ['nothing', Buffer.alloc(0), 'there is none'],
    ['another version', frame({ flags: 0xa0, blocks: [] }), 'version 2'],
    ['a dictionary', frame({ flags: 0x61, blocks: [] }), 'needs a dictionary'],
    ['a reserved flag', frame({ flags: 0x62, blocks: [] }), 'reserved bits'],
    ['an unknown block size', frame({ blockCode: 3, blocks: [] }), 'block size 3'],
    [
      'a block beyond its size',
      frame({ blocks: [{ bytes: new Uint8Array(65_537), isPlain: true }] }),
      'at most 65536',
    ],
    [
      'a content that is shorter',
      frame({ flags: 0x68, contentSize: 3, blocks: [{ bytes: ab }] }),
      'has 2 bytes',
    ],
    [
      'a content that is longer',
      frame({ flags: 0x68, contentSize: 1, blocks: [{ bytes: ab }] }),
      'more than 1 bytes',
    ],
    [
      'a content that cannot be',
      frame({ flags: 0x68, contentSize: 900, blocks: [{ bytes: ab }] }),
      'cannot expand',
    ],
    ['literals beyond the block', frame({ blocks: [{ bytes: Uint8Array.of(0x50, 97) }] }), '5 literals'],
    [
      'a copy from 0 before',
      frame({ blocks: [{ bytes: Uint8Array.of(0x10, 97, 0, 0, 0) }] }),
      'a copy from 0 before',
    ],
    ['an offset that is cut', frame({ blocks: [{ bytes: Uint8Array.of(0x10, 97, 1) }] }), 'within an offset'],
    [
      'a length that is cut',
      frame({ blocks: [{ bytes: Uint8Array.of(0x1f, 97, 1, 0, 255) }] }),
      'within a length',
    ],
    ['a copy at the end', frame({ blocks: [{ bytes: Uint8Array.of(0x10, 97, 1, 0) }] }), 'within a sequence'],
    ['an empty block', frame({ blocks: [{ bytes: Uint8Array.of(0x10) }] }), '1 literals with 0 bytes left'],
  ])('refuses a frame with %s', (_, bytes, message) => {
    expect(() => lz4Decompress(bytes, 100_000)).toThrow(malformed(message))
  })

  test('refuses a block that expands beyond the size of blocks', () => {
    const bomb = Buffer.concat([Uint8Array.of(0x1f, 97, 1, 0), Buffer.alloc(600, 255), Uint8Array.of(0, 0)])
    expect(() => lz4Decompress(frame({ blocks: [{ bytes: bomb }] }), 1e9)).toThrow(
      malformed('a block expands to more than 65536 bytes'),
    )
    expect(() => lz4Decompress(frame({ blocks: [{ bytes: bomb }] }), 5000)).toThrow(
      malformed('expands to more than 5000 bytes'),
    )
  })

  test('gives back what was compressed at any level', () => {
    for (const { name, bytes } of samples) {
      for (const level of [1, 4, 9, 10, 17]) {
        const packed = lz4Compress(bytes, level)
        expect(Buffer.compare(lz4Decompress(packed, bytes.length), bytes), `${name} ${level}`).toBe(0)
      }
    }
  })

  interface Native {
    compressFrameSync(bytes: Uint8Array): Uint8Array
    decompressFrameSync(bytes: Uint8Array): Uint8Array
  }
  const isInstalled = nativePackage<Native>('lz4-napi', ['compressFrameSync', 'decompressFrameSync']) !== null

  test.runIf(isInstalled)('reads what the package lz4-napi wrote, which reads what was written here', () => {
    const native = createRequire(import.meta.url)('lz4-napi') as Native
    for (const { name, bytes } of samples) {
      expect(Buffer.compare(lz4Decompress(native.compressFrameSync(bytes), bytes.length), bytes), name).toBe(
        0,
      )
      for (const level of [9, 12]) {
        const read = native.decompressFrameSync(Buffer.from(lz4Compress(bytes, level)))
        expect(Buffer.compare(read, bytes), name).toBe(0)
      }
    }
  })
})
