import { expandModule } from './expand-module.ts'
import { instantiateWasm, type WasmMemory } from './instantiate.ts'

/** What `expand.wat` exports. All numbers are places in its memory. */
interface Exports {
  readonly memory: WasmMemory
  snappy(p: number, end: number, from: number, to: number): number
  lz4(p: number, end: number, q: number, limit: number, window: number): number
}

/** Between input and output, and behind the output: loads and stores of the module may reach so far. */
const gapBytes = 64

/**
 * What needs a larger memory is left to the JavaScript: the memory is kept, and beyond the caches of the processor it gains
 * nothing. A batch of common size fits, in the LZ4 blocks of up to 4 MiB that some clients write too: those have room made
 * for all of a block, of which only what is written to takes memory.
 */
const mostBytes = 6 * 1024 * 1024

const pageBytes = 65_536

/** Undefined as long as it was not needed, null where there can be none. */
let opened: Expander | null | undefined

/** The one that all use by turns: made when first needed. Null where there can be none. */
export function openExpander(): Expander | null {
  if (opened === undefined) {
    const exports = instantiateWasm<Exports>(expandModule)
    opened = exports && new Expander(exports)
  }
  return opened
}

/**
 * What expands blocks in WebAssembly: the input is copied into its memory, and what it expands to out of it. It says that
 * a block is wrong, but not why: then, as where there is none, the JavaScript reads the block.
 */
export class Expander {
  readonly #exports: Exports
  #memory: Uint8Array
  /** Where the output begins. */
  #outputAt = 0

  constructor(exports: Exports) {
    this.#exports = exports
    this.#memory = new Uint8Array(exports.memory.buffer)
  }

  /** Takes `input` from `start` to `end`, and makes room for `outputBytes`. False when there is not so much. */
  load(input: Uint8Array, start: number, end: number, outputBytes: number): boolean {
    const outputAt = end - start + gapBytes
    const needed = outputAt + outputBytes + gapBytes
    if (needed > mostBytes || !this.#grow(needed)) return false
    this.#memory.set(input.subarray(start, end))
    this.#outputAt = outputAt
    return true
  }

  /** Expands a block of Snappy from `p` to `end` of the input to exactly `size` bytes of output. False if it is wrong. */
  snappy(p: number, end: number, size: number): boolean {
    return this.#exports.snappy(p, end, this.#outputAt, this.#outputAt + size) === 1
  }

  /**
   * Expands a block of LZ4 from `p` to `end` of the input, to `at` and on of the output, at most up to `limit`, with
   * copies from `window` on. Returns where it ends, or -1 when it is wrong or needs more.
   */
  lz4(p: number, end: number, at: number, limit: number, window: number): number {
    const base = this.#outputAt
    const to = this.#exports.lz4(p, end, base + at, base + limit, base + window)
    return to < 0 ? -1 : to - base
  }

  /** Copies what stands from `p` to `end` of the input to `at` of the output. Returns where it ends. */
  copy(p: number, end: number, at: number): number {
    this.#memory.copyWithin(this.#outputAt + at, p, end)
    return at + end - p
  }

  /** The first `size` bytes of the output: a view, until the next `load`. */
  output(size: number): Uint8Array {
    return this.#memory.subarray(this.#outputAt, this.#outputAt + size)
  }

  #grow(needed: number): boolean {
    const missing = needed - this.#memory.length
    if (missing <= 0) return true
    try {
      this.#exports.memory.grow(Math.ceil(missing / pageBytes))
    } catch {
      return false
    }
    this.#memory = new Uint8Array(this.#exports.memory.buffer)
    return true
  }
}
