import { zeroUuid } from './uuid.ts'
import {
  formatVersions,
  includesVersion,
  noVersions,
  type VersionRange,
  versionRange,
} from './version-range.ts'

/**
 * A tagged field (KIP-482) that no declaration knows. Kept when reading, written back when writing: in the order of the
 * tags, and each but once.
 */
export interface UnknownTaggedField {
  /** 0 to 2147483647. */
  readonly tag: number
  readonly data: Uint8Array
}

export interface FieldOptions<T> {
  /** Versions in which the field may be null; `true` for all in which it exists. */
  readonly nullable?: string | true
  /** What a reader gets when the field is not there, and a writer may leave out. */
  readonly default?: T | null
  /** Writing it in a version that lacks it is no error: the value is dropped. */
  readonly ignorable?: true
  /** Number of a tagged field (KIP-482). */
  readonly tag?: number
  /** Versions in which it is tagged, where these are not all in which it exists. */
  readonly tagged?: string
  /** `none`: keeps its old encoding in flexible versions (only the request header's client id). */
  readonly flexible?: 'none'
}

export type PrimitiveType =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records'

/**
 * One field of a message, as data. `Read` and `Write` exist for the compiler alone: the type of the value that a
 * reader gets, and of the one that a writer takes.
 */
export interface Field<Read = unknown, Write = unknown> {
  readonly type: PrimitiveType | 'array' | 'struct'
  readonly versions: VersionRange
  readonly nullable: VersionRange
  /** `undefined`: the type's own (0, '', false, [], null for records). */
  readonly default: unknown
  readonly ignorable: boolean
  readonly tag: number
  readonly tagged: VersionRange
  readonly keepsOldEncoding: boolean
  readonly element: Field | null
  readonly fields: FieldMap | null
  readonly _read?: Read
  readonly _write?: Write
}

export type FieldMap = { readonly [name: string]: Field }

export type StructOf<F extends FieldMap> = {
  -readonly [K in keyof F]: F[K] extends Field<infer Read, unknown> ? Read : never
} & { unknownTaggedFields?: UnknownTaggedField[] }

export type StructInput<F extends FieldMap> = {
  readonly [K in keyof F]?: (F[K] extends Field<unknown, infer Write> ? Write : never) | undefined
} & { readonly unknownTaggedFields?: readonly UnknownTaggedField[] | undefined }

type Maybe<O, T> = O extends { readonly nullable: string | true } ? T | null : T

function field(
  type: Field['type'],
  versions: string | undefined,
  options: FieldOptions<unknown> | undefined,
  element: Field | null = null,
  fields: FieldMap | null = null,
): Field {
  const range = versionRange(versions ?? '0+')
  const nullable = options?.nullable
  return {
    type,
    versions: range,
    nullable: nullable === undefined ? noVersions : nullable === true ? range : versionRange(nullable),
    default: options?.default,
    ignorable: options?.ignorable ?? false,
    tag: options?.tag ?? -1,
    tagged:
      options?.tag === undefined
        ? noVersions
        : options.tagged === undefined
          ? range
          : versionRange(options.tagged),
    keepsOldEncoding: options?.flexible === 'none',
    element,
    fields,
  }
}

/** Makes the function that declares a field of a primitive type: `string('3+', { nullable: true, default: null })`. */
function primitive<T>(type: PrimitiveType) {
  return <const O extends FieldOptions<T> = Record<never, never>>(
    versions?: string,
    options?: O,
  ): Field<Maybe<O, T>, Maybe<O, T>> => field(type, versions, options) as Field<Maybe<O, T>, Maybe<O, T>>
}

