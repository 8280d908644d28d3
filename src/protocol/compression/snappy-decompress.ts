import { broken, tooLarge } from './codec.ts'
import { type Expander, openExpander } from './wasm/expander.ts'

/** What begins each stream of xerial's snappy-java, and so of Java clients; two int32 of versions follow. */
const xerialMagic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]
const xerialHeaderBytes = 16

/** A copy of 64 bytes takes 3 at best: what claims to expand more than so is lying. */
const mostExpansion = 22

/** What expands to less is not worth the copies into WebAssembly's memory and out of it. */
const wasmThreshold = 128

interface Block {
  start: number
  end: number
  /** Bytes that it says it expands to. */
  size: number
}

/** Snappy, in xerial's framing (Java's) or as one bare block (librdkafka's). */
export function snappyDecompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return decompress(bytes, maxBytes, true)
}

/** The same in JavaScript alone, apart so that both are tested and measured. */
export function snappyDecompressWithoutWasm(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return decompress(bytes, maxBytes, false)
}

function decompress(bytes: Uint8Array, maxBytes: number, mayUseWasm: boolean): Uint8Array {
  const blocks = isXerial(bytes, 0) ? xerialBlocks(bytes) : [{ start: 0, end: bytes.length }]
  let size = 0
  const measured = blocks.map(({ start, end }) => {
    const block = measure(bytes, start, end)
    size += block.size
    if (size > maxBytes) throw tooLarge('snappy', maxBytes, start)
    return block
  })
  const output = Buffer.allocUnsafeSlow(size)
  const expander = mayUseWasm && size >= wasmThreshold ? openExpander() : null
  let at = 0
  for (const block of measured) {
    if (expander === null || !expandByWasm(expander, bytes, block, output, at)) {
      expand(bytes, block, output, at)
    }
    at += block.size
  }
  return output
}

/** Whether it could: if not, for want of memory or as the block is wrong, `expand` does it or says why. */
function expandByWasm(
  expander: Expander,
  bytes: Uint8Array,
  block: Block,
  output: Uint8Array,
  at: number,
): boolean {
  const { start, end, size } = block
  if (!expander.load(bytes, start, end, size)) return false
  if (!expander.snappy(0, end - start, size)) return false
  output.set(expander.output(size), at)
  return true
}

function isXerial(bytes: Uint8Array, at: number): boolean {
  return bytes.length - at >= xerialHeaderBytes && xerialMagic.every((byte, i) => bytes[at + i] === byte)
}

function xerialBlocks(bytes: Uint8Array): { start: number; end: number }[] {
  const blocks: { start: number; end: number }[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let p = xerialHeaderBytes
  while (p < bytes.length) {
    // Streams that were joined are one stream.
    if (isXerial(bytes, p)) {
      p += xerialHeaderBytes
      continue
    }
    if (bytes.length - p < 4) throw broken('snappy', 'it ends within the length of a block', p)
    const length = view.getInt32(p)
    p += 4
    if (length < 0 || length > bytes.length - p) {
      throw broken('snappy', `a block has length ${length} with ${bytes.length - p} bytes left`, p - 4)
    }
    blocks.push({ start: p, end: p + length })
    p += length
  }
  return blocks
}

/** Reads the size that a block says it expands to, and holds it against what so many bytes can expand to. */
function measure(bytes: Uint8Array, start: number, end: number): Block {
  let size = 0
  for (let p = start, scale = 1; p < end && p < start + 5; p++, scale *= 128) {
    const byte = bytes[p]!
    size += (byte & 0x7f) * scale
    if (byte >= 0x80) continue
    if (size > (end - p) * mostExpansion) {
      throw broken('snappy', `a block of ${end - start} bytes cannot expand to ${size}`, start)
    }
    return { start: p + 1, end, size }
  }
  throw broken('snappy', 'a block has no whole size', start)
}

/** Expands one block into the output from `from` on, to exactly as much as it says. */
function expand(input: Uint8Array, { start, end, size }: Block, output: Uint8Array, from: number): void {
  const inputView = new DataView(input.buffer, input.byteOffset, input.byteLength)
  const outputView = new DataView(output.buffer, output.byteOffset, output.byteLength)
  const to = from + size
  let p = start
  let q = from
  while (p < end) {
    const tag = input[p++]!
    if ((tag & 3) === 0) {
      let length = (tag >>> 2) + 1
      if (length > 60) {
        const extra = length - 60
        if (extra > end - p) throw broken('snappy', 'it ends within the length of a literal', p)
        length = 1
        for (let i = 0, scale = 1; i < extra; i++, scale *= 256) length += input[p++]! * scale
      }
      if (length > end - p || length > to - q) {
        throw broken('snappy', `a literal of ${length} bytes, with ${end - p} left and room for ${to - q}`, p)
      }
      // Four at a time may write up to three bytes too many, which are then written over.
      if (length <= 64 && length + 3 <= end - p && length + 3 <= to - q) {
        for (let i = 0; i < length; i += 4) outputView.setInt32(q + i, inputView.getInt32(p + i, true), true)
      } else {
        output.set(input.subarray(p, p + length), q)
      }
      p += length
      q += length
      continue
    }
    let length: number
    let offset: number
    if ((tag & 3) === 1) {
      if (p >= end) throw broken('snappy', 'it ends within a copy', p)
      length = ((tag >>> 2) & 7) + 4
      offset = ((tag & 0xe0) << 3) | input[p++]!
    } else if ((tag & 3) === 2) {
      if (end - p < 2) throw broken('snappy', 'it ends within a copy', p)
      length = (tag >>> 2) + 1
      offset = input[p]! | (input[p + 1]! << 8)
      p += 2
    } else {
      if (end - p < 4) throw broken('snappy', 'it ends within a copy', p)
      length = (tag >>> 2) + 1
      offset = inputView.getUint32(p, true)
      p += 4
    }
    if (offset === 0 || offset > q - from || length > to - q) {
      throw broken(
        'snappy',
        `a copy of ${length} bytes from ${offset} before, at ${q - from} of ${to - from}`,
        p,
      )
    }
    if (offset >= 4 && length + 3 <= to - q) {
      for (let i = 0; i < length; i += 4) {
        outputView.setInt32(q + i, outputView.getInt32(q + i - offset, true), true)
      }
    } else {
      for (let i = 0; i < length; i++) output[q + i] = output[q + i - offset]!
    }
    q += length
  }
  if (q !== to) throw broken('snappy', `a block expands to ${q - from} bytes instead of ${to - from}`, start)
}
