import { broken } from '../codec.ts'

/** A decoding table of finite state entropy (RFC 8878, 4.1): three columns, a row a state. */
export interface FseTable {
  /** The table has `1 << log` states. */
  log: number
  symbols: Uint8Array
  /** Bits to be read for the next state, and what they are added to. */
  bits: Uint8Array
  bases: Uint16Array
}

/** A table that always gives `symbol` and reads nothing. */
export function constantTable(symbol: number): FseTable {
  return { log: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) }
}

/** The table of a distribution: how often each symbol comes among `1 << log`, -1 for less than once. */
export function buildTable(counts: readonly number[], log: number): FseTable {
  const size = 1 << log
  const symbols = new Uint8Array(size)
  const bits = new Uint8Array(size)
  const bases = new Uint16Array(size)
  const next = new Uint16Array(counts.length)
  let high = size
  for (let symbol = 0; symbol < counts.length; symbol++) {
    const count = counts[symbol]!
    if (count === -1) symbols[--high] = symbol
    next[symbol] = Math.abs(count)
  }
  const step = (size >> 1) + (size >> 3) + 3
  let position = 0
  for (let symbol = 0; symbol < counts.length; symbol++) {
    for (let i = counts[symbol]!; i > 0; i--) {
      symbols[position] = symbol
      do position = (position + step) & (size - 1)
      while (position >= high)
    }
  }
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state]!
    const nth = next[symbol]!
    next[symbol] = nth + 1
    const width = log - (31 - Math.clz32(nth))
    bits[state] = width
    bases[state] = (nth << width) - size
  }
  return { log, symbols, bits, bases }
}

/**
 * Reads the description of a table (RFC 8878, 4.1.1), which stands in `bytes` from `start` and not beyond `end`.
 * `next` is the byte behind it.
 */
export function readTable(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxLog: number,
  maxSymbol: number,
): { table: FseTable; next: number } {
  let bit = start * 8
  const endBit = end * 8
  const read = (count: number): number => {
    let value = 0
    for (let i = 0; i < count; i++, bit++) {
      // Bits beyond the end are zeros here; whether they were needed is seen at the end.
      if (bit < endBit) value |= ((bytes[bit >>> 3]! >>> (bit & 7)) & 1) << i
    }
    return value
  }

  const log = read(4) + 5
  if (log > maxLog)
    throw broken('zstd', `a table has ${log} bits of accuracy, at most ${maxLog} are allowed`, start)
  let left = 1 << log
  const counts: number[] = []
  while (left > 0) {
    if (counts.length > maxSymbol)
      throw broken('zstd', `a table has more than ${maxSymbol + 1} symbols`, start)
    const width = 32 - Math.clz32(left + 1)
    const short = (1 << width) - 1 - (left + 1)
    const lowMask = (1 << (width - 1)) - 1
    let value = read(width)
    if ((value & lowMask) < short) {
      bit--
      value &= lowMask
    } else if (value > lowMask) value -= short
    const count = value - 1
    left -= Math.abs(count)
    counts.push(count)
    if (count !== 0) continue
    for (let zeros = 3; zeros === 3; ) {
      zeros = read(2)
      for (let i = 0; i < zeros; i++) counts.push(0)
      if (bit > endBit) break
    }
  }
  if (left < 0 || counts.length > maxSymbol + 1)
    throw broken('zstd', 'a table has counts that do not fit', start)
  if (bit > endBit) throw broken('zstd', 'it ends within a table', start)
  return { table: buildTable(counts, log), next: (bit + 7) >>> 3 }
}
