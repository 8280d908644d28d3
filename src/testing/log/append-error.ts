import { type ErrorName, errors } from '../error-codes.ts'

/** Why a single record of a batch is refused (KIP-467). */
export interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

/** What is given to a log, and is not taken. */
export class AppendError extends Error {
  override readonly name = 'AppendError'
  readonly code: number
  readonly recordErrors: readonly RecordError[]
  /** Whether the client is given the message too: Kafka says little more than the code of what a log refuses. */
  readonly isTold: boolean
  reachedLog = true

  constructor(
    code: ErrorName,
    message: string,
    recordErrors: readonly RecordError[] = [],
    isTold = recordErrors.length > 0,
  ) {
    super(message)
    this.code = errors[code]
    this.recordErrors = recordErrors
    this.isTold = isTold
  }

  /** Of what is refused before the log has seen it: the answer tells nothing of the log. */
  static beforeLog(code: ErrorName, message: string, isTold = false): AppendError {
    const error = new AppendError(code, message, [], isTold)
    error.reachedLog = false
    return error
  }
}
