import { ProtocolError } from '../errors.ts'
import type { CompressionOptions, CompressionType, Compressor } from './codec.ts'
import { gzipCompressor } from './gzip.ts'
import { lz4Compressor } from './lz4-compressor.ts'
import { snappyCompressor } from './snappy-compressor.ts'
import { zstdCompressor } from './zstd-compressor.ts'

type Name = Exclude<CompressionType, 'none'>

// Apart from the decompressors: who only writes need not carry what only reads, and the other way round.
const compressors: Record<Name, (options: CompressionOptions) => Compressor> = {
  gzip: gzipCompressor,
  snappy: snappyCompressor,
  lz4: lz4Compressor,
  zstd: zstdCompressor,
}

/**
 * How to compress by that name. Throws ProtocolError UNSUPPORTED for a name that no Kafka knows, and for zstd on a Node
 * without it; UNENCODABLE for a level that it does not have.
 */
export function createCompressor(name: Name, options: CompressionOptions = {}): Compressor {
  if (!Object.hasOwn(compressors, name)) {
    throw new ProtocolError(
      'UNSUPPORTED',
      `compression ${name} is not supported; supported are none, ${Object.keys(compressors).join(', ')}`,
    )
  }
  return compressors[name](options)
}
