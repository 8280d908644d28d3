import { messageOf } from '../../errors.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { AnyRecord, DeadLetter, DeadLetterProducer } from './run-options.ts'

/**
 * The record as it came, bytes and headers, with headers behind these that say why it is here:
 * `kafkawire.dlq.topic`, `.partition`, `.offset` and `.timestamp` (the record's own, milliseconds) of where it was,
 * `.error` (name, code and message) and `.attempts`.
 */
export function deadLetterOf(record: AnyRecord, topic: string, error: unknown, attempts: number): DeadLetter {
  const why = {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    timestamp: timestampOf(record),
    error: describe(error),
    attempts,
  }
  const added = Object.entries(why).map(([key, value]) => ({
    key: `kafkawire.dlq.${key}`,
    value: String(value),
  }))
  return { topic, key: record.rawKey, value: record.rawValue, headers: [...headersOf(record), ...added] }
}

/** Resolves when all are confirmed. Throws what the first that was not confirmed failed with. */
export async function sendDeadLetters(
  producer: DeadLetterProducer,
  letters: readonly DeadLetter[],
): Promise<void> {
  // Async, or one that throws would leave those before it without anybody to take their failures.
  await Promise.all(letters.map(async (letter) => producer.send(letter)))
}

/** Headers that cannot be read may be the very reason; the rest of the record is worth keeping all the same. */
function headersOf(record: AnyRecord) {
  try {
    return record.headers
  } catch {
    return []
  }
}

function timestampOf(record: AnyRecord): number | string {
  try {
    return record.timestamp
  } catch (error) {
    return messageOf(error)
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = error instanceof KafkaError ? ` ${error.code}` : ''
  return `${error.name}${code}: ${error.message}`
}
