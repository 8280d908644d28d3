import { type ErrorName, errors } from '../error-codes.ts'

/** What a group answers a member with instead of what it asked for. The message is Kafka's. */
export class GroupError extends Error {
  override readonly name = 'GroupError'
  readonly errorName: ErrorName
  readonly code: number

  constructor(errorName: ErrorName, message: string) {
    super(message)
    this.errorName = errorName
    this.code = errors[errorName]
  }
}
