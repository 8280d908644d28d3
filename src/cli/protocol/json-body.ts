import { messageOf } from '../../errors.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import type { Json } from '../../protocol/json-form.ts'
import type { Message } from '../../protocol/message.ts'
import { readText } from '../input.ts'
import type { Io } from '../output.ts'
import { UsageError } from '../usage-error.ts'

export interface JsonBody {
  readonly value: Readonly<Record<string, unknown>>
  /** Encoded, without size and header. */
  readonly bytes: Uint8Array
}

/** The message that `argument` (JSON, `@file` or `-`) stands for. Throws UsageError that names the field. */
export async function jsonBody(
  message: Message,
  version: number,
  argument: string,
  io: Io,
): Promise<JsonBody> {
  const text = await readText(argument, io)
  const what = `${message.name} v${version}`
  let json: Json
  try {
    json = JSON.parse(text) as Json
  } catch (error) {
    throw new UsageError(`${what}: the body is no JSON: ${messageOf(error)}`)
  }
  try {
    const value = message.fromJson(version, json)
    return { value, bytes: message.encode(version, value) }
  } catch (error) {
    if (error instanceof ProtocolError) throw new UsageError(`${what}: ${error.message}`)
    throw error
  }
}
