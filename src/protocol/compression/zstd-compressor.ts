import { ProtocolError } from '../errors.ts'
import { type CompressionOptions, type Compressor, checkLevel } from './codec.ts'
import { type ZstdOfNode, zstdOfNode } from './zlib.ts'

/**
 * Zstandard by `node:zlib`. Throws ProtocolError UNENCODABLE for a level outside -131072 to 22, UNSUPPORTED on a Node
 * without zstd: those before 22.15, and 23 before 23.8.
 */
export function zstdCompressor(options: CompressionOptions = {}): Compressor {
  const level = checkLevel('zstd', options.level ?? 3, -131_072, 22)
  const zstd = zstdOfNode() ?? missing()
  const settings = { params: { [zstd.constants.ZSTD_c_compressionLevel]: level } }
  return {
    name: 'zstd',
    id: 4,
    compress(bytes) {
      return new Promise((resolve, reject) => {
        zstd.zstdCompress(bytes, settings, (error, compressed) =>
          error ? reject(error) : resolve(compressed),
        )
      })
    },
    compressSync(bytes) {
      return zstd.zstdCompressSync(bytes, settings)
    },
  }
}

function missing(): ZstdOfNode {
  throw new ProtocolError(
    'UNSUPPORTED',
    `compressing with zstd needs Node 22.15, 23.8 or newer, and this is ${process.version}; ` +
      'take a newer Node, or another compression (lz4 and snappy need nothing). Reading zstd works here',
  )
}
