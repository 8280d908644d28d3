import { brokerErrorInfo } from '../../protocol/broker-errors.ts'
import { type ErrorName, errors } from '../error-codes.ts'

/** Why something that a client wants is not done: an error code, with a message or none (Java's `ApiError`). */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: number
  /** Null: the code says it all. */
  readonly told: string | null

  /** @param told left out: Kafka's own sentence for the code. */
  constructor(error: ErrorName, told: string | null = defaultMessage(error)) {
    super(told ?? error)
    this.code = errors[error]
    this.told = told
  }
}

/** Code and message as most answers carry them. */
export interface Outcome {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** Kafka's own sentence for a code (Java's `Errors`). */
export function defaultMessage(error: ErrorName): string {
  return `${brokerErrorInfo(errors[error]).meaning}.`
}

export function refused(error: ErrorName, told?: string | null): Outcome {
  return outcomeOf(new Refusal(error, told))
}

export function outcomeOf({ code, told }: Refusal): Outcome {
  return { errorCode: code, errorMessage: told }
}

/** Runs what may be refused, and gives what it came to. */
export function attempt(run: () => void): Outcome {
  try {
    run()
    return { errorCode: errors.NONE, errorMessage: null }
  } catch (error) {
    if (error instanceof Refusal) return outcomeOf(error)
    throw error
  }
}
