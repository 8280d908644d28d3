import { ByteReader } from '../../protocol/byte-reader.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { formatExplanation } from '../../protocol/explain/format-explanation.ts'
import { explainMessage } from '../../protocol/explain.ts'
import type { Json } from '../../protocol/json-form.ts'
import type { Message } from '../../protocol/message.ts'
import { formatVersions, includesVersion } from '../../protocol/version-range.ts'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import type { Io } from '../output.ts'
import { errorJson, isFault, type PrintOptions, warningsJson } from './findings.ts'

/**
 * Prints a message that stands by itself. Without a version it is read from the int16 before the message, where it
 * stands in the fields of other messages.
 */
export async function decodeData(
  bytes: Uint8Array,
  message: Message,
  given: number | null,
  options: PrintOptions,
  io: Io,
): Promise<ExitCode> {
  let version = given
  let body = bytes
  if (version === null) {
    if (bytes.length < 2) {
      await io.stderr.print(`error: ${bytes.length} bytes, and the version takes 2; or give --version\n`)
      return exitCodes.failed
    }
    version = new ByteReader(bytes).int16()
    body = bytes.subarray(2)
  }
  if (!includesVersion(message.versions, version)) {
    const allowed = formatVersions(message.versions)
    await io.stderr.print(
      `error: the first two bytes say version ${version} of ${message.name}, which has ${allowed}; ` +
        'where no version stands before the message, give --version\n',
    )
    return exitCodes.failed
  }
  return (await print(body, message, version, options, io)) ? exitCodes.ok : exitCodes.failed
}

async function print(
  bytes: Uint8Array,
  message: Message,
  version: number,
  { json: wantsJson, strict }: PrintOptions,
  io: Io,
): Promise<boolean> {
  if (!wantsJson) {
    const explanation = explainMessage(bytes, message, version, { strict })
    await io.stdout.print(
      `${message.name} v${version}, ${bytes.length} bytes\n${formatExplanation(explanation)}`,
    )
    return !isFault(explanation)
  }
  const json: { [name: string]: Json } = { message: message.name, version }
  let isFine = true
  try {
    const reader = new ByteReader(bytes)
    json.body = message.toJson(version, message.read(reader, version))
    if (reader.remaining > 0) json.trailingBytes = reader.remaining
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    json.error = errorJson(error)
    isFine = false
  }
  const explanation = strict ? explainMessage(bytes, message, version, { strict }) : null
  await io.stdout.print(`${JSON.stringify({ ...json, ...warningsJson(explanation) })}\n`)
  return isFine && (explanation === null || !isFault(explanation))
}
