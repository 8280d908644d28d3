import { broken, tooLarge } from './codec.ts'
import { type Expander, openExpander } from './wasm/expander.ts'
import { xxhash32 } from './xxhash32.ts'

const frameMagic = 0x184d2204
/** Sixteen magics of frames that are to be passed over. */
const skippableMagic = 0x184d2a50

/** A length goes up by at most 255 for each byte. */
const mostExpansion = 255

interface Frame {
  /** Of the first block. */
  start: number
  blockChecksums: boolean
  contentChecksum: boolean
  /** Bytes that a block expands to, at most. */
  blockBytes: number
  /** Whether a block may copy out of those before it. */
  linked: boolean
  /** As the header tells; -1 where it does not. */
  contentSize: number
}

interface Block {
  start: number
  end: number
  isCompressed: boolean
}

interface Content {
  blocks: readonly Block[]
  /** Of all that the blocks expand to; null where there is none. */
  checksum: number | null
  /** Position behind the frame. */
  next: number
}

/** What expands to less is not worth the copies into WebAssembly's memory and out of it. */
const wasmThreshold = 128

/** LZ4 frames, one after the other. Headers, checksums and limits are checked. */
export function lz4Decompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return decompressFrames(bytes, maxBytes, { checkHeader: true, mayUseWasm: true })
}

/** The same in JavaScript alone, apart so that both are tested and measured. */
export function lz4DecompressWithoutWasm(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return decompressFrames(bytes, maxBytes, { checkHeader: true, mayUseWasm: false })
}

/**
 * The same for magic 0, where the header's checksum is not looked at: Java clients then computed it over the wrong bytes,
 * and other clients did or did not follow (KIP-57).
 */
export function lz4DecompressLegacy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return decompressFrames(bytes, maxBytes, { checkHeader: false, mayUseWasm: true })
}

