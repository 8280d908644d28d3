import { ProtocolError } from '../errors.ts'

/** Kafka's names of `compression.type`; the position is the id in a batch's attributes. */
export const compressionTypes = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type CompressionType = (typeof compressionTypes)[number]

/** One way to compress, with its options set. */
export interface Compressor {
  readonly name: Exclude<CompressionType, 'none'>
  /** The three low bits of a batch's attributes. */
  readonly id: number
  /** Off the main thread where the runtime can. `bytes` must not change until it settles. */
  compress(bytes: Uint8Array): Promise<Uint8Array>
  compressSync(bytes: Uint8Array): Uint8Array
}

/**
 * Throws ProtocolError MALFORMED when the bytes are not whole and right, or expand to more than `maxBytes`; nothing
 * larger than that is allocated. Its offset is a place in `bytes`: for gzip 0, as zlib does not tell.
 */
export type Decompress = (bytes: Uint8Array, maxBytes: number) => Uint8Array

/** Levels of KIP-390; without one the codec's own default. */
export interface CompressionOptions {
  /**
   * `compression.gzip.level`: 1 (fastest) to 9, 0 to store, default -1, which is zlib's own choice.
   * `compression.lz4.level`: 1 to 17, default 9; as with Java 9 is the fast compressor, and any other searches longer.
   * `compression.zstd.level`: -131072 (fastest) to 22, default 3. Snappy has none.
   */
  level?: number
}

/**
 * Name of a compression id. Throws ProtocolError UNSUPPORTED for 5 to 7, which no Kafka has given a meaning.
 *
 * @param at where the id was read, for the error.
 */
export function compressionTypeOf(id: number, at: number): CompressionType {
  const name = compressionTypes[id]
  if (name === undefined) {
    throw new ProtocolError(
      'UNSUPPORTED',
      `compression id ${id} is unknown; known are 0 to ${compressionTypes.length - 1}`,
      at,
    )
  }
  return name
}

/** Throws ProtocolError UNENCODABLE for a level that the codec does not have. */
export function checkLevel(name: CompressionType, level: number, least: number, most: number): number {
  if (Number.isInteger(level) && level >= least && level <= most) return level
  throw new ProtocolError(
    'UNENCODABLE',
    `the level of ${name} must be an integer from ${least} to ${most}, not ${level}`,
  )
}

/**
 * For data that expands beyond what its reader allows.
 *
 * @param at bytes from the start of the compressed data to the part that is too much.
 */
export function tooLarge(name: CompressionType, maxBytes: number, at: number): ProtocolError {
  return new ProtocolError('MALFORMED', `the ${name} data expands to more than ${maxBytes} bytes`, at)
}

/**
 * For data that is no such data.
 *
 * @param at bytes from the start of the compressed data.
 */
export function broken(name: CompressionType, reason: string, at: number): ProtocolError {
  return new ProtocolError('MALFORMED', `the ${name} data is broken: ${reason}`, at)
}

/** Decompresses what stands from `start` to `end`. Errors count from the start of `bytes`, as those of their reader do. */
export function decompressPart(
  decompress: Decompress,
  bytes: Uint8Array,
  start: number,
  end: number,
  maxBytes: number,
): Uint8Array {
  try {
    return decompress(bytes.subarray(start, end), maxBytes)
  } catch (error) {
    throw error instanceof ProtocolError ? error.shiftedBy(start) : error
  }
}
