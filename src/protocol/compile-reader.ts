import type { ByteReader } from './byte-reader.ts'
import { ProtocolError } from './errors.ts'
import {
  defaultValue,
  existsIn,
  type Field,
  type FieldMap,
  isNullableIn,
  isTaggedIn,
  type UnknownTaggedField,
} from './schema.ts'

export type ReadValue = (reader: ByteReader) => unknown
type Struct = Record<string, unknown>

/** Longest string of the protocol, as Java's generated readers check it. */
export const maxStringBytes = 0x7fff

/** Path of an error between declared fields: in the count, a tag or a size of the tagged fields (KIP-482). */
export const taggedSection = 'taggedFields'

/**
 * Builds the reader of a structure at one version, from closures: no generated source text, so it runs where `eval`
 * is forbidden. What depends on the version is decided here, once, and never while reading.
 */
export function compileReader(fields: FieldMap, version: number, flexible: boolean): ReadValue {
  const names: string[] = []
  const reads: ReadValue[] = []
  const tagged = new Map<number, { name: string; read: ReadValue }>()
  const template: Struct = {}
  const fresh: [string, () => unknown][] = []
  for (const [name, field] of Object.entries(fields)) {
    // Fields that this version lacks get their default, so that every version yields an object of the same shape
    // and callers never test for `undefined`.
    const standard = defaultValue(field)
    template[name] = standard
    if (existsIn(field, version)) {
      const read = compileField(field, version, flexible)
      if (!isTaggedIn(field, version)) {
        names.push(name)
        reads.push(read)
        continue
      }
      tagged.set(field.tag, { name, read })
    }
    // A template's array or structure would be shared by all values read.
    if (isShareable(standard)) continue
    fresh.push([name, compileDefault(field, standard)])
  }
  const count = reads.length
  return (reader) => {
    const value: Struct = { ...template }
    for (let i = 0; i < fresh.length; i++) {
      const [name, make] = fresh[i]!
      value[name] = make()
    }
    let i = 0
    try {
      for (; i < count; i++) value[names[i]!] = reads[i]!(reader)
    } catch (error) {
      throw error instanceof ProtocolError ? error.within(names[i]!) : error
    }
    if (flexible) readTagged(reader, tagged, value)
    return value
  }
}

/** Whether all values read may hold this same default: it is a primitive, or empty bytes, where nothing can be changed. */
function isShareable(standard: unknown): boolean {
  return typeof standard !== 'object' || standard === null || standard instanceof Uint8Array
}

/** What makes the default of an array or a structure. A Fetch response has three such structures a partition. */
function compileDefault(field: Field, standard: unknown): () => unknown {
  if (Array.isArray(standard)) return () => []
  const template = standard as Struct
  if (Object.values(template).every(isShareable)) return () => ({ ...template })
  return () => defaultValue(field)
}

function readTagged(
  reader: ByteReader,
  known: Map<number, { name: string; read: ReadValue }>,
  value: Struct,
): void {
  // Path of an error: the section, or the declared field in it that is being read.
  let step = taggedSection
  try {
    const count = reader.uvarint()
    if (count === 0) return
    // Each takes two bytes at the least: its tag and its size.
    if (count * 2 > reader.remaining) reader.malformed(`${count} tagged fields in ${reader.remaining} bytes`)
    let unknown: UnknownTaggedField[] | undefined
    for (let i = 0; i < count; i++) {
      step = taggedSection
      const tag = reader.uvarint()
      const size = reader.uvarint()
      const field = known.get(tag)
      if (field === undefined) {
        unknown ??= []
        unknown.push({ tag, data: reader.take(size) })
        continue
      }
      step = field.name
      if (size > reader.remaining) {
        throw new ProtocolError('TRUNCATED', `${size} bytes needed, ${reader.remaining} left`, reader.offset)
      }
      const outerEnd = reader.end
      const end = reader.offset + size
      reader.end = end
      value[field.name] = field.read(reader)
      if (reader.offset !== end)
        reader.malformed(`tagged field of ${size} bytes has ${end - reader.offset} left over`)
      reader.end = outerEnd
    }
    if (unknown !== undefined) value.unknownTaggedFields = unknown
  } catch (error) {
    throw error instanceof ProtocolError ? error.within(step) : error
  }
}

