import { InvalidOptionError } from '../../errors.ts'
import type { ConfigDefinition, ConfigType } from './config-definitions.ts'

const integerBits: Readonly<Partial<Record<ConfigType, bigint>>> = { SHORT: 16n, INT: 32n, LONG: 64n }

/** What Java's Double.parseDouble reads, but for hexadecimal digits. */
const doublePattern = /^[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?)$/

/** Kafka's sentence for a value that is wrong (Java: ConfigException). */
export function invalidValue(name: string, shown: string, reason: string): string {
  return `Invalid value ${shown} for configuration ${name}: ${reason}`
}

/** What a broker says to a value that is not of its config's type; null: it is (Java: ConfigDef.parseType). */
export function typeFault({ name, type }: ConfigDefinition, value: string): string | null {
  const text = value.trim()
  switch (type) {
    case 'BOOLEAN':
      if (/^(true|false)$/i.test(text)) return null
      return invalidValue(name, value, 'Expected value to be either true or false')
    case 'SHORT':
    case 'INT':
    case 'LONG':
    case 'DOUBLE':
      return isNumber(type, text) ? null : invalidValue(name, value, `Not a number of type ${type}`)
    default:
      return null
  }
}

function isNumber(type: ConfigType, text: string): boolean {
  const bits = integerBits[type]
  if (bits === undefined) return doublePattern.test(text)
  if (!/^[+-]?\d+$/.test(text)) return false
  const value = parseInteger(text)
  return value === BigInt.asIntN(Number(bits), value)
}

const parseInteger = (text: string) => BigInt(text.replace(/^\+/, ''))

/** A number that passed `typeFault`. */
export function parseNumber(value: string): number {
  return Number(value.trim().replace(/[fFdD]$/, ''))
}

/** A number that passed `typeFault`, as Java prints it. */
export function showNumber(type: ConfigType, value: string): string {
  return type === 'DOUBLE' ? showDouble(parseNumber(value)) : String(parseInteger(value.trim()))
}

/** Java's Double.toString: always with a point, with an exponent from 10^7 on and below 10^-3. */
function showDouble(value: number): string {
  const size = Math.abs(value)
  if (!Number.isFinite(value)) return String(value)
  if (size !== 0 && (size >= 1e7 || size < 1e-3)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e')
    return `${withPoint(digits)}E${Number(exponent)}`
  }
  return withPoint(Object.is(value, -0) ? '-0' : String(value))
}

const withPoint = (digits: string) => (digits.includes('.') ? digits : `${digits}.0`)

/** The items of a list, empty ones included: `a, b` has two, a blank text has none. */
export function parseList(value: string): string[] {
  const text = value.trim()
  return text === '' ? [] : text.split(/\s*,\s*/)
}

/** What typed getters read from: a config and its value, null where it has none. */
export interface ConfigEntry {
  readonly definition: ConfigDefinition
  readonly value: string | null
}

/**
 * For the types SHORT, INT, LONG and DOUBLE. A LONG above 2^53 is rounded: only those that stand for "no limit" are as
 * large.
 *
 * @throws InvalidOptionError where it is of another type, or has no value.
 */
export function numberOf({ definition, value }: ConfigEntry): number {
  const { name, type } = definition
  if (type !== 'DOUBLE' && integerBits[type] === undefined) throw wrongType(definition, 'number')
  if (value === null) throw new InvalidOptionError(`config '${name}' has no value`)
  return parseNumber(value)
}

/** @throws InvalidOptionError where it is no BOOLEAN, or has no value. */
export function booleanOf({ definition, value }: ConfigEntry): boolean {
  if (definition.type !== 'BOOLEAN') throw wrongType(definition, 'boolean')
  if (value === null) throw new InvalidOptionError(`config '${definition.name}' has no value`)
  return value.trim().toLowerCase() === 'true'
}

/** For the types STRING, CLASS and PASSWORD, without blanks around it; null: no value. */
export function stringOf({ definition, value }: ConfigEntry): string | null {
  const { type } = definition
  if (type !== 'STRING' && type !== 'CLASS' && type !== 'PASSWORD') throw wrongType(definition, 'text')
  return value === null ? null : value.trim()
}

/** Empty where it has no value. */
export function listOf({ definition, value }: ConfigEntry): string[] {
  if (definition.type !== 'LIST') throw wrongType(definition, 'list')
  return value === null ? [] : parseList(value)
}

function wrongType({ name, type }: ConfigDefinition, asked: string): InvalidOptionError {
  return new InvalidOptionError(`config '${name}' is of type ${type}: it cannot be read as a ${asked}`)
}
