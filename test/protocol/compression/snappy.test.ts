import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { nativePackage } from '../../../src/protocol/compression/native.ts'
import { snappyCompress, snappyCompressor } from '../../../src/protocol/compression/snappy-compressor.ts'
import { snappyDecompress } from '../../../src/protocol/compression/snappy-decompress.ts'
import { samples } from './samples.ts'

const xerial = Buffer.from('82534e4150505900' + '00000001' + '00000001', 'hex')
const malformed = (message: string) =>
  expect.objectContaining({ code: 'MALFORMED', message: expect.stringContaining(message) })

/** A bare block of these bytes, whose size is told as `size`. */
const block = (size: number, ...rest: number[]) => Uint8Array.of(size, ...rest)

describe('snappy', () => {
  test('reads a bare block: literals and copies with offsets of one, two and four bytes', () => {
    const bytes = block(
      22,
      ...[3 << 2, ...Buffer.from('abcd')],
      ...[(0 << 5) | (2 << 2) | 1, 4],
      ...[(3 << 2) | 2, 10, 0],
      ...[(3 << 2) | 3, 2, 0, 0, 0],
      ...[(3 << 2) | 2, 1, 0],
    )
    expect(String(snappyDecompress(bytes, 100))).toBe('abcdabcdababcdcdcddddd')
  })

  test('reads literals with lengths of one to four bytes', () => {
    for (const extra of [1, 2, 3, 4]) {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(199)
      const head = Uint8Array.of(200, 1, (59 + extra) << 2, ...length.subarray(0, extra))
      expect(snappyDecompress(Buffer.concat([head, Buffer.alloc(200, 'x')]), 200)).toEqual(
        Buffer.alloc(200, 'x'),
      )
    }
  })

  test("reads streams in xerial's framing that were joined", () => {
    const joined = Buffer.concat([snappyCompress(Buffer.from('one ')), snappyCompress(Buffer.from('two'))])
    expect(String(snappyDecompress(joined, 100))).toBe('one two')
  })

  test("writes xerial's framing, in blocks of 64 KiB", () => {
    const packed = Buffer.from(snappyCompress(Buffer.alloc(65_537)))
    expect(packed.subarray(0, 16)).toEqual(xerial)
    const first = packed.readInt32BE(16)
    expect(packed.subarray(20, 23)).toEqual(Buffer.of(0x80, 0x80, 0x04))
    expect(packed.readInt32BE(20 + first)).toBe(packed.length - 24 - first)
  })

  test.each([
    ['without a size', Uint8Array.of(), 'no whole size'],
    ['with a size of more than five bytes', Uint8Array.of(255, 255, 255, 255, 255, 1), 'no whole size'],
    ['that says more than it can expand to', block(100, 0, 97), 'cannot expand to 100'],
    ['with a literal longer than the bytes', block(4, 3 << 2, 97, 98), 'a literal of 4 bytes'],
    ['with a literal longer than the size', block(1, 1 << 2, 97, 98), 'a literal of 2 bytes'],
    ['with the length of a literal cut', block(10, 61 << 2, 0), 'within the length of a literal'],
    ['with a copy of nothing before', block(4, (3 << 2) | 2, 1, 0), 'a copy of 4 bytes from 1 before'],
    ['with a copy from 0 before', block(5, 0, 97, (3 << 2) | 2, 0, 0), 'a copy of 4 bytes from 0 before'],
    ['with a copy beyond the size', block(3, 0, 97, (3 << 2) | 2, 1, 0), 'a copy of 4 bytes'],
    ['with a short copy cut', block(5, 0, 97, 1), 'within a copy'],
    ['with a copy cut', block(5, 0, 97, 2, 1), 'within a copy'],
    ['with a long copy cut', block(5, 0, 97, 3, 1, 0, 0), 'within a copy'],
    ['that expands to less than it says', block(5, 0, 97), 'expands to 1 bytes instead of 5'],
  ])('refuses a block %s', (_, bytes, message) => {
    expect(() => snappyDecompress(bytes, 1000)).toThrow(malformed(message))
  })

  test.each([
    ['a negative length', 'ffffffff', 'length -1'],
    ['a length beyond the end', '00000009' + '0100', 'length 9 with 2 bytes left'],
    ['a length that is cut', '0000', 'within the length of a block'],
  ])('refuses framing with %s', (_, hex, message) => {
    const bytes = Buffer.concat([xerial, Buffer.from(hex, 'hex')])
    expect(() => snappyDecompress(bytes, 1000)).toThrow(malformed(message))
  })

  test('does not copy out of another block of the framing', () => {
    const second = block(4, (3 << 2) | 2, 1, 0)
    const length = (bytes: Uint8Array) => Buffer.of(0, 0, 0, bytes.length)
    const first = block(1, 0, 97)
    const bytes = Buffer.concat([xerial, length(first), first, length(second), second])
    expect(() => snappyDecompress(bytes, 1000)).toThrow(malformed('from 1 before, at 0'))
  })

  const native = nativePackage<{ compressSync(bytes: Uint8Array): Uint8Array }>('snappy', ['compressSync'])

  test.runIf(native !== null)(
    'reads what the package snappy wrote, which reads what was written here',
    () => {
      const { uncompressSync } = createRequire(import.meta.url)('snappy') as {
        uncompressSync(bytes: Uint8Array, options: { asBuffer: true }): Buffer
      }
      for (const { name, bytes } of samples) {
        expect(Buffer.compare(snappyDecompress(native!.compressSync(bytes), bytes.length), bytes), name).toBe(
          0,
        )
        expect(
          Buffer.compare(snappyDecompress(snappyCompressor().compressSync(bytes), bytes.length), bytes),
        ).toBe(0)
        const packed = Buffer.from(snappyCompress(bytes))
        const parts: Buffer[] = []
        for (let p = 16; p < packed.length; p += 4 + packed.readInt32BE(p)) {
          parts.push(
            uncompressSync(packed.subarray(p + 4, p + 4 + packed.readInt32BE(p)), { asBuffer: true }),
          )
        }
        expect(Buffer.compare(Buffer.concat(parts), bytes), name).toBe(0)
      }
    },
  )

  test('goes without a package that is not installed or is another one', () => {
    expect(nativePackage<{ compress(): void }>('no-such-package-of-kafkawire', ['compress'])).toBeNull()
    expect(
      nativePackage<{ compressSync(bytes: Uint8Array): Uint8Array }>('fast-check', ['compressSync']),
    ).toBeNull()
  })
})