function decompressFrames(
  bytes: Uint8Array,
  maxBytes: number,
  { checkHeader, mayUseWasm }: { checkHeader: boolean; mayUseWasm: boolean },
): Uint8Array {
  if (bytes.length === 0) throw broken('lz4', 'there is none', 0)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: Uint8Array[] = []
  let size = 0
  let p = 0
  while (p < bytes.length) {
    need(bytes, p, 8)
    const magic = view.getUint32(p, true)
    if ((magic & ~15) === skippableMagic) {
      const length = view.getUint32(p + 4, true)
      need(bytes, p + 8, length)
      p += 8 + length
      continue
    }
    const frame = readHeader(bytes, view, p, checkHeader)
    const content = readBlocks(bytes, view, frame)
    const part = expandFrame(bytes, view, frame, content, maxBytes - size, maxBytes, mayUseWasm)
    parts.push(part)
    size += part.length
    p = content.next
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

function need(bytes: Uint8Array, at: number, length: number): void {
  if (length > bytes.length - at) throw broken('lz4', `it ends at byte ${bytes.length}, within a frame`, at)
}

function readHeader(bytes: Uint8Array, view: DataView, at: number, checkHeader: boolean): Frame {
  if (view.getUint32(at, true) !== frameMagic) throw broken('lz4', 'a frame has no such magic', at)
  const flags = bytes[at + 4]!
  const blockCode = (bytes[at + 5]! >>> 4) & 7
  if (flags >>> 6 !== 1) throw broken('lz4', `a frame has version ${flags >>> 6}, known is 1`, at + 4)
  if ((flags & 2) !== 0 || (bytes[at + 5]! & 0x8f) !== 0)
    throw broken('lz4', 'reserved bits of a header are set', at + 4)
  if ((flags & 1) !== 0) throw broken('lz4', 'a frame needs a dictionary', at + 4)
  if (blockCode < 4) throw broken('lz4', `a frame has block size ${blockCode}, known are 4 to 7`, at + 5)
  let p = at + 6
  let contentSize = -1
  if ((flags & 8) !== 0) {
    need(bytes, p, 9)
    contentSize = view.getUint32(p, true) + view.getUint32(p + 4, true) * 0x1_0000_0000
    p += 8
  }
  need(bytes, p, 1)
  if (checkHeader && bytes[p] !== lz4HeaderChecksum(bytes, at + 4, p)) {
    throw broken('lz4', 'the checksum of a header is wrong', p)
  }
  return {
    start: p + 1,
    blockChecksums: (flags & 16) !== 0,
    contentChecksum: (flags & 4) !== 0,
    blockBytes: 1 << (8 + 2 * blockCode),
    linked: (flags & 32) === 0,
    contentSize,
  }
}

/** The byte that ends a header: of what stands between the magic and itself. */
export function lz4HeaderChecksum(bytes: Uint8Array, start: number, end: number): number {
  return (xxhash32(bytes, start, end) >>> 8) & 255
}

/** Where the blocks stand. */
function readBlocks(bytes: Uint8Array, view: DataView, frame: Frame): Content {
  const blocks: Block[] = []
  let p = frame.start
  for (;;) {
    need(bytes, p, 4)
    const word = view.getUint32(p, true)
    p += 4
    if (word === 0) break
    const length = word & 0x7fffffff
    const isCompressed = word < 0x80000000
    if (length > frame.blockBytes) {
      throw broken('lz4', `a block has ${length} bytes, at most ${frame.blockBytes} are allowed`, p - 4)
    }
    need(bytes, p, length + (frame.blockChecksums ? 4 : 0))
    blocks.push({ start: p, end: p + length, isCompressed })
    if (frame.blockChecksums) {
      if (xxhash32(bytes, p, p + length) !== view.getUint32(p + length, true)) {
        throw broken('lz4', 'the checksum of a block is wrong', p + length)
      }
      p += 4
    }
    p += length
  }
  if (!frame.contentChecksum) return { blocks, checksum: null, next: p }
  need(bytes, p, 4)
  return { blocks, checksum: view.getUint32(p, true), next: p + 4 }
}

function expandFrame(
  bytes: Uint8Array,
  view: DataView,
  frame: Frame,
  { blocks, checksum, next }: Content,
  room: number,
  maxBytes: number,
  mayUseWasm: boolean,
): Uint8Array {
  let most = 0
  for (const { start, end, isCompressed } of blocks) {
    most += isCompressed ? Math.min((end - start) * mostExpansion, frame.blockBytes) : end - start
  }
  const { contentSize } = frame
  if (contentSize > room) throw tooLarge('lz4', maxBytes, frame.start)
  if (contentSize > most)
    throw broken('lz4', `${bytes.length} bytes cannot expand to ${contentSize}`, frame.start)
  const capacity = contentSize < 0 ? Math.min(most, room) : contentSize
  const expander = mayUseWasm && capacity >= wasmThreshold ? openExpander() : null
  const expanded = expander && expandByWasm(expander, bytes, frame, blocks, capacity, checksum)
  if (expanded !== null) return expanded

  const output = Buffer.allocUnsafeSlow(capacity)
  const outputView = new DataView(output.buffer, output.byteOffset, capacity)
  let q = 0
  for (const { start, end, isCompressed } of blocks) {
    const limit = Math.min(q + frame.blockBytes, capacity)
    if (isCompressed) {
      // Where the whole did not fit into WebAssembly's memory, single blocks do.
      let blockEnd =
        expander === null || frame.linked
          ? null
          : expandBlockByWasm(expander, bytes, start, end, output, q, limit)
      blockEnd ??= expandBlock(bytes, view, start, end, output, outputView, q, limit, frame.linked ? 0 : q)
      if (blockEnd < 0) {
        // Full: by what the frame may hold, or by what the caller allows.
        if (limit === room && contentSize < 0 && capacity < most) throw tooLarge('lz4', maxBytes, start)
        throw broken('lz4', `a block expands to more than ${limit - q} bytes`, start)
      }
      q = blockEnd
    } else {
      if (end - start > limit - q) {
        if (limit === room && contentSize < 0) throw tooLarge('lz4', maxBytes, start)
        throw broken(
          'lz4',
          `a block has more than the ${limit - q} bytes that are left of the content`,
          start,
        )
      }
      output.set(bytes.subarray(start, end), q)
      q += end - start
    }
  }
  if (contentSize >= 0 && q !== contentSize) {
    throw broken('lz4', `the content has ${q} bytes, the header says ${contentSize}`, frame.start)
  }
  // What was allocated for the worst case is not to be held for long.
  const part = q * 2 < capacity ? Uint8Array.prototype.slice.call(output, 0, q) : output.subarray(0, q)
  if (checksum !== null && xxhash32(part) !== checksum) {
    throw broken('lz4', 'the checksum of the content is wrong', next - 4)
  }
  return part
}

/** Null when it could not, for want of memory or as something is wrong: `expandFrame` then does it or says what. */
function expandByWasm(
  expander: Expander,
  bytes: Uint8Array,
  frame: Frame,
  blocks: readonly Block[],
  capacity: number,
  checksum: number | null,
): Uint8Array | null {
  const base = frame.start
  if (!expander.load(bytes, base, blocks.at(-1)?.end ?? base, capacity)) return null
  let q = 0
  for (const { start, end, isCompressed } of blocks) {
    const limit = Math.min(q + frame.blockBytes, capacity)
    if (isCompressed) {
      q = expander.lz4(start - base, end - base, q, limit, frame.linked ? 0 : q)
    } else if (end - start <= limit - q) {
      q = expander.copy(start - base, end - base, q)
    } else {
      q = -1
    }
    if (q < 0) return null
  }
  if (frame.contentSize >= 0 && q !== frame.contentSize) return null
  if (checksum !== null && xxhash32(expander.output(q)) !== checksum) return null
  const part = Buffer.allocUnsafeSlow(q)
  part.set(expander.output(q))
  return part
}

/** The same as `expandBlock`, of a block that copies out of no other. Null as in `expandByWasm`. */
function expandBlockByWasm(
  expander: Expander,
  bytes: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  at: number,
  limit: number,
): number | null {
  if (!expander.load(bytes, start, end, limit - at)) return null
  const size = expander.lz4(0, end - start, 0, limit - at, 0)
  if (size < 0) return null
  output.set(expander.output(size), at)
  return at + size
}

/**
 * Expands one block into the output from `at` on. Returns where it ends, -1 when that were beyond `limit`.
 * `windowStart`: where copies may begin.
 */
function expandBlock(
  input: Uint8Array,
  inputView: DataView,
  start: number,
  end: number,
  output: Uint8Array,
  outputView: DataView,
  at: number,
  limit: number,
  windowStart: number,
): number {
  let p = start
  let q = at
  for (;;) {
    if (p >= end) throw broken('lz4', 'a block ends within a sequence', p)
    const token = input[p++]!
    let literals = token >>> 4
    if (literals === 15) {
      let more: number
      do {
        if (p >= end) throw broken('lz4', 'a block ends within a length', p)
        more = input[p++]!
        literals += more
      } while (more === 255)
    }
    if (literals > end - p) throw broken('lz4', `${literals} literals with ${end - p} bytes left`, p)
    if (literals > limit - q) return -1
    // Four at a time may write up to three bytes too many, which are then written over.
    if (literals <= 64 && literals + 3 <= end - p && literals + 3 <= limit - q) {
      for (let i = 0; i < literals; i += 4) outputView.setInt32(q + i, inputView.getInt32(p + i, true), true)
    } else {
      output.set(input.subarray(p, p + literals), q)
    }
    p += literals
    q += literals
    // The last sequence has literals alone.
    if (p === end) return q

    if (end - p < 2) throw broken('lz4', 'a block ends within an offset', p)
    const offset = input[p]! | (input[p + 1]! << 8)
    p += 2
    if (offset === 0 || offset > q - windowStart) {
      throw broken('lz4', `a copy from ${offset} before, at ${q - windowStart}`, p - 2)
    }
    let length = (token & 15) + 4
    if (length === 19) {
      let more: number
      do {
        if (p >= end) throw broken('lz4', 'a block ends within a length', p)
        more = input[p++]!
        length += more
      } while (more === 255)
    }
    if (length > limit - q) return -1
    if (offset >= length && length > 256) output.copyWithin(q, q - offset, q - offset + length)
    else if (offset >= 4 && length + 3 <= limit - q) {
      for (let i = 0; i < length; i += 4) {
        outputView.setInt32(q + i, outputView.getInt32(q + i - offset, true), true)
      }
    } else if (offset === 1) output.fill(output[q - 1]!, q, q + length)
    else for (let i = 0; i < length; i++) output[q + i] = output[q + i - offset]!
    q += length
  }
}
