import { ProtocolError } from '../errors.ts'
import type { CompressionCodec, CompressionOptions, CompressionType } from './codec.ts'
import { gzipCodec } from './gzip.ts'

/** Each entry makes a codec; a name without an entry is not spoken here. */
const codecs: Partial<Record<CompressionType, (options: CompressionOptions) => CompressionCodec>> = {
  gzip: gzipCodec,
}

const codecsWithDefaults = new Map<CompressionType, CompressionCodec>()

/** The codec of that name with its default options. Throws ProtocolError UNSUPPORTED for one that is not spoken here. */
export function codecFor(name: Exclude<CompressionType, 'none'>): CompressionCodec {
  let codec = codecsWithDefaults.get(name)
  if (codec === undefined) {
    codec = createCodec(name)
    codecsWithDefaults.set(name, codec)
  }
  return codec
}

/** A codec with options of its own. Throws ProtocolError UNSUPPORTED for one that is not spoken here. */
export function createCodec(
  name: Exclude<CompressionType, 'none'>,
  options: CompressionOptions = {},
): CompressionCodec {
  const create = codecs[name]
  if (create === undefined) {
    throw new ProtocolError(
      'UNSUPPORTED',
      `compression ${name} is not supported; supported are none, ${Object.keys(codecs).join(', ')}`,
    )
  }
  return create(options)
}
