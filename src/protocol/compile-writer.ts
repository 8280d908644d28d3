import { ByteWriter } from './byte-writer.ts'
import { ProtocolError } from './errors.ts'
import {
  defaultValue,
  describeVersions,
  existsIn,
  type Field,
  type FieldMap,
  isDefault,
  isNullableIn,
  isTaggedIn,
  type UnknownTaggedField,
} from './schema.ts'

export type WriteValue = (writer: ByteWriter, value: unknown) => void
type Struct = Readonly<Record<string, unknown>>

const maxStringBytes = 0x7fff
const unknownFields = 'unknownTaggedFields'

interface Step {
  readonly name: string
  readonly field: Field
  readonly write: WriteValue
}

/** Builds the writer of a structure at one version. What is left out is written as its default. */
export function compileWriter(fields: FieldMap, version: number, flexible: boolean): WriteValue {
  const steps: Step[] = []
  const tagged: Step[] = []
  const absent: [string, Field][] = []
  for (const [name, field] of Object.entries(fields)) {
    if (existsIn(field, version)) {
      const list = isTaggedIn(field, version) ? tagged : steps
      list.push({ name, field, write: compileField(field, version, flexible) })
    } else if (!field.ignorable) {
      absent.push([name, field])
    }
  }
  tagged.sort((a, b) => a.field.tag - b.field.tag)
  return (writer, value) => {
    if (value === null || typeof value !== 'object') {
      throw new ProtocolError('UNENCODABLE', `an object expected, got ${String(value)}`)
    }
    const struct = value as Struct
    for (let i = 0; i < absent.length; i++) {
      const [name, field] = absent[i]!
      if (!isDefault(field, struct[name])) {
        const where = `version ${version} does not have it, versions ${describeVersions(field)} do`
        throw new ProtocolError('UNENCODABLE', `set, but ${where}`).within(name)
      }
    }
    let i = 0
    try {
      for (; i < steps.length; i++) {
        const { name, field, write } = steps[i]!
        const inner = struct[name]
        write(writer, inner === undefined ? defaultValue(field) : inner)
      }
    } catch (error) {
      throw error instanceof ProtocolError ? error.within(steps[i]!.name) : error
    }
    if (flexible) writeTagged(writer, tagged, struct)
    else if ((struct.unknownTaggedFields as unknown[] | undefined)?.length) {
      refuse(`version ${version} has no tagged fields`, unknownFields)
    }
  }
}

function writeTagged(writer: ByteWriter, known: readonly Step[], struct: Struct): void {
  const unknown = struct.unknownTaggedFields as readonly UnknownTaggedField[] | undefined
  // Nearly every structure has none of either kind.
  if (known.length === 0 && unknown === undefined) return writer.uvarint(0)
  const entries: { tag: number; data: Uint8Array }[] = []
  for (const step of known) {
    if (isDefault(step.field, struct[step.name])) continue
    const content = new ByteWriter()
    try {
      step.write(content, struct[step.name])
    } catch (error) {
      throw error instanceof ProtocolError ? error.within(step.name) : error
    }
    entries.push({ tag: step.field.tag, data: content.toBytes() })
  }
  if (unknown !== undefined) {
    addUnknown(entries, unknown, known)
    entries.sort((a, b) => a.tag - b.tag)
  }
  writer.uvarint(entries.length)
  for (const { tag, data } of entries) {
    writer.uvarint(tag)
    writer.uvarint(data.length)
    writer.raw(data)
  }
}

