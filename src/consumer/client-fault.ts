import { messageOf } from '../errors.ts'
import { KafkaError } from '../protocol/errors.ts'

/** Errors of this package as they are. Anything else is a mistake of ours, and must show as one wherever it ends up. */
export function asKafkaError(error: unknown, what: string): KafkaError {
  if (error instanceof KafkaError) return error
  return new KafkaError('CLIENT_FAULT', `${what} failed in this client: ${messageOf(error)}`, {
    cause: error,
  })
}
