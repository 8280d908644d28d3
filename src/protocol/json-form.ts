import { ProtocolError } from './errors.ts'
import {
  defaultValue,
  existsIn,
  type Field,
  type FieldMap,
  isDefault,
  isNullableIn,
  isTaggedIn,
} from './schema.ts'

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/**
 * The JSON form of a message: Kafka's field names with a lower-case first letter, int64 as decimal strings, bytes and
 * records as base64, uuids as Kafka prints them. Holds what the version holds; a tagged field at its default is left
 * out, as Java's `JsonConverter` does. Minus zero is the number -0, which `JSON.stringify` writes as 0.
 */
export function structToJson(fields: FieldMap, version: number, value: unknown): Json {
  const struct = value as Record<string, unknown>
  const json: { [name: string]: Json } = {}
  for (const [name, field] of Object.entries(fields)) {
    if (!existsIn(field, version)) continue
    const inner = struct[name]
    if (isTaggedIn(field, version) && isDefault(field, inner)) continue
    json[name] = valueToJson(field, version, inner === undefined ? defaultValue(field) : inner)
  }
  return json
}

function valueToJson(field: Field, version: number, value: unknown): Json {
  if (value === null) return null
  switch (field.type) {
    case 'int64':
      return String(value)
    case 'float64':
      return Number.isFinite(value) ? (value as number) : String(value)
    case 'bytes':
    case 'records':
      return toBase64(value as Uint8Array)
    case 'array':
      return (value as unknown[]).map((element) => valueToJson(field.element!, version, element))
    case 'struct':
      return structToJson(field.fields!, version, value)
    default:
      return value as Json
  }
}

/** The value that a JSON form stands for. Names that the version does not have are errors. */
export function structFromJson(fields: FieldMap, version: number, json: Json): Record<string, unknown> {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) wrong('an object', json)
  const struct: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(json)) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (field === undefined) {
      const allowed = Object.keys(fields).filter((known) => existsIn(fields[known]!, version))
      throw new ProtocolError('UNENCODABLE', `unknown field, allowed are ${allowed.join(', ')}`).within(name)
    }
    try {
      struct[name] = valueFromJson(field, version, inner)
    } catch (error) {
      throw error instanceof ProtocolError ? error.within(name) : error
    }
  }
  return struct
}

function valueFromJson(field: Field, version: number, json: Json): unknown {
  if (json === null) {
    if (!isNullableIn(field, version) && field.default !== null) wrong(field.type, json)
    return null
  }
  switch (field.type) {
    case 'int64':
      if ((typeof json !== 'string' && typeof json !== 'number') || !/^-?\d+$/.test(String(json))) {
        wrong('an int64 as a decimal string', json)
      }
      // What JSON wrote beyond these has been rounded already.
      if (typeof json === 'number' && !Number.isSafeInteger(json)) {
        wrong('an int64 beyond 2^53 as a decimal string', json)
      }
      return BigInt(json)
    case 'float64':
      if (typeof json !== 'number' && !['NaN', 'Infinity', '-Infinity'].includes(json as string)) {
        wrong('a float64: a number, "NaN", "Infinity" or "-Infinity"', json)
      }
      return Number(json)
    case 'bytes':
    case 'records':
      if (typeof json !== 'string') wrong('base64', json)
      return fromBase64(json)
    case 'array': {
      if (!Array.isArray(json)) wrong('an array', json)
      return json.map((element, i) => {
        try {
          return valueFromJson(field.element!, version, element)
        } catch (error) {
          throw error instanceof ProtocolError ? error.within(`[${i}]`) : error
        }
      })
    }
    case 'struct':
      return structFromJson(field.fields!, version, json)
    case 'bool':
      if (typeof json !== 'boolean') wrong('a boolean', json)
      return json
    case 'string':
    case 'uuid':
      if (typeof json !== 'string') wrong(`a ${field.type}`, json)
      return json
    default:
      if (typeof json !== 'number') wrong(`an ${field.type}`, json)
      return json
  }
}

function wrong(expected: string, got: Json): never {
  throw new ProtocolError('UNENCODABLE', `${expected} expected, got ${JSON.stringify(got)}`)
}

function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let i = 0; i < bytes.length; i += 0x2000)
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x2000))
  return btoa(binary)
}

function fromBase64(text: string): Uint8Array {
  let binary: string
  try {
    binary = atob(text)
  } catch {
    wrong('base64', text)
  }
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}