function compileField(field: Field, version: number, flexible: boolean): ReadValue {
  const compact = flexible && !field.keepsOldEncoding
  const nullable = isNullableIn(field, version)
  switch (field.type) {
    case 'bool':
      return (reader) => reader.bool()
    case 'int8':
      return (reader) => reader.int8()
    case 'int16':
      return (reader) => reader.int16()
    case 'uint16':
      return (reader) => reader.uint16()
    case 'int32':
      return (reader) => reader.int32()
    case 'uint32':
      return (reader) => reader.uint32()
    case 'int64':
      return (reader) => reader.int64()
    case 'float64':
      return (reader) => reader.float64()
    case 'uuid':
      return (reader) => reader.uuid()
    case 'string':
      return (reader) => {
        const length = compact ? reader.uvarint() - 1 : reader.int16()
        if (length < 0) return nothing(reader, length, nullable)
        if (length > maxStringBytes)
          reader.malformed(`string of ${length} bytes, allowed are ${maxStringBytes}`)
        return reader.utf8(length)
      }
    case 'bytes':
    case 'records':
      return (reader) => {
        const length = compact ? reader.uvarint() - 1 : reader.int32()
        return length < 0 ? nothing(reader, length, nullable) : reader.take(length)
      }
    case 'array':
      return compileArray(field.element!, version, flexible, compact, nullable)
    case 'struct': {
      const read = compileReader(field.fields!, version, flexible)
      if (!nullable) return read
      // KIP-893: a nullable structure is announced by an int8, -1 for null and 1 for a value.
      return (reader) => {
        const marker = reader.int8()
        if (marker < 0) return null
        return read(reader)
      }
    }
  }
}

function compileArray(
  element: Field,
  version: number,
  flexible: boolean,
  compact: boolean,
  nullable: boolean,
): ReadValue {
  if (element.type === 'int32') return compileInt32Array(compact, nullable)
  const read = compileField(element, version, flexible)
  // The least that one element takes: what a count may claim is checked against it before anything is made.
  const least = Math.max(1, leastSize(element, version, flexible))
  return (reader) => {
    const count = compact ? reader.uvarint() - 1 : reader.int32()
    if (count < 0) return nothing(reader, count, nullable)
    if (count * least > reader.remaining) {
      throw new ProtocolError('TRUNCATED', `${count} elements in ${reader.remaining} bytes`, reader.offset)
    }
    const values: unknown[] = []
    let i = 0
    try {
      for (; i < count; i++) values.push(read(reader))
    } catch (error) {
      throw error instanceof ProtocolError ? error.within(`[${i}]`) : error
    }
    return values
  }
}

/** Replicas, in-sync replicas, partitions of topics: three of them stand in each partition of a Metadata response. */
function compileInt32Array(compact: boolean, nullable: boolean): ReadValue {
  return (reader) => {
    const count = compact ? reader.uvarint() - 1 : reader.int32()
    if (count < 0) return nothing(reader, count, nullable)
    return reader.int32s(count)
  }
}

function nothing(reader: ByteReader, length: number, nullable: boolean): null {
  if (length !== -1) reader.malformed(`length ${length}`)
  if (!nullable) reader.malformed('null, which this version does not allow')
  return null
}

/** Fewest bytes that a value of this field can take. */
export function leastSize(field: Field, version: number, flexible: boolean): number {
  switch (field.type) {
    case 'bool':
    case 'int8':
      return 1
    case 'int16':
    case 'uint16':
      return 2
    case 'int32':
    case 'uint32':
      return 4
    case 'int64':
    case 'float64':
      return 8
    case 'uuid':
      return 16
    case 'string':
      return flexible ? 1 : 2
    case 'bytes':
    case 'records':
    case 'array':
      return flexible ? 1 : 4
    case 'struct': {
      if (isNullableIn(field, version)) return 1
      let size = flexible ? 1 : 0
      for (const inner of Object.values(field.fields!)) {
        if (existsIn(inner, version) && !isTaggedIn(inner, version))
          size += leastSize(inner, version, flexible)
      }
      return size
    }
  }
}
