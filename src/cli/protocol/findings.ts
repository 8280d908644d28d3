import type { ProtocolError } from '../../protocol/errors.ts'
import type { ExplainError, Explanation } from '../../protocol/explain.ts'
import type { Json } from '../../protocol/json-form.ts'

export interface PrintOptions {
  /** One JSON document a line. */
  readonly json: boolean
  /** What readers let pass counts too. */
  readonly strict: boolean
}

/** Whether an explanation found anything wrong; with `strict`, which alone makes warnings, those too. */
export function isFault({ error, recordErrors, warnings }: Explanation): boolean {
  return error !== null || recordErrors.length > 0 || warnings.length > 0
}

export function errorJson({ offset, path, reason }: ProtocolError): Json {
  return { offset, path, message: reason }
}

/** What only the explaining decoder finds, as properties of a JSON document; none where there is nothing. */
export function warningsJson(explanation: Explanation | null): { [name: string]: Json } {
  if (explanation === null) return {}
  const { recordErrors, warnings } = explanation
  return {
    ...(recordErrors.length > 0 ? { recordErrors: recordErrors.map(findingJson) } : {}),
    ...(warnings.length > 0 ? { warnings: warnings.map(findingJson) } : {}),
  }
}

function findingJson({ offset, path, message, inside }: ExplainError): Json {
  return { offset, path, message, ...(inside === undefined ? {} : { inside }) }
}