export const bool = primitive<boolean>('bool')
export const int8 = primitive<number>('int8')
export const int16 = primitive<number>('int16')
export const uint16 = primitive<number>('uint16')
export const int32 = primitive<number>('int32')
export const uint32 = primitive<number>('uint32')
export const int64 = primitive<bigint>('int64')
export const float64 = primitive<number>('float64')
/** 16 bytes, as the 22 characters of Kafka's text form. Never null: 16 zero bytes mean "none". */
export const uuid = primitive<string>('uuid')
export const string = primitive<string>('string')
export const bytes = primitive<Uint8Array>('bytes')
/** Record batches as they stand on the wire: see `decodeRecords`. Null when nothing is given. */
export const records = primitive<Uint8Array>('records')

/** A structure: `struct({ leaderId: int32(), … }, '10+', { tag: 0 })`. */
export function struct<const F extends FieldMap, const O extends FieldOptions<null> = Record<never, never>>(
  fields: F,
  versions?: string,
  options?: O,
): Field<Maybe<O, StructOf<F>>, Maybe<O, StructInput<F>>> {
  return field('struct', versions, options, null, fields) as Field<
    Maybe<O, StructOf<F>>,
    Maybe<O, StructInput<F>>
  >
}

type ElementOf<E> = E extends Field<infer Read, unknown> ? Read : E extends FieldMap ? StructOf<E> : never
type ElementInput<E> =
  E extends Field<unknown, infer Write> ? Write : E extends FieldMap ? StructInput<E> : never

/** An array of a type, `array(int32())`, or of structures, `array({ name: string(), … }, '3+')`. */
export function array<
  const E extends Field | FieldMap,
  const O extends FieldOptions<readonly never[]> = Record<never, never>,
>(
  element: E,
  versions?: string,
  options?: O,
): Field<Maybe<O, ElementOf<E>[]>, Maybe<O, readonly ElementInput<E>[]>> {
  return field(
    'array',
    versions,
    options,
    isField(element) ? element : field('struct', undefined, undefined, null, element),
  ) as Field<Maybe<O, ElementOf<E>[]>, Maybe<O, readonly ElementInput<E>[]>>
}

function isField(element: Field | FieldMap): element is Field {
  return typeof element.type === 'string'
}

/** The value that stands for a field that is not there. Arrays, byte arrays and structures are made anew each time. */
export function defaultValue(field: Field): unknown {
  if (field.default !== undefined) return field.default
  switch (field.type) {
    case 'bool':
      return false
    case 'int64':
      return 0n
    case 'string':
      return ''
    case 'uuid':
      return zeroUuid
    case 'bytes':
      return new Uint8Array(0)
    case 'records':
      return null
    case 'array':
      return []
    case 'struct': {
      const value: Record<string, unknown> = {}
      for (const [name, inner] of Object.entries(field.fields!)) value[name] = defaultValue(inner)
      return value
    }
    default:
      return 0
  }
}

/** Whether `value` says the same as leaving the field out. */
export function isDefault(field: Field, value: unknown): boolean {
  if (value === undefined) return true
  const standard = field.default
  if (standard !== undefined) {
    return Array.isArray(standard) ? Array.isArray(value) && value.length === 0 : Object.is(value, standard)
  }
  switch (field.type) {
    case 'array':
      return Array.isArray(value) && value.length === 0
    case 'bytes':
      return value instanceof Uint8Array && value.length === 0
    case 'struct': {
      if (value === null || typeof value !== 'object') return false
      const struct = value as Record<string, unknown>
      const unknown = struct.unknownTaggedFields
      if (Array.isArray(unknown) && unknown.length > 0) return false
      return Object.entries(field.fields!).every(([name, inner]) => isDefault(inner, struct[name]))
    }
    default:
      return value === defaultValue(field)
  }
}

export function existsIn(field: Field, version: number): boolean {
  return includesVersion(field.versions, version)
}

export function isTaggedIn(field: Field, version: number): boolean {
  return includesVersion(field.tagged, version)
}

export function isNullableIn(field: Field, version: number): boolean {
  return includesVersion(field.nullable, version)
}

export function describeVersions(field: Field): string {
  return formatVersions(field.versions)
}
