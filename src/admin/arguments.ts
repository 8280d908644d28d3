import { InvalidArgumentError } from '../errors.ts'
import { showValue } from '../options/show-value.ts'
import { uuidFromString, zeroUuid } from '../protocol/uuid.ts'

/** The error for an argument that cannot be right: which one, what it is, what it may be. */
export function invalidArgument(what: string, value: unknown, allowed: string): InvalidArgumentError {
  return new InvalidArgumentError(`${what} is ${showValue(value)}; allowed: ${allowed}`)
}

export function checkArray(what: string, value: unknown): void {
  if (!Array.isArray(value)) throw invalidArgument(what, value, 'an array')
}

export function checkObject(what: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidArgument(what, value, 'an object')
  }
}

export function checkName(what: string, value: unknown): void {
  if (typeof value !== 'string' || value === '')
    throw invalidArgument(what, value, 'a string that is not empty')
}

export function checkNames(what: string, values: readonly unknown[]): void {
  checkArray(what, values)
  for (const [at, value] of values.entries()) checkName(`${what}[${at}]`, value)
}

/** For calls that change something: the same name twice would leave open which one is meant. */
export function checkDistinct(what: string, names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name))
      throw new InvalidArgumentError(`${what}: ${showValue(name)} is given twice; allowed: once`)
    seen.add(name)
  }
}

/** @throws InvalidArgumentError unless each is the text form of a topic id (Java's `Uuid.toString`). */
export function checkTopicIds(what: string, ids: readonly unknown[]): void {
  checkArray(what, ids)
  const bytes = new Uint8Array(16)
  for (const [at, id] of ids.entries()) {
    if (typeof id !== 'string' || id === zeroUuid || !uuidFromString(id, bytes, 0)) {
      throw invalidArgument(`${what}[${at}]`, id, 'a topic id, 22 characters of URL-safe base64')
    }
  }
}

/** @throws InvalidArgumentError unless it is a whole number from `min` to `max`. */
export function checkInteger(what: string, value: unknown, min: number, max: number, or = ''): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return
  throw invalidArgument(what, value, `an integer from ${min} to ${max}${or}`)
}

/** Replicas of one partition. */
export function checkBrokerIds(what: string, ids: readonly unknown[]): void {
  checkArray(what, ids)
  if (ids.length === 0) throw invalidArgument(what, ids, 'at least one broker id')
  for (const [at, id] of ids.entries()) checkInteger(`${what}[${at}]`, id, 0, int32Max)
}

export const int16Max = 0x7fff
export const int32Max = 0x7fffffff
