import type { Message } from '../src/protocol/message.ts'
import type { Field, FieldMap } from '../src/protocol/schema.ts'
import { formatVersions, versionRange } from '../src/protocol/version-range.ts'
import {
  defaultOf,
  elementType,
  fieldName,
  innerFields,
  type KafkaDefinition,
  type KafkaField,
} from './kafka-definitions.ts'

export interface Difference {
  /** For instance `topics.partitions.records`; empty for the message itself. */
  readonly path: string
  /** `missing` here, `extra` here, or the property that differs: `type`, `versions`, `nullable`, `default`, ... */
  readonly what: string
  readonly here: string
  readonly there: string
}

interface Property {
  readonly what: string
  readonly here: string
  readonly there: string
}

/**
 * Deviations on purpose. 4.4.0 has no request header version 0 any more, and so no need to leave the client id out of
 * it; we write that version, as 3.9.1 does.
 */
const deliberate = new Set(['RequestHeader.clientId ignorable'])

/** Where a declaration of ours and a definition of Kafka's differ, field by field. Not: the versions that are valid. */
export function differences(message: Message, definition: KafkaDefinition): Difference[] {
  const flexible = formatVersions(message.flexibleVersions)
  const top = differing('', [
    { what: 'flexible', here: flexible, there: normal(definition.flexibleVersions ?? 'none') },
  ])
  const all = [...top, ...fieldDifferences(message.fields, definition.fields ?? [], definition, '')]
  return all.filter(({ path, what }) => !deliberate.has(`${message.name}.${path} ${what}`))
}

function fieldDifferences(
  here: FieldMap,
  there: readonly KafkaField[],
  definition: KafkaDefinition,
  within: string,
): Difference[] {
  const found: Difference[] = []
  const names = new Set(there.map(fieldName))
  for (const name of Object.keys(here)) {
    if (!names.has(name)) found.push({ path: within + name, what: 'extra', here: name, there: '' })
  }
  const shared = Object.keys(here).filter((name) => names.has(name))
  const sharedThere = [...names].filter((name) => Object.hasOwn(here, name))
  // The order of the fields is their order on the wire.
  found.push(
    ...differing(within.slice(0, -1), [{ what: 'order', here: shared.join(), there: sharedThere.join() }]),
  )
  for (const theirs of there) {
    const path = within + fieldName(theirs)
    const ours = here[fieldName(theirs)]
    if (ours === undefined) {
      found.push({ path, what: 'missing', here: '', there: declarationOf(theirs, definition) })
      continue
    }
    found.push(...differing(path, properties(ours, theirs, definition)))
    const inner = innerFields(theirs, definition)
    const ourInner = (ours.element ?? ours).fields
    if (inner !== null && ourInner !== null) {
      found.push(...fieldDifferences(ourInner, inner, definition, `${path}.`))
    }
  }
  return found
}

function properties(ours: Field, theirs: KafkaField, definition: KafkaDefinition): Property[] {
  const isStruct = innerFields(theirs, definition) !== null
  const element = isStruct ? 'struct' : elementType(theirs)
  return [
    {
      what: 'type',
      here: ours.element === null ? ours.type : `[]${ours.element.type}`,
      there: theirs.type.startsWith('[]') ? `[]${element}` : element,
    },
    { what: 'versions', here: formatVersions(ours.versions), there: normal(theirs.versions) },
    {
      what: 'nullable',
      here: formatVersions(ours.nullable),
      there: normal(theirs.nullableVersions ?? 'none'),
    },
    { what: 'tag', here: String(ours.tag), there: String(theirs.tag ?? -1) },
    { what: 'tagged', here: formatVersions(ours.tagged), there: normal(theirs.taggedVersions ?? 'none') },
    { what: 'default', here: literal(ours.default), there: literal(defaultOf(theirs)) },
    { what: 'ignorable', here: String(ours.ignorable), there: String(isIgnorable(theirs)) },
    {
      what: 'keeps its old encoding',
      here: String(ours.keepsOldEncoding),
      there: String(theirs.flexibleVersions === 'none'),
    },
  ]
}

function differing(path: string, all: readonly Property[]): Difference[] {
  return all.filter(({ here, there }) => here !== there).map((property) => ({ path, ...property }))
}

/** The declaration of a field, as it would stand in `src/protocol/apis`. */
export function declarationOf(field: KafkaField, definition: KafkaDefinition): string {
  return `${fieldName(field)}: ${initializerOf(field, definition)}`
}

/** The declarations of all fields of a message. */
export function fieldsOf(definition: KafkaDefinition): string {
  return structure(definition.fields ?? [], definition)
}

function initializerOf(field: KafkaField, definition: KafkaDefinition): string {
  const inner = innerFields(field, definition)
  const isArray = field.type.startsWith('[]')
  const first = inner !== null ? [structure(inner, definition)] : isArray ? [`${elementType(field)}()`] : []
  const options = optionsOf(field)
  const versions = field.versions === '0+' && options === '' ? [] : [`'${field.versions}'`]
  const args = [...first, ...versions, ...(options === '' ? [] : [`{ ${options} }`])]
  const declare = isArray ? 'array' : inner !== null ? 'struct' : field.type
  return `${declare}(${args.join(', ')})`
}

function structure(fields: readonly KafkaField[], definition: KafkaDefinition): string {
  if (fields.length === 0) return '{}'
  return `{ ${fields.map((field) => declarationOf(field, definition)).join(', ')} }`
}

function optionsOf(field: KafkaField): string {
  const { nullableVersions: nullable, taggedVersions: tagged, versions } = field
  const standard = defaultOf(field)
  const options: string[] = []
  if (nullable !== undefined) options.push(`nullable: ${nullable === versions ? 'true' : `'${nullable}'`}`)
  if (standard !== undefined) options.push(`default: ${literal(standard)}`)
  if (isIgnorable(field)) options.push('ignorable: true')
  if (field.tag !== undefined) options.push(`tag: ${field.tag}`)
  if (tagged !== undefined && tagged !== versions) options.push(`tagged: '${tagged}'`)
  if (field.flexibleVersions === 'none') options.push("flexible: 'none'")
  return options.join(', ')
}

function isIgnorable(field: KafkaField): boolean {
  return String(field.ignorable) === 'true'
}

function literal(value: unknown): string {
  return typeof value === 'bigint' ? `${value}n` : typeof value === 'string' ? `'${value}'` : String(value)
}

/** `3-3` and `3` are the same. */
function normal(versions: string): string {
  return formatVersions(versionRange(versions))
}
