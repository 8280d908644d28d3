import { type CompressionOptions, type Compressor, checkLevel } from './codec.ts'
import { compressLz4Block, lz4BlockBound } from './lz4-block.ts'
import { compressLz4BlockHigh } from './lz4-high-block.ts'
import { nativePackage } from './native.ts'
import { type CompressBlock, wasmBlockCompressor } from './wasm/block-compressor.ts'
import { xxhash32 } from './xxhash32.ts'

/** The part of the package `lz4-napi` that is used. It makes frames of independent blocks. */
interface NativeLz4 {
  compressFrame(bytes: Uint8Array): Promise<Uint8Array>
  compressFrameSync(bytes: Uint8Array): Uint8Array
}

/** Java's `Lz4BlockOutputStream`: no other kind of frame is read by all clients. */
const blockBytes = 65_536
/** Magic; version 1, blocks independent, no checksums; blocks of up to 64 KiB; checksum of those two bytes. */
const frameHeader = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82]

const defaultLevel = 9

/** Less than this is not worth the copies into WebAssembly's memory and out of it. */
const wasmThreshold = 64

/**
 * LZ4 frames of independent blocks of 64 KiB. At level 9 by the package `lz4-napi` where it is installed, off the main
 * thread; else in TypeScript. Throws ProtocolError UNENCODABLE for a level outside 1 to 17.
 */
export function lz4Compressor(options: CompressionOptions = {}): Compressor {
  const level = checkLevel('lz4', options.level ?? defaultLevel, 1, 17)
  const native =
    level === defaultLevel
      ? nativePackage<NativeLz4>('lz4-napi', ['compressFrame', 'compressFrameSync'])
      : null
  return {
    name: 'lz4',
    id: 3,
    async compress(bytes) {
      return native === null ? lz4Compress(bytes, level) : native.compressFrame(bytes)
    },
    compressSync(bytes) {
      return native === null ? lz4Compress(bytes, level) : native.compressFrameSync(bytes)
    },
  }
}

/**
 * The same without the package, apart so that both are tested and measured: level 9 in WebAssembly where that may be
 * compiled.
 */
export function lz4Compress(bytes: Uint8Array, level = defaultLevel): Uint8Array {
  const isFast = level === defaultLevel && bytes.length >= wasmThreshold
  return compressBlocks(bytes, (isFast ? wasmBlockCompressor('lz4') : null) ?? blockCompressor(level))
}

/** The same in JavaScript alone, which writes the same bytes. */
export function lz4CompressWithoutWasm(bytes: Uint8Array, level = defaultLevel): Uint8Array {
  return compressBlocks(bytes, blockCompressor(level))
}

function blockCompressor(level: number): CompressBlock {
  if (level === defaultLevel) return compressLz4Block
  const attempts = 1 << Math.min(level, 12)
  return (input, start, end, output, at) => compressLz4BlockHigh(input, start, end, output, at, attempts)
}

function compressBlocks(bytes: Uint8Array, compress: CompressBlock): Uint8Array {
  const blockCount = Math.ceil(bytes.length / blockBytes)
  // Each block may take as much room as its worst case while it is made, and the last one is made behind all others.
  const most = bytes.length + 4 * blockCount + lz4BlockBound(Math.min(bytes.length, blockBytes))
  const output = Buffer.allocUnsafeSlow(frameHeader.length + 4 + most)
  output.set(frameHeader)
  let p = frameHeader.length
  for (let start = 0; start < bytes.length; start += blockBytes) {
    const end = Math.min(start + blockBytes, bytes.length)
    const blockEnd = compress(bytes, start, end, output, p + 4)
    const length = blockEnd - p - 4
    if (length < end - start) {
      output.writeUInt32LE(length, p)
      p = blockEnd
    } else {
      // No smaller: as it is, which the highest bit tells.
      output.writeUInt32LE((end - start + 0x80000000) >>> 0, p)
      output.set(bytes.subarray(start, end), p + 4)
      p += 4 + end - start
    }
  }
  output.writeUInt32LE(0, p)
  p += 4
  // What was allocated for the worst case is not to be held for long.
  return p * 2 < output.length ? Uint8Array.prototype.slice.call(output, 0, p) : output.subarray(0, p)
}

/**
 * Makes the header's checksum the wrong one that clients of magic 0 wrote and want to read: over the magic too (KIP-57).
 */
export function breakLz4HeaderChecksum(frame: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(frame)
  const checksumAt = (copy[4]! & 8) === 0 ? 6 : 14
  copy[checksumAt] = (xxhash32(copy, 0, checksumAt) >>> 8) & 255
  return copy
}
