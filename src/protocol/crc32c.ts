import { leb, signedLeb } from './leb128.ts'

const polynomial = 0x82f63b78
const tableCount = 16
const tableBytes = tableCount * 256 * 4

/** Input shorter than this is not worth the copy into WebAssembly's memory: measured, the two meet near 150 bytes. */
const wasmThreshold = 160

/** Bytes handed to WebAssembly at a time: small enough to be still in the cache when they are read. */
const chunkBytes = 32_768

type Update = (crc: number, bytes: Uint8Array, start: number, end: number) => number

let tables: Int32Array | null = null
let updateLong: Update | null = null

/**
 * CRC-32C (Castagnoli), the checksum of record batches since magic 2: unsigned, of `bytes` from `start` up to `end`.
 *
 * Sixteen bytes a step by sixteen tables; long input goes through a small WebAssembly module where that may be
 * compiled. Tables and module are made on first use.
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (end - start < wasmThreshold) return ~updateByTables(-1, bytes, start, end) >>> 0
  updateLong ??= wasmUpdate() ?? updateByTables
  return ~updateLong(-1, bytes, start, end) >>> 0
}

/** The loop in JavaScript alone: what `crc32c` falls back to, apart so that both are tested and measured. */
export function crc32cWithoutWasm(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return ~updateByTables(-1, bytes, start, end) >>> 0
}

function updateByTables(crc: number, bytes: Uint8Array, start: number, end: number): number {
  tables ??= makeTables()
  const t = tables
  let c = crc
  let p = start
  for (const last = end - 16; p <= last; p += 16) {
    // Four bytes depend on the step before. They come last, so that all other look-ups need not wait for it.
    const first = c ^ (bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24))
    c =
      t[2816 + bytes[p + 4]!]! ^
      t[2560 + bytes[p + 5]!]! ^
      t[2304 + bytes[p + 6]!]! ^
      t[2048 + bytes[p + 7]!]! ^
      t[1792 + bytes[p + 8]!]! ^
      t[1536 + bytes[p + 9]!]! ^
      t[1280 + bytes[p + 10]!]! ^
      t[1024 + bytes[p + 11]!]! ^
      t[768 + bytes[p + 12]!]! ^
      t[512 + bytes[p + 13]!]! ^
      t[256 + bytes[p + 14]!]! ^
      t[bytes[p + 15]!]! ^
      t[3840 + (first & 255)]! ^
      t[3584 + ((first >>> 8) & 255)]! ^
      t[3328 + ((first >>> 16) & 255)]! ^
      t[3072 + (first >>> 24)]!
  }
  for (; p < end; p++) c = t[(c ^ bytes[p]!) & 255]! ^ (c >>> 8)
  return c
}

/** Table `n` at `256 * n`: what a byte does to the checksum when `n` more bytes follow it. */
function makeTables(): Int32Array {
  const t = new Int32Array(256 * tableCount)
  for (let byte = 0; byte < 256; byte++) {
    let c = byte
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ polynomial : c >>> 1
    t[byte] = c
  }
  for (let i = 256; i < t.length; i++) {
    const before = t[i - 256]!
    t[i] = (before >>> 8) ^ t[before & 255]!
  }
  return t
}

/** The part of the WebAssembly API used here; the compiler is not given the library that declares it. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object
  Instance: new (
    module: object,
  ) => {
    exports: { memory: { buffer: ArrayBuffer }; update(crc: number, at: number, length: number): number }
  }
}

/** Null where WebAssembly is missing or may not be compiled (a content security policy, some edge runtimes). */
function wasmUpdate(): Update | null {
  const api = (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly
  if (api === undefined) return null
  try {
    const { memory, update } = new api.Instance(new api.Module(wasmModule())).exports
    const bytesOfMemory = new Uint8Array(memory.buffer)
    tables ??= makeTables()
    bytesOfMemory.set(new Uint8Array(tables.buffer))
    return (crc, bytes, start, end) => {
      let c = crc
      for (let p = start; p < end; p += chunkBytes) {
        const length = Math.min(chunkBytes, end - p)
        bytesOfMemory.set(bytes.subarray(p, p + length), tableBytes)
        c = update(c, tableBytes, length)
      }
      return c
    }
  } catch {
    return null
  }
}

/**
 * Assembles the loop of {@link updateByTables} as a WebAssembly module: exports `memory` (the tables, then a chunk of
 * input) and `update(crc, at, length)`. Written out of its instructions because a blob could not be reviewed.
 */
function wasmModule(): Uint8Array {
  const [crc, at, end, word] = [0, 1, 2, 3]
  const get = (local: number) => [0x20, local]
  const set = (local: number) => [0x21, local]
  const constant = (value: number) => [0x41, ...signedLeb(value)]
  const [and, xor, shiftLeft, shiftRight, add, greaterOrEqual] = [0x71, 0x73, 0x74, 0x76, 0x6a, 0x4f]
  const loadWord = (offset: number) => [0x28, 0, ...leb(offset)]
  const loadByte = (offset: number) => [0x2d, 0, ...leb(offset)]

  // Byte `shift / 8` of the word, times four, is the place in the table: one shift does both.
  const lookUp = (table: number, shift: number) => [
    ...get(word),
    ...(shift === 0 ? [...constant(2), shiftLeft] : [...constant(shift - 2), shiftRight]),
    ...constant(1020),
    and,
    ...loadWord(table * 1024),
  ]
  // The word that depends on the step before comes last here too.
  const step = [1, 2, 3, 0].flatMap((w) => [
    ...get(at),
    ...loadWord(w * 4),
    ...(w === 0 ? [...get(crc), xor] : []),
    ...set(word),
    ...[0, 8, 16, 24].flatMap((shift) => {
      const found = lookUp(15 - w * 4 - shift / 8, shift)
      return w === 1 && shift === 0 ? found : [...found, xor]
    }),
  ])
  const whileBelow = (limit: number[], body: number[], stride: number) => [
    ...[0x02, 0x40, 0x03, 0x40, ...get(at), ...limit, greaterOrEqual, 0x0d, 1],
    ...[...body, ...set(crc), ...get(at), ...constant(stride), add, ...set(at), 0x0c, 0, 0x0b, 0x0b],
  ]
  const body = [
    ...[1, 2, 0x7f],
    ...[...get(at), ...get(end), add, ...set(end)],
    ...[...get(end), ...get(end), ...get(at), 0x6b, ...constant(15), and, 0x6b, ...set(4)],
    ...whileBelow(get(4), step, 16),
    ...whileBelow(
      get(end),
      [
        ...[...get(at), ...loadByte(0), ...get(crc), xor, ...constant(255), and, ...constant(2), shiftLeft],
        ...[...loadWord(0), ...get(crc), ...constant(8), shiftRight, xor],
      ],
      1,
    ),
    ...[...get(crc), 0x0b],
  ]
  const section = (id: number, content: number[]) => [id, ...leb(content.length), ...content]
  const named = (name: string) => [name.length, ...Array.from(name, (char) => char.charCodeAt(0))]
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, Math.ceil((tableBytes + chunkBytes) / 65_536)]),
    ...section(7, [2, ...named('memory'), 2, 0, ...named('update'), 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ])
}
