import { ByteReader } from '../../protocol/byte-reader.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { formatExplanation } from '../../protocol/explain/format-explanation.ts'
import { responseBodyVersion } from '../../protocol/explain/response-version.ts'
import { explain, explainMessage } from '../../protocol/explain.ts'
import { splitFrames } from '../../protocol/frames.ts'
import {
  requestHeader,
  requestHeaderVersion,
  responseHeader,
  responseHeaderVersion,
} from '../../protocol/headers.ts'
import type { Json } from '../../protocol/json-form.ts'
import type { Api } from '../../protocol/message.ts'
import { formatVersions, includesVersion } from '../../protocol/version-range.ts'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import type { Io } from '../output.ts'
import { errorJson, isFault, type PrintOptions, warningsJson } from './findings.ts'
import { apiOfKey, type Direction } from './subject.ts'

export interface FrameSpec {
  /** Null where the header of the request tells it. */
  readonly api: Api | null
  readonly version: number | null
  readonly direction: Direction
  readonly start: 'size' | 'header' | 'body'
  /** A stream of frames, and not just one. */
  readonly several: boolean
}

interface KnownFrame extends FrameSpec {
  readonly api: Api
  readonly version: number
}

/** Prints one frame, or all frames of a stream. */
export async function decodeFrames(
  bytes: Uint8Array,
  spec: FrameSpec,
  options: PrintOptions,
  io: Io,
): Promise<ExitCode> {
  if (!spec.several) {
    const problem = spec.start === 'size' ? sizeProblem(bytes) : null
    const isFine = await decodeFrame(bytes, spec, 0, options, io)
    if (problem !== null) await io.stderr.print(`error: ${problem}\n`)
    return isFine && problem === null ? exitCodes.ok : exitCodes.failed
  }
  const { frames, rest, error } = splitFrames(bytes)
  let failed = false
  for (const { offset, bytes: content } of frames) {
    const frame = bytes.subarray(offset, offset + 4 + content.length)
    if (!(await decodeFrame(frame, spec, offset, options, io))) failed = true
  }
  if (rest.length > 0) {
    const at = bytes.length - rest.length
    const why = error === null ? `the end comes ${rest.length} bytes into a frame` : error.reason
    await io.stderr.print(`error: at byte ${at}: ${why}\n`)
    failed = true
  }
  return failed ? exitCodes.failed : exitCodes.ok
}

function sizeProblem(bytes: Uint8Array): string | null {
  if (bytes.length < 4) return `a frame begins with 4 bytes of size, and there are ${bytes.length}`
  const size = new ByteReader(bytes).int32()
  const there = bytes.length - 4
  if (size === there) return null
  const hint = 'with --frames several are read, with --no-size and --body what has no size'
  return `the size says ${size}, but ${there} bytes follow; ${hint}`
}

/** Whether it decodes. @param at bytes from the start of the stream, for the title. */
async function decodeFrame(
  bytes: Uint8Array,
  spec: FrameSpec,
  at: number,
  options: PrintOptions,
  io: Io,
): Promise<boolean> {
  const known = identify(bytes, spec)
  if (typeof known === 'string') {
    await printUnknown(bytes, spec, known, options, io)
    return false
  }
  const { api, version, direction, start } = known
  const explainOptions = { api, version, direction, start, strict: options.strict }
  if (!options.json) {
    const explanation = explain(bytes, explainOptions)
    const place = spec.several ? `byte ${at}: ` : ''
    const title = `${place}${api[direction].name} v${version}, ${bytes.length} bytes`
    await io.stdout.print(`${title}\n${formatExplanation(explanation)}`)
    if (spec.several) await io.stdout.print('\n')
    return !isFault(explanation)
  }
  const { json, isFine } = frameJson(bytes, known)
  const explanation = options.strict ? explain(bytes, explainOptions) : null
  const place = spec.several ? { offset: at } : {}
  await io.stdout.print(`${JSON.stringify({ ...place, ...json, ...warningsJson(explanation) })}\n`)
  return isFine && (explanation === null || !isFault(explanation))
}

/** What the header says where nobody else does; else why that cannot be known. */
function identify(bytes: Uint8Array, spec: FrameSpec): KnownFrame | string {
  if (spec.api !== null && spec.version !== null) return { ...spec, api: spec.api, version: spec.version }
  const reader = new ByteReader(bytes, Math.min(bytes.length, spec.start === 'size' ? 4 : 0))
  if (reader.remaining < 4) return `no request: ${reader.remaining} bytes, and API key and version take 4`
  const key = reader.int16()
  const ownVersion = reader.int16()
  const api = spec.api ?? apiOfKey(key)
  if (api === null) return `API key ${key} is not known`
  if (includesVersion(api.versions, ownVersion)) return { ...spec, api, version: ownVersion }
  return `${api.name} version ${ownVersion} is not known, these are: ${formatVersions(api.versions)}`
}

/** Of a request that nobody knows at least the header can be shown: its place is the same in all. */
async function printUnknown(
  bytes: Uint8Array,
  spec: FrameSpec,
  reason: string,
  options: PrintOptions,
  io: Io,
): Promise<void> {
  if (options.json)
    await io.stdout.print(`${JSON.stringify({ direction: 'request', error: { message: reason } })}\n`)
  else {
    const skipped = Math.min(bytes.length, spec.start === 'size' ? 4 : 0)
    const header = explainMessage(bytes.subarray(skipped), requestHeader, 1)
    await io.stdout.print(`RequestHeader v1, ${bytes.length} bytes\n${formatExplanation(header)}`)
  }
  await io.stderr.print(`error: ${reason}\n`)
}

function frameJson(
  bytes: Uint8Array,
  { api, version, direction, start }: KnownFrame,
): { json: { readonly [name: string]: Json }; isFine: boolean } {
  const json: { [name: string]: Json } = { direction, api: api.name, apiKey: api.key, version }
  const reader = new ByteReader(bytes, start === 'size' ? Math.min(4, bytes.length) : 0)
  try {
    if (start !== 'body') {
      const header = direction === 'request' ? requestHeader : responseHeader
      const headerVersion = (direction === 'request' ? requestHeaderVersion : responseHeaderVersion)(
        api,
        version,
      )
      json.header = header.toJson(headerVersion, header.read(reader, headerVersion))
    }
    const bodyVersion =
      direction === 'response' ? responseBodyVersion(api, version, bytes, reader.offset) : version
    // A refusal of ApiVersions, which comes in version 0.
    if (bodyVersion !== version) json.version = bodyVersion
    const message = api[direction]
    json.body = message.toJson(bodyVersion, message.read(reader, bodyVersion))
    if (reader.remaining > 0) json.trailingBytes = reader.remaining
    return { json, isFine: true }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { json: { ...json, error: errorJson(error) }, isFine: false }
  }
}
