import { uuidToString } from '../../protocol/uuid.ts'

/** A member id of one's own (KIP-1082), in the form of Java's `Uuid.randomUuid`: none begins with a dash, for tools. */
export function randomUuid(): string {
  for (;;) {
    const text = uuidToString(crypto.getRandomValues(new Uint8Array(16)), 0)
    if (!text.startsWith('-')) return text
  }
}
