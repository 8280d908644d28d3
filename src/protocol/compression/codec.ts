import { ProtocolError } from '../errors.ts'

/** Kafka's names of `compression.type`; the position is the id in a batch's attributes. */
export const compressionTypes = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type CompressionType = (typeof compressionTypes)[number]

export interface CompressionCodec {
  readonly name: Exclude<CompressionType, 'none'>
  /** The three low bits of a batch's attributes. */
  readonly id: number
  /** Off the main thread where the runtime can. `bytes` must not change until it settles. */
  compress(bytes: Uint8Array): Promise<Uint8Array>
  compressSync(bytes: Uint8Array): Uint8Array
  /** Throws ProtocolError MALFORMED when the bytes are not whole and right, or expand to more than `maxBytes`. */
  decompress(bytes: Uint8Array, maxBytes: number): Uint8Array
}

/** Levels of KIP-390; -1 is the codec's own default. */
export interface CompressionOptions {
  /** `compression.gzip.level`: 1 (fastest) to 9, 0 to store, default -1. */
  level?: number
}

/** Name of a compression id. Throws ProtocolError UNSUPPORTED for 5 to 7, which no Kafka has given a meaning. */
export function compressionTypeOf(id: number): CompressionType {
  const name = compressionTypes[id]
  if (name === undefined) {
    throw new ProtocolError(
      'UNSUPPORTED',
      `compression id ${id} is unknown; known are 0 to ${compressionTypes.length - 1}`,
    )
  }
  return name
}
