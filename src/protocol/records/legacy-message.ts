import { crc32 } from '../crc32.ts'
import { ProtocolError } from '../errors.ts'

/** Places of the fields of a message of magic 0 or 1 (Java's `LegacyRecord`), bytes from its offset on. */
export const messageField = {
  offset: 0,
  size: 8,
  crc: 12,
  magic: 16,
  attributes: 17,
  /** Magic 1 alone. */
  timestamp: 18,
} as const

/** Bytes of offset and size, which the size itself does not count. */
export const messageOverheadBytes = 12

/** Bytes of a message without key and value: offset and size, then checksum, magic, attributes, timestamp, lengths. */
export function smallestMessage(magic: number): number {
  return magic === 0 ? messageOverheadBytes + 14 : messageOverheadBytes + 22
}

/** Where the length of the key stands. */
export function keyLengthField(magic: number): number {
  return magic === 0 ? 18 : 26
}

/** Where the message ends that begins at `start`. Throws ProtocolError MALFORMED when that is not before `end`. */
export function endOfMessage(view: DataView, start: number, end: number): number {
  const left = end - start
  const size = left < messageOverheadBytes ? -1 : view.getInt32(start + messageField.size)
  const magic = left < smallestMessage(0) ? -1 : view.getInt8(start + messageField.magic)
  if (magic < 0 || magic > 1) {
    throw new ProtocolError(
      'MALFORMED',
      `${left} bytes are left, and they are no message of magic 0 or 1`,
      start,
    )
  }
  if (size < smallestMessage(magic) - messageOverheadBytes || size > left - messageOverheadBytes) {
    throw new ProtocolError('MALFORMED', `a message has size ${size} with ${left} bytes left`, start)
  }
  return start + messageOverheadBytes + size
}

/** Throws ProtocolError CORRUPT_CHECKSUM when the message from `start` to `end` has another checksum than it says. */
export function checkMessageCrc(bytes: Uint8Array, view: DataView, start: number, end: number): void {
  const at = start + messageField.crc
  const stored = view.getUint32(at)
  const computed = crc32(bytes, start + messageField.magic, end)
  if (computed === stored) return
  throw new ProtocolError(
    'CORRUPT_CHECKSUM',
    `the checksum of a message is ${stored}, computed is ${computed}`,
    at,
  )
}

/** Where key and value of a message stand; a length of -1 is null. */
export interface MessagePlaces {
  keyStart: number
  keyLength: number
  valueStart: number
  valueLength: number
}

/** Reads the lengths of the message from `start` to `end` into `places`. Throws ProtocolError MALFORMED. */
export function readPlaces(
  view: DataView,
  start: number,
  end: number,
  magic: number,
  places: MessagePlaces,
): void {
  const keyAt = start + keyLengthField(magic)
  const keyLength = view.getInt32(keyAt)
  const keyStart = keyAt + 4
  // Four bytes of the value's length follow the key.
  if (keyLength < -1 || keyLength > end - 4 - keyStart)
    throw badLength('key', keyLength, keyAt, end - 4 - keyStart)
  const valueAt = keyStart + Math.max(keyLength, 0)
  const valueLength = view.getInt32(valueAt)
  const valueStart = valueAt + 4
  if (valueLength < -1 || Math.max(valueLength, 0) !== end - valueStart) {
    throw badLength('value', valueLength, valueAt, end - valueStart)
  }
  places.keyStart = keyStart
  places.keyLength = keyLength
  places.valueStart = valueStart
  places.valueLength = valueLength
}

function badLength(what: string, length: number, at: number, left: number): ProtocolError {
  return new ProtocolError(
    'MALFORMED',
    `the ${what} of a message has length ${length} with ${left} bytes left`,
    at,
  )
}
