import { decodeAnswer, type RawAnswer } from '../../network/raw-connection.ts'
import { brokerErrorInfo } from '../../protocol/broker-errors.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import { formatExplanation } from '../../protocol/explain/format-explanation.ts'
import { explain } from '../../protocol/explain.ts'
import type { Api } from '../../protocol/message.ts'
import type { FieldMap } from '../../protocol/schema.ts'
import { includesVersion } from '../../protocol/version-range.ts'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import { readBytes } from '../input.ts'
import type { Io } from '../output.ts'
import { UsageError } from '../usage-error.ts'
import { frameOf } from './encode.ts'
import { jsonBody } from './json-body.ts'
import { type BrokerOptions, connectTo } from './raw-broker.ts'
import { apiOfKey, apiSubject, versionOf } from './subject.ts'

export interface SendOptions extends BrokerOptions {
  /** Bytes of a frame, size included, instead of JSON: hex, a file, or `-`. */
  readonly hex?: string
  readonly correlationId: number
  /** False: nothing is waited for. */
  readonly response: boolean
  readonly compact?: boolean
  readonly dump?: boolean
  readonly strict?: boolean
}

interface Outgoing {
  readonly frame: Uint8Array
  /** What the answer is read as; null where the bytes do not tell. */
  readonly as: { readonly api: Api; readonly version: number } | null
  readonly expectResponse: boolean
}

/** `kafkawire protocol send`: one request to a broker, and its answer. */
export async function send(
  name: string | undefined,
  versionText: string | undefined,
  json: string | undefined,
  options: SendOptions,
  io: Io,
): Promise<ExitCode> {
  const outgoing =
    options.hex === undefined
      ? await fromJson(name, versionText, json, options, io)
      : await fromHex(name, versionText, json, options.hex, options, io)
  const { frame, as, expectResponse } = outgoing
  const connection = await connectTo(options, io)
  let answer: Uint8Array | null
  try {
    answer = await connection.sendBytes(frame, { expectResponse })
  } finally {
    await connection.close()
  }
  if (answer === null) return exitCodes.ok
  if (as === null) {
    await io.stdout.print(`${Buffer.from(answer).toString('hex')}\n`)
    return exitCodes.ok
  }
  const { api, version } = as
  const sentId = frame.length >= 12 ? new ByteReader(frame, 8).int32() : null
  return await printAnswer(api, decodeAnswer(api, version, answer), sentId, options, io)
}

async function fromJson(
  name: string | undefined,
  versionText: string | undefined,
  json: string | undefined,
  options: SendOptions,
  io: Io,
): Promise<Outgoing> {
  if (name === undefined || versionText === undefined) {
    throw new UsageError('API and version are missing: kafkawire protocol send Metadata v12, or --hex')
  }
  const { api, direction } = apiSubject(name)
  if (direction === 'response') throw new UsageError(`${name} is no request`)
  const version = versionOf(versionText, api)
  const { value, bytes } = await jsonBody(api.request, version, json ?? '{}', io)
  const frame = frameOf(api, version, 'request', bytes, options)
  return { frame, as: { api, version }, expectResponse: options.response && hasAnswer(api, value) }
}

async function fromHex(
  name: string | undefined,
  versionText: string | undefined,
  json: string | undefined,
  hex: string,
  options: SendOptions,
  io: Io,
): Promise<Outgoing> {
  if (json !== undefined) throw new UsageError('--hex and a JSON body are two requests: give one of them')
  const frame = await readBytes([hex], io)
  const { response: expectResponse } = options
  if (name === undefined) return { frame, as: headerOf(frame), expectResponse }
  if (versionText === undefined) throw new UsageError(`the version of ${name} is missing`)
  const { api } = apiSubject(name)
  return { frame, as: { api, version: versionOf(versionText, api) }, expectResponse }
}

/** Produce with acks=0 is the one request that no broker answers. */
function hasAnswer(api: Api, value: Readonly<Record<string, unknown>>): boolean {
  return !(api.name === 'Produce' && value.acks === 0)
}

/** What the header of a frame says, as far as it makes sense. */
function headerOf(frame: Uint8Array): Outgoing['as'] {
  if (frame.length < 8) return null
  const reader = new ByteReader(frame, 4)
  const api = apiOfKey(reader.int16())
  const version = reader.int16()
  return api !== null && includesVersion(api.versions, version) ? { api, version } : null
}

async function printAnswer(
  api: Api,
  answer: RawAnswer<FieldMap>,
  sentId: number | null,
  { compact, dump, strict = false }: SendOptions,
  io: Io,
): Promise<ExitCode> {
  const { frame, decoded, error, version, correlationId, trailingBytes } = answer
  const problems: string[] = []
  if (dump || strict) {
    const explanation = explain(frame, { api, version, direction: 'response', strict })
    if (dump) await io.stdout.print(formatExplanation(explanation))
    const { recordErrors, warnings } = explanation
    problems.push(...[...recordErrors, ...warnings].map(({ path, message }) => `${path}: ${message}`))
  }
  if (decoded !== null && !dump) {
    const json = api.response.toJson(version, decoded)
    await io.stdout.print(`${JSON.stringify(json, null, compact ? undefined : 2)}\n`)
  }
  if (error !== null) problems.push(`the answer does not decode: ${error.message}`)
  else if (sentId !== null && correlationId !== sentId) {
    problems.push(`the answer has correlation id ${correlationId}, the request has ${sentId}`)
  }
  // With `strict` it is one of the problems already.
  if (trailingBytes > 0 && !strict) {
    await io.stderr.print(`warning: ${trailingBytes} bytes after the end of the answer\n`)
  }
  const errorCode = decoded?.errorCode
  if (typeof errorCode === 'number' && errorCode !== 0) {
    const { name, meaning } = brokerErrorInfo(errorCode)
    problems.push(`the broker answers ${errorCode} ${name}: ${meaning}`)
  }
  for (const problem of problems) await io.stderr.print(`error: ${problem}\n`)
  return problems.length > 0 ? exitCodes.failed : exitCodes.ok
}
