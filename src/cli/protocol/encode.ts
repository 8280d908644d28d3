import { writeFile } from 'node:fs/promises'
import { messageOf } from '../../errors.ts'
import { ByteWriter } from '../../protocol/byte-writer.ts'
import {
  requestHeader,
  requestHeaderVersion,
  responseHeader,
  responseHeaderVersion,
} from '../../protocol/headers.ts'
import type { Api } from '../../protocol/message.ts'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import type { Io } from '../output.ts'
import { UsageError } from '../usage-error.ts'
import { jsonBody } from './json-body.ts'
import { type Direction, subjectOf, versionOf } from './subject.ts'

export interface EncodeOptions {
  readonly response?: boolean
  /** The body alone, without size and header. */
  readonly body?: boolean
  readonly out?: string
  readonly clientId: string
  readonly correlationId: number
}

/** `kafkawire protocol encode`: a message from its JSON form to bytes, as hex or into a file. */
export async function encode(
  name: string,
  versionText: string,
  json: string,
  options: EncodeOptions,
  io: Io,
): Promise<ExitCode> {
  const bytes = await bytesOf(name, versionText, json, options, io)
  if (options.out === undefined) {
    await io.stdout.print(`${Buffer.from(bytes).toString('hex')}\n`)
    return exitCodes.ok
  }
  try {
    await writeFile(options.out, bytes)
  } catch (error) {
    throw new UsageError(`cannot write ${JSON.stringify(options.out)}: ${messageOf(error)}`)
  }
  return exitCodes.ok
}

async function bytesOf(
  name: string,
  versionText: string,
  json: string,
  options: EncodeOptions,
  io: Io,
): Promise<Uint8Array> {
  const subject = subjectOf(name)
  if (subject.kind === 'data') {
    if (options.response) throw new UsageError(`--response: ${subject.message.name} is no API`)
    const version = versionOf(versionText, subject.message)
    return (await jsonBody(subject.message, version, json, io)).bytes
  }
  const { api } = subject
  if (subject.direction === 'request' && options.response) {
    throw new UsageError(
      `--response: ${api.name}Request is a request, give ${api.name} or ${api.name}Response`,
    )
  }
  const direction = subject.direction ?? (options.response ? 'response' : 'request')
  const version = versionOf(versionText, api)
  const { bytes } = await jsonBody(api[direction], version, json, io)
  return options.body ? bytes : frameOf(api, version, direction, bytes, options)
}

/** Size, header and body. */
export function frameOf(
  api: Api,
  version: number,
  direction: Direction,
  body: Uint8Array,
  { clientId, correlationId }: { readonly clientId: string; readonly correlationId: number },
): Uint8Array {
  const writer = new ByteWriter()
  writer.int32(0)
  if (direction === 'request') {
    requestHeader.write(writer, requestHeaderVersion(api, version), {
      requestApiKey: api.key,
      requestApiVersion: version,
      correlationId,
      clientId,
    })
  } else {
    responseHeader.write(writer, responseHeaderVersion(api, version), { correlationId })
  }
  const head = writer.toBytes()
  const frame = new Uint8Array(head.length + body.length)
  frame.set(head)
  frame.set(body, head.length)
  new DataView(frame.buffer).setInt32(0, frame.length - 4)
  return frame
}
