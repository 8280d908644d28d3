import type { CompressionType, Decompress } from './codec.ts'
import { gunzip } from './gzip.ts'
import { lz4Decompress } from './lz4-decompress.ts'
import { snappyDecompress } from './snappy-decompress.ts'
import { zstdDecompress } from './zstd/zstd-decompress.ts'

// Apart from the compressors: who only reads need not carry what only writes, and the other way round.
const decompressors: Record<Exclude<CompressionType, 'none'>, Decompress> = {
  gzip: gunzip,
  snappy: snappyDecompress,
  lz4: lz4Decompress,
  zstd: zstdDecompress,
}

/** What reads that compression. */
export function decompressor(name: Exclude<CompressionType, 'none'>): Decompress {
  return decompressors[name]
}
