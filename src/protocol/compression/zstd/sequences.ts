import type { ProtocolError } from '../../errors.ts'
import { broken } from '../codec.ts'
import { buildTable, constantTable, type FseTable, readTable } from './fse-table.ts'
import { bitsOf } from './huffman.ts'

/** Tables of the three parts of a sequence, kept for a later block that uses them again. */
export interface SequenceTables {
  literalLengths: FseTable | null
  offsets: FseTable | null
  matchLengths: FseTable | null
}

/** What the sequences of one block are, and where their stream of bits stands. */
export interface SequencesSection {
  count: number
  start: number
  end: number
}

interface Code {
  maxLog: number
  maxSymbol: number
  defaultLog: number
  /** RFC 8878, 3.1.1.3.2.2. */
  defaultCounts: readonly number[]
  default: FseTable | null
}

const times = (count: number, value: number): number[] => new Array<number>(count).fill(value)

function codes(): Record<keyof SequenceTables, Code> {
  return {
    literalLengths: {
      maxLog: 9,
      maxSymbol: 35,
      defaultLog: 6,
      defaultCounts: [4, 3, ...times(11, 2), 1, 1, 1, ...times(9, 2), 3, 2, ...times(5, 1), ...times(4, -1)],
      default: null,
    },
    offsets: {
      maxLog: 8,
      maxSymbol: 31,
      defaultLog: 5,
      defaultCounts: [...times(6, 1), 2, 2, 2, ...times(15, 1), ...times(5, -1)],
      default: null,
    },
    matchLengths: {
      maxLog: 9,
      maxSymbol: 52,
      defaultLog: 6,
      defaultCounts: [1, 4, 3, ...times(6, 2), ...times(37, 1), ...times(7, -1)],
      default: null,
    },
  }
}

let known: ReturnType<typeof codes> | null = null

/** Bits that follow a code of a length, and the lengths that they are added to (RFC 8878, 3.1.1.3.2.1.1). */
export interface LengthCodes {
  bits: Uint8Array
  bases: Int32Array
}

/** Codes below `plain` stand for themselves plus `first`, without bits. */
function lengthCodes(plain: number, first: number, extraBits: readonly number[]): LengthCodes {
  const bits = Uint8Array.from([...times(plain, 0), ...extraBits])
  const bases = new Int32Array(bits.length)
  let base = first
  for (let code = 0; code < bits.length; code++) {
    bases[code] = base
    base += 1 << bits[code]!
  }
  return { bits, bases }
}

let lengths: { literal: LengthCodes; match: LengthCodes } | null = null

