import { leastSize, maxStringBytes, taggedSection } from '../compile-reader.ts'
import { ProtocolError } from '../errors.ts'
import { existsIn, type Field, type FieldMap, isNullableIn, isTaggedIn } from '../schema.ts'
import type { EntryList } from './entry-list.ts'
import { explainRecordBatches } from './explain-records.ts'

/**
 * Explains a structure by its declaration, as `compileReader` reads it: what is an error there is one here, at the same
 * byte and field.
 */
export function explainStruct(
  entries: EntryList,
  path: string,
  fields: FieldMap,
  version: number,
  flexible: boolean,
): void {
  const tagged = new Map<number, [string, Field]>()
  for (const [name, field] of Object.entries(fields)) {
    if (!existsIn(field, version)) continue
    if (isTaggedIn(field, version)) tagged.set(field.tag, [name, field])
    else explainField(entries, join(path, name), field, version, flexible)
  }
  if (flexible) explainTagged(entries, path, tagged, version)
}

function explainTagged(
  entries: EntryList,
  path: string,
  known: ReadonlyMap<number, readonly [string, Field]>,
  version: number,
): void {
  const { reader } = entries
  const section = join(path, taggedSection)
  const count = entries.uvarint(`${path}#tags`, 'tag count', undefined, section)
  if (count * 2 > reader.remaining) {
    entries.place(section, () => reader.malformed(`${count} tagged fields in ${reader.remaining} bytes`))
  }
  let unknown = 0
  let last = -1
  for (let i = 0; i < count; i++) {
    // Whose tag it is decides the path, so the bytes are looked at before they are put down.
    const at = reader.offset
    const tag = entries.place(section, () => reader.uvarint())
    reader.offset = at
    const found = known.get(tag)
    const name = join(path, found?.[0] ?? `unknownTaggedFields[${unknown++}]`)
    entries.uvarint(found === undefined ? `${name}.tag` : `${name}#tag`, 'tag', undefined, section)
    if (tag <= last) entries.warn(at, name, `tag ${tag} after tag ${last}: tags are to go up`)
    last = tag
    const size = entries.uvarint(`${name}#size`, 'tag size', undefined, section)
    if (found === undefined) {
      entries.warn(at, name, `tag ${tag} is unknown`)
      entries.read(`${name}.data`, 'unknown tagged field', () => reader.take(size), section)
    } else explainTaggedValue(entries, name, found[1], version, size)
  }
}

function explainTaggedValue(
  entries: EntryList,
  path: string,
  field: Field,
  version: number,
  size: number,
): void {
  const { reader } = entries
  entries.place(path, () => {
    if (size <= reader.remaining) return
    throw new ProtocolError('TRUNCATED', `${size} bytes needed, ${reader.remaining} left`, reader.offset)
  })
  const outerEnd = reader.end
  const end = reader.offset + size
  reader.end = end
  explainField(entries, path, field, version, true)
  if (reader.offset !== end) {
    entries.place(path, () =>
      reader.malformed(`tagged field of ${size} bytes has ${end - reader.offset} left over`),
    )
  }
  reader.end = outerEnd
}

function explainField(
  entries: EntryList,
  path: string,
  field: Field,
  version: number,
  flexible: boolean,
): void {
  const { reader } = entries
  const { type } = field
  const compact = flexible && !field.keepsOldEncoding
  const nullable = isNullableIn(field, version)
  switch (type) {
    case 'bool': {
      const at = reader.offset
      entries.read(path, type, () => reader.bool())
      const byte = reader.bytes[at]!
      if (byte > 1) entries.warn(at, path, `a boolean of ${byte}, which should be 0 or 1`)
      return
    }
    case 'string':
      return explainString(entries, path, compact, nullable)
    case 'bytes':
    case 'records': {
      const name = compact ? `compact ${type}` : type
      const length = explainLength(entries, path, '#length', name, compact ? 'compact' : 'int32', nullable)
      if (length === null) return
      if (type === 'bytes') {
        entries.read(path, name, () => reader.take(length))
        return
      }
      const at = reader.offset
      const value = entries.place(path, () => reader.take(length))
      reader.offset = at
      entries.add(at, 0, path, name, value)
      return explainRecordBatches(entries, path, length)
    }
    case 'array': {
      const name = compact ? 'compact array' : type
      const count = explainLength(entries, path, '#count', name, compact ? 'compact' : 'int32', nullable)
      if (count === null) return
      const element = field.element!
      if (count * Math.max(1, leastSize(element, version, flexible)) > reader.remaining) {
        entries.place(path, () => {
          throw new ProtocolError(
            'TRUNCATED',
            `${count} elements in ${reader.remaining} bytes`,
            reader.offset,
          )
        })
      }
      for (let i = 0; i < count; i++) explainField(entries, `${path}[${i}]`, element, version, flexible)
      return
    }
    case 'struct':
      if (nullable) {
        const at = reader.offset
        const marker = entries.read(`${path}#present`, 'int8', () => reader.int8())
        if (marker !== 1 && marker !== -1) {
          entries.warn(at, path, `a marker of ${marker}, which should be -1 or 1`)
        }
        if (marker < 0) return entries.add(reader.offset, 0, path, 'struct', null)
      }
      return explainStruct(entries, path, field.fields!, version, flexible)
    default:
      entries.read(path, type, () => reader[type]())
  }
}

function explainString(entries: EntryList, path: string, compact: boolean, nullable: boolean): void {
  const { reader } = entries
  const name = compact ? 'compact string' : 'string'
  const length = explainLength(entries, path, '#length', name, compact ? 'compact' : 'int16', nullable)
  if (length === null) return
  if (length > maxStringBytes) {
    entries.place(path, () => reader.malformed(`string of ${length} bytes, allowed are ${maxStringBytes}`))
  }
  const at = reader.offset
  const text = entries.read(path, name, () => reader.utf8(length))
  if (entries.strict && text.includes('\ufffd') && !isUtf8(reader.bytes.subarray(at, at + length))) {
    entries.warn(at, path, 'a string that is not UTF-8')
  }
}

/** The length or count of what stands at `path`; null for a null value, which then has its entry already. */
function explainLength(
  entries: EntryList,
  path: string,
  suffix: '#length' | '#count',
  type: string,
  encoding: 'compact' | 'int16' | 'int32',
  nullable: boolean,
): number | null {
  const { reader } = entries
  const kind = suffix.slice(1)
  const meaning = (length: number) => (length === -1 ? null : length)
  // The path of an error is that of the field, as the decoder tells it.
  const length = entries.place(path, () => {
    if (encoding === 'compact')
      return entries.uvarint(`${path}${suffix}`, `compact ${kind}`, (raw) => meaning(raw - 1)) - 1
    const at = reader.offset
    const raw = encoding === 'int16' ? reader.int16() : reader.int32()
    entries.add(at, reader.offset - at, `${path}${suffix}`, `${encoding} ${kind}`, meaning(raw))
    return raw
  })
  if (length >= 0) return length
  if (length !== -1) entries.place(path, () => reader.malformed(`length ${length}`))
  if (!nullable) entries.place(path, () => reader.malformed('null, which this version does not allow'))
  entries.add(reader.offset, 0, path, type, null)
  return null
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return true
  } catch {
    return false
  }
}
