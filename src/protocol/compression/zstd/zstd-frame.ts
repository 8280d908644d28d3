import type { ProtocolError } from '../../errors.ts'
import { broken, tooLarge } from '../codec.ts'
import type { HuffmanTable } from './huffman.ts'
import { readLiterals } from './literals.ts'
import { type OutputState, readSequencesSection, runSequences, type SequenceTables } from './sequences.ts'
import { xxhash64 } from './xxhash64.ts'

const maxBlockBytes = 131_072

/** Where bits are read backwards words may begin so far before, and end so far behind, what they are read for. */
export const margin = 16

/** The output of all frames so far: grows as blocks come, never beyond `maxBytes`. */
export class ZstdOutput implements OutputState {
  bytes: Uint8Array
  view: DataView
  frameStart = 0
  at = 0
  repeats: [number, number, number] = [1, 4, 8]
  readonly #maxBytes: number
  #isCut = false

  constructor(capacity: number, maxBytes: number) {
    this.#maxBytes = maxBytes
    this.bytes = Buffer.allocUnsafeSlow(Math.min(capacity, maxBytes))
    this.view = viewOf(this.bytes)
  }

  /** Room for `length` bytes more; less only where `maxBytes` ends. Returns where the room ends. */
  reserve(length: number): number {
    const wanted = Math.min(this.at + length, this.#maxBytes)
    this.#isCut = wanted < this.at + length
    if (wanted > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(wanted, this.bytes.length * 2), this.#maxBytes))
      grown.set(this.bytes.subarray(0, this.at))
      this.bytes = grown
      this.view = viewOf(grown)
    }
    return wanted
  }

  /** For a block that does not fit into what was reserved: by what it may hold, or by what the caller allows. */
  overflow(at: number): ProtocolError {
    return this.#isCut
      ? tooLarge('zstd', this.#maxBytes, at)
      : broken('zstd', 'a block expands to more than it may', at)
  }

  /** All of it. What was allocated too much is not to be held for long. */
  result(): Uint8Array {
    const { bytes, at } = this
    return at * 2 < bytes.length ? Uint8Array.prototype.slice.call(bytes, 0, at) : bytes.subarray(0, at)
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

interface FrameHeader {
  start: number
  windowBytes: number
  hasChecksum: boolean
  /** -1 where it is not told. */
  contentSize: number
}

/** Reads a frame header (RFC 8878, 3.1.1.1) behind its magic. The margin behind `end` may be looked at. */
function readFrameHeader(bytes: Uint8Array, view: DataView, start: number, end: number): FrameHeader {
  const flags = bytes[start]!
  const isSingle = (flags & 32) !== 0
  if ((flags & 8) !== 0) throw broken('zstd', 'a reserved bit of a frame header is set', start)
  const dictionaryBytes = [0, 1, 2, 4][flags & 3]!
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >>> 6]!
  let p = start + 1
  const headerEnd = p + (isSingle ? 0 : 1) + dictionaryBytes + sizeBytes
  if (headerEnd > end) throw broken('zstd', 'it ends within a frame header', start)
  let windowBytes = 0
  if (!isSingle) {
    const descriptor = bytes[p++]!
    windowBytes = 2 ** (10 + (descriptor >>> 3)) * (1 + (descriptor & 7) / 8)
  }
  for (let i = 0; i < dictionaryBytes; i++) {
    if (bytes[p + i] !== 0) throw broken('zstd', 'a frame needs a dictionary, and Kafka has none', p)
  }
  p += dictionaryBytes
  let contentSize = -1
  if (sizeBytes === 1) contentSize = bytes[p]!
  else if (sizeBytes === 2) contentSize = view.getUint16(p, true) + 256
  else if (sizeBytes === 4) contentSize = view.getUint32(p, true)
  else if (sizeBytes === 8)
    contentSize = view.getUint32(p, true) + view.getUint32(p + 4, true) * 0x1_0000_0000
  if (isSingle) windowBytes = contentSize
  return { start: headerEnd, windowBytes, hasChecksum: (flags & 4) !== 0, contentSize }
}

/**
 * Expands one frame, whose magic ends at `start`, into `output`. Returns where the next one begins. Around the bytes
 * from `start` to `end` stands a margin.
 */
export function expandFrame(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  end: number,
  output: ZstdOutput,
  scratch: Uint8Array,
): number {
  if (start >= end) throw broken('zstd', 'it ends within a frame header', start)
  const header = readFrameHeader(bytes, view, start, end)
  const { contentSize } = header
  const blockLimit = Math.min(maxBlockBytes, header.windowBytes)
  const frameStart = output.at
  output.frameStart = frameStart
  output.repeats = [1, 4, 8]
  const tables: SequenceTables = { literalLengths: null, offsets: null, matchLengths: null }
  let huffman: HuffmanTable | null = null
  let p = header.start
  for (let isLast = false; !isLast; ) {
    if (end - p < 3) throw broken('zstd', 'it ends before a block', p)
    const blockHeader = view.getUint32(p, true) & 0xffffff
    p += 3
    isLast = (blockHeader & 1) !== 0
    const kind = (blockHeader >>> 1) & 3
    const size = blockHeader >>> 3
    if (kind === 3) throw broken('zstd', 'a block is of the reserved kind', p - 3)
    if (size > blockLimit)
      throw broken('zstd', `a block has ${size} bytes, at most ${blockLimit} are allowed`, p - 3)
    if ((kind === 1 ? 1 : size) > end - p) throw broken('zstd', `it ends within a block of ${size} bytes`, p)
    // A header that lies about the size reserves no more for that, and fails by it.
    const left = contentSize < 0 ? blockLimit : contentSize - (output.at - frameStart)
    const limit = output.reserve(kind === 2 ? Math.min(blockLimit, left) : size)
    if (kind === 2) {
      const blockEnd = p + size
      const literals = readLiterals(bytes, view, p, blockEnd, scratch, huffman)
      huffman = literals.table
      const section = readSequencesSection(bytes, literals.next, blockEnd, tables)
      runSequences(bytes, view, section, tables, literals, output, limit)
      p = blockEnd
    } else {
      if (limit - output.at < size) throw output.overflow(p)
      if (kind === 0) output.bytes.set(bytes.subarray(p, p + size), output.at)
      else output.bytes.fill(bytes[p]!, output.at, output.at + size)
      output.at += size
      p += kind === 0 ? size : 1
    }
  }
  if (contentSize >= 0 && output.at - frameStart !== contentSize) {
    throw broken(
      'zstd',
      `a frame expands to ${output.at - frameStart} bytes, its header says ${contentSize}`,
      start,
    )
  }
  if (!header.hasChecksum) return p
  if (end - p < 4) throw broken('zstd', 'it ends before a checksum', p)
  if (Number(xxhash64(output.bytes, frameStart, output.at) & 0xffff_ffffn) !== view.getUint32(p, true)) {
    throw broken('zstd', 'the checksum of a frame is wrong', p)
  }
  return p + 4
}
