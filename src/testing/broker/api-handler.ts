import type { Api } from '../../protocol/message.ts'
import type { FieldMap, StructInput, StructOf } from '../../protocol/schema.ts'
import type { ErrorName } from '../error-codes.ts'
import type { RequestContext } from './request-context.ts'

/** What a handler gives: the answer, or null where none is expected (Produce with acks=0). */
export type Answer<S extends FieldMap> = StructInput<S> | null

/** How a broker answers one API. */
export interface ApiHandler {
  readonly api: Api<FieldMap, FieldMap>
  /** What it gives late is still sent in the order of the requests: a connection has one request at a time in work. */
  handle(request: StructOf<FieldMap>, context: RequestContext): Answer<FieldMap> | Promise<Answer<FieldMap>>
}

/** Ties a handler to its API, and to the types of its messages. */
export function handler<Q extends FieldMap, S extends FieldMap>(
  api: Api<Q, S>,
  handle: (request: StructOf<Q>, context: RequestContext) => Answer<S> | Promise<Answer<S>>,
): ApiHandler {
  return { api, handle } as unknown as ApiHandler
}

/** Thrown by a handler that refuses a request as a whole: the answer says the error of all that it names. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused'
  readonly code: ErrorName

  constructor(code: ErrorName) {
    super(`the request is refused: ${code}`)
    this.code = code
  }
}

/** Thrown by a handler of a request that Java's broker answers by hanging up. */
export class HangUp extends Error {
  override readonly name = 'HangUp'
}
