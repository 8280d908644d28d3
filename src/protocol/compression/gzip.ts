import { broken, type CompressionOptions, type Compressor, checkLevel, tooLarge } from './codec.ts'
import { zlib } from './zlib.ts'

/** Gzip by `node:zlib`. Throws ProtocolError UNENCODABLE for a level outside -1 to 9. */
export function gzipCompressor(options: CompressionOptions = {}): Compressor {
  const level = checkLevel('gzip', options.level ?? -1, -1, 9)
  return {
    name: 'gzip',
    id: 1,
    compress(bytes) {
      return new Promise((resolve, reject) => {
        zlib().gzip(bytes, { level }, (error, compressed) => (error ? reject(error) : resolve(compressed)))
      })
    },
    compressSync(bytes) {
      return zlib().gzipSync(bytes, { level })
    },
  }
}

/** Gzip by `node:zlib`; several members, one after the other, are one. */
export function gunzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  try {
    // zlib takes no limit of 0.
    const expanded = zlib().gunzipSync(bytes, { maxOutputLength: Math.max(maxBytes, 1) })
    if (expanded.length <= maxBytes) return expanded
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ERR_BUFFER_TOO_LARGE') throw broken('gzip', message, 0)
  }
  throw tooLarge('gzip', maxBytes, 0)
}
