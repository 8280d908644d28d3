import { ByteReader } from './byte-reader.ts'
import { ProtocolError } from './errors.ts'
import { EntryList, type ExplainError, type ExplainedField } from './explain/entry-list.ts'
import { explainRecordBatches } from './explain/explain-records.ts'
import { explainStruct } from './explain/explain-struct.ts'
import { responseBodyVersion } from './explain/response-version.ts'
import { requestHeader, requestHeaderVersion, responseHeader, responseHeaderVersion } from './headers.ts'
import type { Api, Message } from './message.ts'
import { api as apiOf } from './registry.ts'
import type { FieldMap } from './schema.ts'
import { formatVersions, includesVersion } from './version-range.ts'

export type { ExplainError, ExplainedField, ExplainedValue } from './explain/entry-list.ts'

export interface ExplainOptions {
  /** The API, its key or Kafka's name for it. */
  readonly api: Api<FieldMap, FieldMap> | string | number
  readonly version: number
  readonly direction: 'request' | 'response'
  /**
   * Where `bytes` begin: with the `size` of a frame, its `header`, or the `body` after that.
   *
   * @default 'header'
   */
  readonly start?: 'size' | 'header' | 'body'
  /** Version of the header, where it is not the one that goes with API and version. */
  readonly headerVersion?: number
  /**
   * Reports what readers let pass and no good writer writes: trailing bytes, varints longer than needed, unknown tags,
   * bits without a meaning.
   *
   * @default false
   */
  readonly strict?: boolean
  /**
   * Bytes that all compressed batches together may expand to; a batch beyond that is left compressed, with an error.
   * An explanation takes about a hundred times the memory of the bytes.
   *
   * @default 4 MiB
   */
  readonly maxDecompressedBytes?: number
}

export type ExplainMessageOptions = Pick<ExplainOptions, 'strict' | 'maxDecompressedBytes'>

/** What each byte of a message means. */
export interface Explanation {
  /** Of the explained bytes, which the entries refer to. */
  readonly bytes: Uint8Array
  /**
   * In the order of the bytes, without gaps and overlaps: the lengths of those without `inside` add up to the bytes.
   * Bytes that nobody could make sense of are entries of type `rest`.
   */
  readonly fields: readonly ExplainedField[]
  /** What compressed bytes expand to, by the path that entries have as `inside`. */
  readonly decompressed: ReadonlyMap<string, Uint8Array>
  /** What ended the explanation before its time; null when the message is whole. */
  readonly error: ExplainError | null
  /** What is wrong inside of `records` fields: this ends the explanation of one batch, not of the message. */
  readonly recordErrors: readonly ExplainError[]
  /** Only with `strict`. */
  readonly warnings: readonly ExplainError[]
}

/**
 * Explains a request or a response, header included: offset, length, path, type and value of each field, of the record
 * batches in it too. It follows the declarations that the decoder is made of. Bytes that are not what they should be
 * are no exception but the `error` of the result. Throws ProtocolError UNSUPPORTED for an API or version that is not known.
 */
export function explain(bytes: Uint8Array, options: ExplainOptions): Explanation {
  const { version, direction, start = 'header' } = options
  const api = typeof options.api === 'object' ? options.api : apiOf(options.api)
  const body = direction === 'request' ? api.request : api.response
  checkVersion(body, version)
  return run(bytes, options, (entries) => {
    const { reader } = entries
    if (start === 'size') explainSize(entries)
    if (start !== 'body') {
      const header = direction === 'request' ? requestHeader : responseHeader
      const own = (direction === 'request' ? requestHeaderVersion : responseHeaderVersion)(api, version)
      const headerVersion = options.headerVersion ?? own
      checkVersion(header, headerVersion)
      const at = reader.offset
      explainStruct(entries, 'header', header.fields, headerVersion, header.isFlexible(headerVersion))
      if (direction === 'request') compareHeader(entries, at, api, version)
    }
    const bodyVersion =
      direction === 'response' ? responseBodyVersion(api, version, bytes, reader.offset) : version
    explainStruct(entries, '', body.fields, bodyVersion, body.isFlexible(bodyVersion))
  })
}

/** The same for a message without a header, embedded data for instance: `explainMessage(bytes, message, 3)`. */
export function explainMessage(
  bytes: Uint8Array,
  message: Message<FieldMap>,
  version: number,
  options: ExplainMessageOptions = {},
): Explanation {
  checkVersion(message, version)
  return run(bytes, options, (entries) =>
    explainStruct(entries, '', message.fields, version, message.isFlexible(version)),
  )
}

/** The same for what stands in a `records` field: batches, as they also lie in the files of a log. */
export function explainRecords(bytes: Uint8Array, options: ExplainMessageOptions = {}): Explanation {
  return run(bytes, options, (entries) => explainRecordBatches(entries, '', bytes.length))
}

function run(
  bytes: Uint8Array,
  options: ExplainMessageOptions,
  explainAll: (entries: EntryList) => void,
): Explanation {
  const { strict = false, maxDecompressedBytes = 4 * 1024 * 1024 } = options
  const entries = new EntryList(new ByteReader(bytes), strict, maxDecompressedBytes)
  const error = entries.attempt(() => explainAll(entries))
  const end = entries.end
  if (end < bytes.length) {
    entries.add(end, bytes.length - end, '', 'rest', bytes.subarray(end))
    if (error === null) entries.warn(end, '', `${bytes.length - end} bytes after the end of the message`)
  }
  const { fields, decompressed, recordErrors, warnings } = entries
  return { bytes, fields, decompressed, error, recordErrors, warnings }
}

function explainSize(entries: EntryList): void {
  const { reader } = entries
  const size = entries.read('#size', 'int32', () => reader.int32())
  if (size === reader.remaining) return
  // Cut or glued together: what follows is explained as far as it goes.
  entries.warn(0, '#size', `size ${size}, but ${reader.remaining} bytes follow`)
}

/** What the caller says wins over what the header says: a header may be the very thing under test. */
function compareHeader(entries: EntryList, at: number, api: Api<FieldMap, FieldMap>, version: number): void {
  const own = new ByteReader(entries.reader.bytes, at)
  const key = own.int16()
  const ownVersion = own.int16()
  if (key !== api.key) {
    entries.warn(at, 'header.requestApiKey', `API key ${key}, explained as ${api.name} (${api.key})`)
  }
  if (ownVersion !== version) {
    entries.warn(at + 2, 'header.requestApiVersion', `version ${ownVersion}, explained as version ${version}`)
  }
}

function checkVersion(message: Message<FieldMap>, version: number): void {
  if (Number.isInteger(version) && includesVersion(message.versions, version)) return
  const allowed = formatVersions(message.versions)
  throw new ProtocolError('UNSUPPORTED', `${message.name} version ${version}: versions ${allowed} exist`)
}