export function sequenceLengths(): { literal: LengthCodes; match: LengthCodes } {
  lengths ??= {
    literal: lengthCodes(16, 0, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
    match: lengthCodes(32, 3, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
  }
  return lengths
}

/** Reads the head of a sequences section (RFC 8878, 3.1.1.3.2.1), which ends at `end`; its tables go into `tables`. */
export function readSequencesSection(
  bytes: Uint8Array,
  start: number,
  end: number,
  tables: SequenceTables,
): SequencesSection {
  if (start >= end) throw broken('zstd', 'a block has no sequences section', start)
  const first = bytes[start]!
  let p = start + (first < 128 ? 1 : first < 255 ? 2 : 3)
  if (p > end) throw broken('zstd', 'it ends within the count of sequences', start)
  const count =
    first < 128
      ? first
      : first < 255
        ? ((first - 128) << 8) + bytes[start + 1]!
        : bytes[start + 1]! + (bytes[start + 2]! << 8) + 0x7f00
  if (count === 0) {
    if (p !== end) throw broken('zstd', 'bytes follow a block without sequences', p)
    return { count, start: p, end }
  }
  if (p >= end) throw broken('zstd', 'it ends before the modes of sequences', p)
  const modes = bytes[p++]!
  if ((modes & 3) !== 0) throw broken('zstd', 'reserved bits of the modes of sequences are set', p - 1)
  known ??= codes()
  let shift = 6
  for (const name of ['literalLengths', 'offsets', 'matchLengths'] as const) {
    const code = known[name]
    const mode = (modes >>> shift) & 3
    shift -= 2
    if (mode === 0) {
      code.default ??= buildTable(code.defaultCounts, code.defaultLog)
      tables[name] = code.default
    } else if (mode === 1) {
      if (p >= end) throw broken('zstd', 'it ends within the tables of sequences', p)
      const symbol = bytes[p++]!
      if (symbol > code.maxSymbol)
        throw broken('zstd', `a code is ${symbol}, at most ${code.maxSymbol} is allowed`, p - 1)
      tables[name] = constantTable(symbol)
    } else if (mode === 2) {
      const read = readTable(bytes, p, end, code.maxLog, code.maxSymbol)
      tables[name] = read.table
      p = read.next
    } else if (tables[name] === null) {
      throw broken('zstd', 'a block uses a table of the one before, and there is none', p)
    }
  }
  return { count, start: p, end }
}

/** Where the output stands, and the three last offsets, which later sequences name by number. */
export interface OutputState {
  bytes: Uint8Array
  view: DataView
  /** Of the frame: copies come from no further back. */
  frameStart: number
  at: number
  repeats: [number, number, number]
  /** Why a block that goes beyond the limit may not, at that place of `bytes`. */
  overflow(at: number): ProtocolError
}

/**
 * Runs the sequences of one block: some literals, then a copy, `section.count` times, and the literals that are left.
 * `limit`: where the output of this block must not go beyond. Returns nothing; `state.at` is moved.
 */
export function runSequences(
  bytes: Uint8Array,
  view: DataView,
  section: SequencesSection,
  tables: SequenceTables,
  literals: { bytes: Uint8Array; start: number; end: number },
  state: OutputState,
  limit: number,
): void {
  const output = state.bytes
  const outputView = state.view
  const { frameStart } = state
  const source = literals.bytes
  let literalAt = literals.start
  let q = state.at

  if (section.count > 0) {
    const { literal, match } = sequenceLengths()
    const { bits: literalBits, bases: literalBases } = literal
    const { bits: matchBits, bases: matchBases } = match
    const literalTable = tables.literalLengths!
    const offsetTable = tables.offsets!
    const matchTable = tables.matchLengths!
    const { symbols: literalSymbols } = literalTable
    const { symbols: offsetSymbols } = offsetTable
    const { symbols: matchSymbols } = matchTable
    const stream = bitsOf(bytes, section.start, section.end)
    const { startBit } = stream
    let bit = stream.bit
    let [repeat1, repeat2, repeat3] = state.repeats

    // Bits are read in place, up to 25 at a time: a function that moves `bit` would keep it out of the registers.
    bit -= literalTable.log
    let literalState = (view.getUint32(bit >> 3, true) >>> (bit & 7)) & ((1 << literalTable.log) - 1)
    bit -= offsetTable.log
    let offsetState = (view.getUint32(bit >> 3, true) >>> (bit & 7)) & ((1 << offsetTable.log) - 1)
    bit -= matchTable.log
    let matchState = (view.getUint32(bit >> 3, true) >>> (bit & 7)) & ((1 << matchTable.log) - 1)

    for (let left = section.count; ; ) {
      // Reads beyond the start find other bytes of the frame, or the margin before it: wrong, but no harm is done yet.
      if (bit < startBit) throw broken('zstd', 'a stream of sequences is too short', section.start)
      const offsetCode = offsetSymbols[offsetState]!
      let offsetValue: number
      if (offsetCode <= 24) {
        bit -= offsetCode
        offsetValue =
          (1 << offsetCode) + ((view.getUint32(bit >> 3, true) >>> (bit & 7)) & ((1 << offsetCode) - 1))
      } else {
        const highBits = offsetCode - 24
        bit -= highBits
        const high = (view.getUint32(bit >> 3, true) >>> (bit & 7)) & ((1 << highBits) - 1)
        bit -= 24
        const low = (view.getUint32(bit >> 3, true) >>> (bit & 7)) & 0xff_ffff
        offsetValue = 2 ** offsetCode + high * 0x100_0000 + low
      }
      const matchCode = matchSymbols[matchState]!
      const matchExtra = matchBits[matchCode]!
      bit -= matchExtra
      const matchLength =
        matchBases[matchCode]! + ((view.getUint32(bit >> 3, true) >>> (bit & 7)) & ((1 << matchExtra) - 1))
      const literalCode = literalSymbols[literalState]!
      const literalExtra = literalBits[literalCode]!
      bit -= literalExtra
      const literalLength =
        literalBases[literalCode]! +
        ((view.getUint32(bit >> 3, true) >>> (bit & 7)) & ((1 << literalExtra) - 1))
      if (bit < startBit) throw broken('zstd', 'a stream of sequences is too short', section.start)

      let offset: number
      if (offsetValue > 3) {
        offset = offsetValue - 3
        repeat3 = repeat2
        repeat2 = repeat1
        repeat1 = offset
      } else {
        // Without literals the last offset itself makes no sense: the numbers then mean the ones after it.
        const which = literalLength === 0 ? offsetValue + 1 : offsetValue
        if (which === 1) offset = repeat1
        else {
          offset = which === 2 ? repeat2 : which === 3 ? repeat3 : repeat1 - 1
          if (which !== 2) repeat3 = repeat2
          repeat2 = repeat1
          repeat1 = offset
        }
      }

      if (literalLength > literals.end - literalAt)
        throw broken('zstd', 'a sequence takes more literals than there are', bit >> 3)
      if (literalLength + matchLength > limit - q) throw state.overflow(bit >> 3)
      if (literalLength <= 32) {
        for (let i = 0; i < literalLength; i++) output[q + i] = source[literalAt + i]!
      } else {
        output.set(source.subarray(literalAt, literalAt + literalLength), q)
      }
      literalAt += literalLength
      q += literalLength
      if (offset === 0 || offset > q - frameStart) {
        throw broken('zstd', `a copy from ${offset} before, at ${q - frameStart}`, bit >> 3)
      }
      if (offset >= matchLength && matchLength > 256)
        output.copyWithin(q, q - offset, q - offset + matchLength)
      else if (offset >= 4 && matchLength + 3 <= limit - q) {
        for (let i = 0; i < matchLength; i += 4) {
          outputView.setInt32(q + i, outputView.getInt32(q + i - offset, true), true)
        }
      } else for (let i = 0; i < matchLength; i++) output[q + i] = output[q + i - offset]!
      q += matchLength

      if (--left === 0) break
      const literalNext = literalTable.bits[literalState]!
      bit -= literalNext
      literalState =
        literalTable.bases[literalState]! +
        ((view.getUint32(bit >> 3, true) >>> (bit & 7)) & ((1 << literalNext) - 1))
      const matchNext = matchTable.bits[matchState]!
      bit -= matchNext
      matchState =
        matchTable.bases[matchState]! +
        ((view.getUint32(bit >> 3, true) >>> (bit & 7)) & ((1 << matchNext) - 1))
      const offsetNext = offsetTable.bits[offsetState]!
      bit -= offsetNext
      offsetState =
        offsetTable.bases[offsetState]! +
        ((view.getUint32(bit >> 3, true) >>> (bit & 7)) & ((1 << offsetNext) - 1))
    }
    if (bit !== startBit)
      throw broken('zstd', 'a stream of sequences does not end with its last one', section.start)
    state.repeats = [repeat1, repeat2, repeat3]
  }

  const rest = literals.end - literalAt
  if (rest > limit - q) throw state.overflow(section.start)
  output.set(source.subarray(literalAt, literals.end), q)
  state.at = q + rest
}
