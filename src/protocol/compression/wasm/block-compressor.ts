import { hashBits } from '../match-table.ts'
import { compressModule } from './compress-module.ts'
import { instantiateWasm, type WasmMemory } from './instantiate.ts'

/** What `compress.wat` exports. All numbers but the last are places in its memory. */
interface Exports {
  readonly memory: WasmMemory
  snappy(start: number, end: number, q: number, bits: number): number
  lz4(start: number, end: number, q: number, bits: number): number
}

/** Behind the table of positions. The memory has the size that blocks of 64 KiB need, and never grows. */
const inputAt = 32_768
const outputAt = inputAt + 65_536 + 64

/**
 * Compresses `input` from `start` to `end`, at most 64 KiB, into `output` from `at` on, where there must be room for the
 * worst case. Returns the position behind it.
 */
export type CompressBlock = (
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  at: number,
) => number

/** Undefined as long as it was not needed, null where there can be none. */
let opened: Record<'snappy' | 'lz4', CompressBlock> | null | undefined

/** In WebAssembly, with the bytes that the JavaScript writes. Made when first needed; null where there can be none. */
export function wasmBlockCompressor(name: 'snappy' | 'lz4'): CompressBlock | null {
  if (opened === undefined) opened = openBlockCompressors()
  return opened?.[name] ?? null
}

function openBlockCompressors(): Record<'snappy' | 'lz4', CompressBlock> | null {
  const exports = instantiateWasm<Exports>(compressModule)
  if (exports === null) return null
  const memory = new Uint8Array(exports.memory.buffer)
  const by =
    (compress: Exports['snappy' | 'lz4']): CompressBlock =>
    (input, start, end, output, at) => {
      const length = end - start
      memory.set(input.subarray(start, end), inputAt)
      const to = compress(inputAt, inputAt + length, outputAt, hashBits(length))
      output.set(memory.subarray(outputAt, to), at)
      return at + to - outputAt
    }
  return { snappy: by(exports.snappy), lz4: by(exports.lz4) }
}
