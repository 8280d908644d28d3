import { ProtocolError } from '../errors.ts'
import { int32VarintSize, VarintReader, writeInt32Varint } from '../varint.ts'
import { utf8Length, writeUtf8 } from './utf8.ts'

/** A record header as read. Keys may repeat; their order is kept. */
export interface RecordHeader {
  key: string
  /** A view into the batch. */
  value: Uint8Array | null
}

export type HeaderValue = string | Uint8Array | null

/**
 * Headers as given: a list (order and repeated keys kept), or an object whose arrays stand for a repeated key.
 * Strings are written as UTF-8.
 */
export type HeadersInput =
  | Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>
  | readonly { readonly key: string; readonly value: HeaderValue }[]

type HeaderList = readonly { readonly key: string; readonly value: HeaderValue }[]

/** The same as a list. Throws ProtocolError UNENCODABLE when a key is not a string. */
export function headerList(headers: HeadersInput): HeaderList {
  if (Array.isArray(headers)) {
    for (const { key } of headers as HeaderList) {
      if (typeof key !== 'string') {
        throw new ProtocolError('UNENCODABLE', `the key of a header must be a string, not ${describe(key)}`)
      }
    }
    return headers
  }
  const list: { key: string; value: HeaderValue }[] = []
  for (const [key, value] of Object.entries(
    headers as Record<string, HeaderValue | readonly HeaderValue[]>,
  )) {
    if (Array.isArray(value))
      for (const each of value as readonly HeaderValue[]) list.push({ key, value: each })
    else list.push({ key, value: value as HeaderValue })
  }
  return list
}

/** Bytes of a key, a value or a header value; -1 for null. Throws ProtocolError UNENCODABLE for anything else. */
export function payloadLength(payload: string | Uint8Array | null): number {
  if (payload === null) return -1
  if (typeof payload === 'string') return utf8Length(payload)
  // Not `instanceof`: bytes of another realm (a vm context, as test runners use) are as good.
  if (payload?.BYTES_PER_ELEMENT === 1) return payload.length
  throw new ProtocolError(
    'UNENCODABLE',
    `keys, values and header values must be a string, a Uint8Array or null, not ${describe(payload)}`,
  )
}

/** Writes a varint length (-1 for null), then the bytes. Returns the position after them. */
export function writePayload(
  bytes: Uint8Array,
  position: number,
  payload: string | Uint8Array | null,
  length: number,
): number {
  const p = writeInt32Varint(bytes, position, length)
  if (payload === null) return p
  if (typeof payload === 'string') writeUtf8(bytes, p, payload, length)
  else bytes.set(payload, p)
  return p + length
}

/** Bytes of all headers, without their count. */
export function headersSize(headers: HeaderList): number {
  let size = 0
  for (const { key, value } of headers) {
    const keyLength = utf8Length(key)
    const valueLength = payloadLength(value)
    size += int32VarintSize(keyLength) + keyLength + int32VarintSize(valueLength) + Math.max(valueLength, 0)
  }
  return size
}

/** Writes all headers, without their count. Returns the position after them. */
export function writeHeaders(bytes: Uint8Array, position: number, headers: HeaderList): number {
  let p = position
  for (const { key, value } of headers) {
    p = writePayload(bytes, p, key, utf8Length(key))
    p = writePayload(bytes, p, value, payloadLength(value))
  }
  return p
}

/**
 * Reads the headers of one record, which stand from `start` to exactly `end`. Throws ProtocolError when they are
 * malformed or do not end there.
 */
export function readHeaders(bytes: Uint8Array, start: number, count: number, end: number): RecordHeader[] {
  const headers: RecordHeader[] = []
  const reader = new VarintReader(bytes, start, end)
  for (let i = 0; i < count; i++) {
    const keyLength = reader.readVarint()
    const keyStart = reader.position
    if (keyLength < 0 || keyLength > end - keyStart)
      throw badLength('the key of a header', keyLength, keyStart, end)
    reader.position = keyStart + keyLength
    const valueLength = reader.readVarint()
    const valueStart = reader.position
    if (valueLength < -1 || valueLength > end - valueStart) {
      throw badLength('the value of a header', valueLength, valueStart, end)
    }
    reader.position = valueStart + Math.max(valueLength, 0)
    headers.push({
      key: keyText(bytes, keyStart, keyLength),
      value: valueLength < 0 ? null : bytes.subarray(valueStart, valueStart + valueLength),
    })
  }
  if (reader.position !== end) {
    throw new ProtocolError(
      'MALFORMED',
      `${end - reader.position} bytes are left after the last header`,
      reader.position,
    )
  }
  return headers
}

export function badLength(what: string, length: number, start: number, end: number): ProtocolError {
  return new ProtocolError('MALFORMED', `${what} has length ${length} with ${end - start} bytes left`, start)
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  return typeof value === 'object' ? `a ${value.constructor?.name ?? 'plain object'}` : typeof value
}

/** Longest key that is remembered. */
const shortKey = 32

/** Keys of headers are few, and come again with each record: making the text anew costs more than finding it here. */
const recentKeys: string[] = Array.from({ length: 64 }, () => '')

/** Header keys are short ASCII nearly always: cheaper here than by a Buffer. */
function keyText(bytes: Uint8Array, start: number, length: number): string {
  if (length === 0) return ''
  if (length > shortKey) return bufferText(bytes, start, length)
  const slot = (bytes[start]! + bytes[start + length - 1]! * 7 + length * 31) & (recentKeys.length - 1)
  const recent = recentKeys[slot]!
  if (recent.length === length && isTextAt(recent, bytes, start)) return recent
  let text = ''
  for (let i = start; i < start + length; i++) {
    const byte = bytes[i]!
    if (byte > 0x7f) return bufferText(bytes, start, length)
    text += String.fromCharCode(byte)
  }
  recentKeys[slot] = text
  return text
}

/** Whether the bytes are this text, which is ASCII. */
function isTextAt(text: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false
  return true
}

function bufferText(bytes: Uint8Array, start: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString()
}
