import { InvalidArgumentError } from '../errors.ts'
import { KafkaError, ProtocolError } from '../protocol/errors.ts'
import {
  type HeadersInput,
  headerList,
  headersSize,
  payloadLength,
} from '../protocol/records/record-header.ts'
import type { Delivery } from './delivery.ts'

type Payload = string | Uint8Array | null

/** A record on the threshold: serialized, but not yet in the queue of a partition. */
export interface Candidate {
  readonly topic: string
  readonly partition: number | undefined
  readonly timestamp: number
  readonly key: Payload
  readonly value: Payload
  readonly headers: HeadersInput | undefined
  readonly delivery: Delivery
}

/** Tells the sender of this record why it is not sent. */
export function fail({ delivery, topic }: Candidate, error: unknown): void {
  const mine = delivery.own()
  mine.count = 1
  mine.failed(sendError(error, topic))
}

/** What a record that cannot be sent is refused with. */
export function sendError(error: unknown, topic: string): Error {
  if (error instanceof ProtocolError && error.code === 'UNENCODABLE') {
    return new InvalidArgumentError(`a record for topic ${topic}: ${error.message}`, { topic, cause: error })
  }
  if (error instanceof Error) return error
  return new KafkaError('SEND_FAILED', `a record for topic ${topic}: ${String(error)}`, {
    topic,
    cause: error,
  })
}

/** Bytes of key, value and headers. Throws ProtocolError UNENCODABLE where they are no such thing. */
export function payloadsOf({ key, value, headers }: Candidate): number {
  const list = headers === undefined ? [] : headerList(headers)
  return Math.max(0, payloadLength(key)) + Math.max(0, payloadLength(value)) + headersSize(list)
}

/** The same with payloads of its own, which the caller cannot change any more. */
export function copyOf(candidate: Candidate): Candidate {
  const { key, value, headers } = candidate
  return {
    ...candidate,
    key: copyOfPayload(key),
    value: copyOfPayload(value),
    headers:
      headers === undefined
        ? undefined
        : headerList(headers).map((header) => ({ key: header.key, value: copyOfPayload(header.value) })),
  }
}

function copyOfPayload(payload: Payload): Payload {
  return payload === null || typeof payload === 'string' ? payload : Uint8Array.from(payload)
}
