/** Kafka's "no id": 16 zero bytes. */
export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Kafka's text form of the 16 bytes at `at`: URL-safe base64 without padding (Java's `Uuid.toString`). */
export function uuidToString(bytes: Uint8Array, at: number): string {
  let text = ''
  for (let i = at; i < at + 15; i += 3) {
    const triple = (bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!
    text +=
      alphabet[triple >>> 18]! +
      alphabet[(triple >>> 12) & 63]! +
      alphabet[(triple >>> 6) & 63]! +
      alphabet[triple & 63]!
  }
  const last = bytes[at + 15]!
  return text + alphabet[last >>> 2]! + alphabet[(last & 3) << 4]!
}

/** Writes the 16 bytes of `text` at `at`. False when `text` is not the text form of a uuid. */
export function uuidFromString(text: string, into: Uint8Array, at: number): boolean {
  if (text.length !== 22) return false
  let bits = 0
  let held = 0
  let out = at
  for (let i = 0; i < 22; i++) {
    const value = alphabet.indexOf(text[i]!)
    if (value < 0) return false
    held = (held << 6) | value
    bits += 6
    if (bits >= 8) {
      bits -= 8
      into[out++] = held >>> bits
      held &= (1 << bits) - 1
    }
  }
  return held === 0
}
