import { ProtocolError } from '../errors.ts'
import type { CompressionCodec, CompressionOptions } from './codec.ts'

/** Not a static import: most clients never compress, and loading zlib costs each of them a cold start. */
function zlib() {
  return process.getBuiltinModule('node:zlib')
}

/** Gzip by `node:zlib`. Throws ProtocolError UNENCODABLE for a level outside -1 to 9. */
export function gzipCodec({ level = -1 }: CompressionOptions = {}): CompressionCodec {
  if (!Number.isInteger(level) || level < -1 || level > 9) {
    throw new ProtocolError('UNENCODABLE', `the level of gzip must be an integer from -1 to 9, not ${level}`)
  }
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
    decompress(bytes, maxBytes) {
      try {
        return zlib().gunzipSync(bytes, { maxOutputLength: maxBytes })
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        throw new ProtocolError(
          'MALFORMED',
          code === 'ERR_BUFFER_TOO_LARGE'
            ? `the gzip data expands to more than ${maxBytes} bytes`
            : `the gzip data is broken: ${message}`,
        )
      }
    },
  }
}
