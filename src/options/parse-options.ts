import * as z from 'zod/mini'
import { InvalidOptionError } from '../errors.ts'
import { kindOfValue, showValue } from './show-value.ts'

/**
 * `given` checked against `schema`, with defaults filled in.
 *
 * @param what whose options they are, for the message: `producer`.
 * @throws InvalidOptionError that names the option, the value and what is allowed.
 */
export function parseOptions<T extends z.ZodMiniObject>(
  what: string,
  schema: T,
  given: unknown,
): z.output<T> {
  const parsed = z.safeParse(schema, given)
  if (parsed.success) return parsed.data
  const known = Object.keys(schema.def.shape)
  const messages = parsed.error.issues.map((issue) => describeIssue(issue, given, known))
  throw new InvalidOptionError(`${what} options: ${messages.join('; ')}`)
}

type Issue = z.core.$ZodIssue

function describeIssue(issue: Issue, given: unknown, known: readonly string[]): string {
  const name = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : String(step))).join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownOption(name, key, known)).join('; ')
  }
  const inner = issue.code === 'invalid_union' ? closestBranch(issue) : null
  if (inner !== null) {
    return inner
      .map((one) => describeIssue({ ...one, path: [...issue.path, ...one.path] }, given, known))
      .join('; ')
  }
  if (issue.path.length === 0) return `must be an object, not ${show(given, '')}`
  const value = valueAt(given, issue.path)
  if (value === undefined) return `${name} is missing; allowed: ${allowed(issue)}`
  return `${name} is ${show(value, name)}; allowed: ${allowed(issue)}`
}

/** The alternative that `given` was meant to be: its issues are about what is inside, not about the whole. */
function closestBranch(issue: z.core.$ZodIssueInvalidUnion): readonly Issue[] | null {
  const inside = (one: Issue) => one.path.length > 0 || one.code === 'unrecognized_keys'
  return issue.errors.find((branch) => branch.length > 0 && branch.every(inside)) ?? null
}

function unknownOption(parent: string, key: string, known: readonly string[]): string {
  const full = parent === '' ? key : `${parent}.${key}`
  if (parent !== '') return `${full} is not an option`
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '')
  const meant = known.find((name) => plain(name) === plain(key))
  if (meant !== undefined) return `${full} is not an option; did you mean ${meant}?`
  return `${full} is not an option; allowed: ${[...known].sort().join(', ')}`
}

/** What would have been right, in words. */
function allowed(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return /^[aeiou]/.test(issue.expected) ? `an ${kindOf(issue)}` : `a ${kindOf(issue)}`
    case 'too_small': {
      const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' items' : ''
      return `at least ${issue.minimum}${unit}`
    }
    case 'too_big':
      return `at most ${issue.maximum}`
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(', ')
    case 'invalid_union':
      return [...new Set(issue.errors.flat().map(allowed))].join(', or ')
    default:
      return issue.message
  }
}

function kindOf(issue: z.core.$ZodIssueInvalidType): string {
  return issue.expected === 'int' ? 'integer' : issue.expected
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  let value = given
  for (const step of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[step]
  return value
}

/** A value for a message, and nothing that is secret. */
function show(value: unknown, name: string): string {
  return /sasl|tls|password|secret|token/i.test(name) ? kindOfValue(value) : showValue(value)
}