/** Java refuses all of it too, where it writes its `RawTaggedField`s. */
function addUnknown(
  entries: { tag: number; data: Uint8Array }[],
  unknown: readonly UnknownTaggedField[],
  known: readonly Step[],
): void {
  if (!Array.isArray(unknown)) refuse(`an array expected, got ${typeof unknown}`, unknownFields)
  const tags = new Set<number>()
  for (const [i, field] of unknown.entries()) {
    const path = `${unknownFields}[${i}]`
    if (field === null || typeof field !== 'object') refuse(`an object expected, got ${String(field)}`, path)
    const { tag, data } = field
    if (!Number.isInteger(tag) || tag < 0 || tag > 0x7fffffff) {
      refuse(`tag ${String(tag)}, allowed are 0 to 2147483647`, path)
    }
    if (!(data instanceof Uint8Array)) refuse(`a Uint8Array expected as data, got ${typeof data}`, path)
    if (known.some((step) => step.field.tag === tag)) refuse(`tag ${tag} belongs to a declared field`, path)
    if (tags.has(tag)) refuse(`tag ${tag} is there twice`, path)
    tags.add(tag)
    entries.push({ tag, data })
  }
}

function refuse(reason: string, path: string): never {
  throw new ProtocolError('UNENCODABLE', reason).within(path)
}

function compileField(field: Field, version: number, flexible: boolean): WriteValue {
  const write = compileType(field, version, flexible)
  if (field.type === 'struct' || isNullableIn(field, version)) return write
  return (writer, value) => {
    if (value === null)
      throw new ProtocolError('UNENCODABLE', `null, which version ${version} does not allow`)
    write(writer, value)
  }
}

function compileType(field: Field, version: number, flexible: boolean): WriteValue {
  const compact = flexible && !field.keepsOldEncoding
  switch (field.type) {
    case 'bool':
      return (writer, value) => writer.bool(value as boolean)
    case 'int8':
      return (writer, value) => writer.int8(value as number)
    case 'int16':
      return (writer, value) => writer.int16(value as number)
    case 'uint16':
      return (writer, value) => writer.uint16(value as number)
    case 'int32':
      return (writer, value) => writer.int32(value as number)
    case 'uint32':
      return (writer, value) => writer.uint32(value as number)
    case 'int64':
      return (writer, value) => writer.int64(value as bigint)
    case 'float64':
      return (writer, value) => writer.float64(value as number)
    case 'uuid':
      return (writer, value) => writer.uuid(value as string)
    case 'string':
      return (writer, value) => {
        if (value === null) return compact ? writer.uvarint(0) : writer.int16(-1)
        writer.utf8(value as string, (length) => {
          if (length > maxStringBytes) {
            throw new ProtocolError('UNENCODABLE', `string of ${length} bytes, allowed are ${maxStringBytes}`)
          }
          if (compact) writer.uvarint(length + 1)
          else writer.int16(length)
        })
      }
    case 'bytes':
    case 'records':
      return (writer, value) => {
        if (value === null) return compact ? writer.uvarint(0) : writer.int32(-1)
        if (!(value instanceof Uint8Array)) {
          throw new ProtocolError('UNENCODABLE', `a Uint8Array expected, got ${typeof value}`)
        }
        if (compact) writer.uvarint(value.length + 1)
        else writer.int32(value.length)
        writer.raw(value)
      }
    case 'array':
      return compileArray(field.element!, version, flexible, compact)
    case 'struct': {
      const write = compileWriter(field.fields!, version, flexible)
      if (!isNullableIn(field, version)) return write
      return (writer, value) => {
        writer.int8(value === null ? -1 : 1)
        if (value !== null) write(writer, value)
      }
    }
  }
}

function compileArray(element: Field, version: number, flexible: boolean, compact: boolean): WriteValue {
  const write = element.type === 'int32' ? null : compileField(element, version, flexible)
  return (writer, value) => {
    if (value === null) return compact ? writer.uvarint(0) : writer.int32(-1)
    if (!Array.isArray(value))
      throw new ProtocolError('UNENCODABLE', `an array expected, got ${typeof value}`)
    if (compact) writer.uvarint(value.length + 1)
    else writer.int32(value.length)
    // Replicas, in-sync replicas, partitions of topics.
    if (write === null) return writer.int32s(value)
    let i = 0
    try {
      for (; i < value.length; i++) write(writer, value[i])
    } catch (error) {
      throw error instanceof ProtocolError ? error.within(`[${i}]`) : error
    }
  }
}
