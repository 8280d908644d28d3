import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import { int32, sized } from '../support/scripted-broker.ts'

function readAll(
  chunks: readonly Uint8Array[],
  maxFrameBytes = 1_000,
): { frames: Buffer[]; reader: FrameReader } {
  const reader = new FrameReader(maxFrameBytes)
  const frames: Buffer[] = []
  for (const chunk of chunks) reader.push(chunk, (frame) => frames.push(Buffer.from(frame)))
  return { frames, reader }
}

describe('a frame reader', () => {
  it('gives the same frames however the bytes are cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
    const cuts = fc.array(fc.nat(400), { maxLength: 30 })
    fc.assert(
      fc.property(bodies, cuts, (frames, at) => {
        const bytes = Buffer.concat(frames.map(sized))
        const ends = [...new Set([0, ...at.filter((cut) => cut < bytes.length), bytes.length])].sort(
          (a, b) => a - b,
        )
        const chunks = ends.slice(1).map((end, i) => bytes.subarray(ends[i], end))
        const { frames: read, reader } = readAll(chunks)
        expect(read).toEqual(frames.map((frame) => Buffer.from(frame)))
        expect(reader.midFrame).toBe(false)
      }),
    )
  })

  it('knows at each byte whether it is in the middle of a frame', () => {
    const bytes = sized(Buffer.from('abc'))
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { reader } = readAll([bytes.subarray(0, cut)])
      expect(reader.midFrame).toBe(cut > 0 && cut < bytes.length)
    }
  })

  it('takes what was read into its own memory, and copies what is in memory that is used again', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 })
    fc.assert(
      fc.property(bodies, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (frames, sizes) => {
        const bytes = Buffer.concat(frames.map(sized))
        const reader = new FrameReader(1_000)
        const read: Uint8Array[] = []
        const scratch = Buffer.alloc(16)
        for (let at = 0, i = 0; at < bytes.length; i++) {
          // As a socket does: as much as there is, but no more than there is room for.
          const { missing } = reader
          const room = missing ?? scratch
          const count = Math.min(room.length, sizes[i % sizes.length]!, bytes.length - at)
          room.set(bytes.subarray(at, at + count))
          reader.push(room.subarray(0, count), (frame) => read.push(frame), missing === null)
          at += count
        }
        scratch.fill(0xff)
        expect(read.map((frame) => Buffer.from(frame))).toEqual(frames.map((frame) => Buffer.from(frame)))
      }),
    )
  })

  it('gives a frame that lies in one chunk without copying it', () => {
    const chunk = sized(Buffer.from('abc'))
    const seen: Uint8Array[] = []
    new FrameReader(10).push(chunk, (frame) => seen.push(frame))
    expect(seen[0]?.buffer).toBe(chunk.buffer)
  })

  it('refuses a length that is not allowed before it holds any memory for it', () => {
    for (const length of [-1, -0x80000000, 11, 0x7fffffff]) {
      const before = process.memoryUsage().arrayBuffers
      expect(() => readAll([int32(length)], 10)).toThrow(`frame of ${length} bytes, allowed are 0 to 10`)
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
    }
    expect(readAll([sized(Buffer.alloc(10))], 10).frames).toHaveLength(1)
  })

  it('tells where in the stream the bad length is, however the bytes are cut', () => {
    const bytes = Buffer.concat([sized(Buffer.from('abc')), sized(Buffer.alloc(0)), int32(11)])
    for (let cut = 0; cut <= bytes.length; cut++) {
      const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)]
      expect(() => readAll(chunks, 10)).toThrow(
        expect.objectContaining({
          code: 'MALFORMED',
          offset: 11,
          message: 'frame of 11 bytes, allowed are 0 to 10 at byte 11',
        }),
      )
    }
  })
})
