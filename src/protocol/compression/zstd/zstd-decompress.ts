import { ProtocolError } from '../../errors.ts'
import { broken } from '../codec.ts'
import { expandFrame, margin, ZstdOutput } from './zstd-frame.ts'

const frameMagic = 0xfd2fb528
/** Sixteen magics of frames that are to be passed over. */
const skippableMagic = 0x184d2a50

/** First guess of how much data expands, where the output then grows. */
const usualExpansion = 8

/** Literals of the block at hand. */
let scratch: Uint8Array | null = null

/**
 * Zstandard frames (RFC 8878), one after the other, without dictionaries. Limits and checksums are checked.
 *
 * Not by `node:zlib`, even where it could: `zstdDecompressSync` of Node 24 and 26 takes data that is cut for whole, gives
 * what there is, and leaves out all frames but the first. Records would be lost in silence.
 */
export function zstdDecompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  if (bytes.length === 0) throw broken('zstd', 'there is none', 0)
  // A copy, once, so that words may be read across either end.
  const padded = new Uint8Array(margin + bytes.length + margin)
  padded.set(bytes, margin)
  try {
    return expandFrames(padded, margin + bytes.length, bytes.length * usualExpansion, maxBytes)
  } catch (error) {
    throw error instanceof ProtocolError ? error.shiftedBy(-margin) : error
  }
}

/** `padded` is the data from `margin` to `end`; the places of errors are those in it. */
function expandFrames(padded: Uint8Array, end: number, capacity: number, maxBytes: number): Uint8Array {
  const view = new DataView(padded.buffer)
  const output = new ZstdOutput(capacity, maxBytes)
  scratch ??= new Uint8Array(131_072)
  let p = margin
  while (p < end) {
    if (end - p < 4) throw broken('zstd', 'it ends within the magic of a frame', p)
    const magic = view.getUint32(p, true)
    p += 4
    if (magic === frameMagic) {
      p = expandFrame(padded, view, p, end, output, scratch)
    } else if ((magic & ~15) >>> 0 === skippableMagic) {
      if (end - p < 4) throw broken('zstd', 'it ends within a frame that is to be passed over', p)
      const length = view.getUint32(p, true)
      p += 4
      if (length > end - p) throw broken('zstd', 'it ends within a frame that is to be passed over', p)
      p += length
    } else {
      throw broken('zstd', 'a frame has no such magic', p - 4)
    }
  }
  return output.result()
}
