import type { Message } from '../src/protocol/message.ts'
import { apis, message, messageNames } from '../src/protocol/registry.ts'
import { existsIn, type Field, type FieldMap } from '../src/protocol/schema.ts'
import { formatVersions, versionRange } from '../src/protocol/version-range.ts'
import { type Difference, differences, fieldsOf } from './definition-differences.ts'
import type { KafkaDefinition } from './kafka-definitions.ts'

/**
 * What other definitions, those of a later Kafka as a rule, would add to or change in the declarations of this
 * package: one line each, new fields in the notation of `src/protocol/apis`. What they no longer have is no news,
 * unless it is a field that has gone from a version that they still have.
 */
export function definitionReport(definitions: readonly KafkaDefinition[]): string[] {
  const known = new Set(messageNames())
  return definitions.flatMap((definition) =>
    known.has(definition.name)
      ? changesOf(message(definition.name), definition)
      : [`${definition.name}: new message, ${summaryOf(definition)}`],
  )
}

function summaryOf(definition: KafkaDefinition): string {
  const { apiKey, validVersions, flexibleVersions = 'none' } = definition
  const key = apiKey === undefined ? '' : `key ${apiKey}, `
  return `${key}versions ${validVersions}, flexible ${flexibleVersions}: ${fieldsOf(definition)}`
}

function changesOf(ours: Message, definition: KafkaDefinition): string[] {
  const valid = versionRange(definition.validVersions)
  const lines: string[] = []
  if (valid.max > ours.versions.max) {
    const added = formatVersions({ min: Math.max(valid.min, ours.versions.max + 1), max: valid.max })
    lines.push(`${ours.name}: version ${added}, here ${formatVersions(ours.versions)}`)
  }
  const stable = apis.find(({ request }) => request === ours)?.stableVersions.max
  const stableThere = definition.latestVersionUnstable === true ? valid.max - 1 : valid.max
  if (stable !== undefined && stableThere > stable && stable < ours.versions.max) {
    lines.push(`${ours.name}: version ${ours.versions.max} is no longer in the making`)
  }
  for (const difference of differences(ours, definition)) {
    const isOfOldVersion =
      difference.what === 'extra' && !existsIn(fieldAt(ours.fields, difference.path), valid.max)
    if (!isOfOldVersion) lines.push(lineOf(ours.name, difference))
  }
  return lines
}

function lineOf(name: string, { path, what, here, there }: Difference): string {
  const field = path === '' ? name : `${name}.${path}`
  if (what === 'missing') return `${field.slice(0, field.lastIndexOf('.'))}: new field ${there}`
  if (what === 'extra') return `${field}: no longer there`
  return `${field}: ${what} is ${there} there, ${here} here`
}

/** The field of a path like `topics.partitions.offset`, which exists. */
function fieldAt(fields: FieldMap, path: string): Field {
  const [name = '', ...rest] = path.split('.')
  const field = fields[name]!
  return rest.length === 0 ? field : fieldAt((field.element ?? field).fields!, rest.join('.'))
}
