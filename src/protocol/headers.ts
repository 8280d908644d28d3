import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { Api } from './message.ts'
import { message } from './message.ts'
import type { FieldMap, StructInput, StructOf } from './schema.ts'
import { int16, int32, string } from './schema.ts'
import { includesVersion } from './version-range.ts'

export const requestHeader = message('RequestHeader', {
  versions: '0-2',
  flexible: '2+',
  fields: {
    requestApiKey: int16(),
    requestApiVersion: int16(),
    correlationId: int32(),
    /** Never compact, so that a broker can read it before it knows the version of the request. */
    clientId: string('1+', { nullable: '1+', ignorable: true, flexible: 'none' }),
  },
})

export const responseHeader = message('ResponseHeader', {
  versions: '0-1',
  flexible: '1+',
  fields: { correlationId: int32() },
})

const apiVersionsKey = 18
const controlledShutdownKey = 7

/** Version of the header before a request of this API and version. */
export function requestHeaderVersion(api: Api<FieldMap, FieldMap>, version: number): number {
  // ControlledShutdown v0 was made before headers had a client id.
  if (api.key === controlledShutdownKey && version === 0) return 0
  return includesVersion(api.flexibleVersions, version) ? 2 : 1
}

/** Version of the header before a response of this API and version. */
export function responseHeaderVersion(api: Api<FieldMap, FieldMap>, version: number): number {
  // The answer to ApiVersions always has the oldest header: a client that asked with a version which the broker does
  // not know must be able to read the refusal (KIP-511).
  if (api.key === apiVersionsKey) return 0
  return includesVersion(api.flexibleVersions, version) ? 1 : 0
}

/** A whole request frame in pieces, its size of four bytes first. Record batches in it are not copied. */
export function encodeRequestFrame<Q extends FieldMap>(
  api: Api<Q, FieldMap>,
  version: number,
  correlationId: number,
  clientId: string | null,
  body: StructInput<Q>,
): Uint8Array[] {
  const writer = new ByteWriter()
  writer.int32(0)
  requestHeader.write(writer, requestHeaderVersion(api, version), {
    requestApiKey: api.key,
    requestApiVersion: version,
    correlationId,
    clientId,
  })
  api.request.write(writer, version, body)
  const chunks = writer.chunks()
  const first = chunks[0]!
  new DataView(first.buffer, first.byteOffset).setInt32(0, writer.length - 4)
  return chunks
}

/** The body of a response frame (without its size) whose correlation id the caller has matched already. */
export function decodeResponseFrame<S extends FieldMap>(
  api: Api<FieldMap, S>,
  version: number,
  frame: Uint8Array,
): StructOf<S> {
  const reader = new ByteReader(frame)
  responseHeader.read(reader, responseHeaderVersion(api, version))
  return api.response.read(reader, version)
}

/** A whole response frame in pieces, its size of four bytes first. Record batches in it are not copied. */
export function encodeResponseFrame<S extends FieldMap>(
  api: Api<FieldMap, S>,
  version: number,
  correlationId: number,
  body: StructInput<S>,
): Uint8Array[] {
  const writer = new ByteWriter()
  writer.int32(0)
  responseHeader.write(writer, responseHeaderVersion(api, version), { correlationId })
  api.response.write(writer, version, body)
  const chunks = writer.chunks()
  const first = chunks[0]!
  new DataView(first.buffer, first.byteOffset).setInt32(0, writer.length - 4)
  return chunks
}
