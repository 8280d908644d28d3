import type { KafkaError } from '../protocol/errors.ts'

/**
 * What became of one item of a call: `Identity` names it, and `error` is either null, with the fields of `Value` there,
 * or says why they are not.
 */
export type ItemResult<Identity, Value = unknown> =
  | (Identity & Value & { readonly error: null })
  | (Identity & { readonly error: KafkaError })

/**
 * The results, now known to be without an error (Java's `all().get()`).
 *
 * @throws the error of the first item that failed; when others failed too, its `cause` is an AggregateError of theirs.
 */
export function allOrThrow<R extends { readonly error: KafkaError | null }>(
  results: readonly R[],
): Extract<R, { readonly error: null }>[] {
  const [first, ...others] = results.flatMap(({ error }) => (error === null ? [] : [error]))
  if (first === undefined) return results as readonly Extract<R, { readonly error: null }>[] as never
  // Checked, as the same results may come here twice.
  const told = first.cause instanceof AggregateError && first.cause.errors[0] === others[0]
  if (others.length > 0 && !told) {
    const message = `${others.length} more of ${results.length} items failed`
    first.cause = new AggregateError(
      others,
      message,
      first.cause === undefined ? undefined : { cause: first.cause },
    )
  }
  throw first
}
