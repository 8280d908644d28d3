import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** A field as Kafka's own message definitions have it (`clients/src/main/resources/common/message/*.json`). */
export interface KafkaField {
  readonly name: string
  /** `int32`, `[]string`, or the name of a structure. */
  readonly type: string
  readonly versions: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  readonly tag?: number
  readonly default?: string | number | boolean | null
  readonly ignorable?: boolean | string
  readonly flexibleVersions?: string
  readonly fields?: readonly KafkaField[]
}

/** A message as Kafka's own definitions have it. `fields` is missing where `validVersions` is `none`. */
export interface KafkaDefinition {
  readonly name: string
  readonly type: string
  readonly apiKey?: number
  readonly validVersions: string
  readonly flexibleVersions?: string
  readonly latestVersionUnstable?: boolean
  readonly fields?: readonly KafkaField[]
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly KafkaField[] }[]
}

/**
 * The messages that a path holds: a folder of Kafka's `*.json`, or a file with an array of them (`.json`, `.json.gz`).
 * Messages that were taken out (`validVersions` is `none`) and records of internal topics are left out.
 */
export function readDefinitions(path: string): KafkaDefinition[] {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => join(path, name))
    : [path]
  return files.flatMap(definitionsOfFile).filter(isMessage)
}

function definitionsOfFile(file: string): KafkaDefinition[] {
  const bytes = readFileSync(file)
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  const parsed = JSON.parse(withoutComments(text)) as KafkaDefinition | KafkaDefinition[]
  const definitions = Array.isArray(parsed) ? parsed : [parsed]
  for (const { name, type, validVersions } of definitions) {
    if (typeof name !== 'string' || typeof type !== 'string' || typeof validVersions !== 'string') {
      throw new Error(`${file}: a message definition has name, type and validVersions`)
    }
  }
  return definitions
}

function isMessage({ type, validVersions }: KafkaDefinition): boolean {
  return ['request', 'response', 'header', 'data'].includes(type) && validVersions !== 'none'
}

/** Kafka's files have comments, which JSON has not; what looks like one inside of a string stays. */
export function withoutComments(text: string): string {
  return text.replace(
    /("(?:[^"\\]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, inString: string = '') => inString,
  )
}

/** The fields of the structure that a field holds, or holds an array of; null for primitive types. */
export function innerFields(field: KafkaField, definition: KafkaDefinition): readonly KafkaField[] | null {
  if (field.fields !== undefined) return field.fields
  const name = elementType(field)
  return definition.commonStructs?.find((common) => common.name === name)?.fields ?? null
}

/** `[]string` holds `string`. */
export function elementType(field: KafkaField): string {
  return field.type.startsWith('[]') ? field.type.slice(2) : field.type
}

/** Names of fields begin with a lower-case letter here. */
export function fieldName(field: KafkaField): string {
  return field.name.charAt(0).toLowerCase() + field.name.slice(1)
}

/** The default as Kafka's generator understands it; undefined for the type's own (0, '', false, empty). */
export function defaultOf(field: KafkaField): string | number | bigint | boolean | null | undefined {
  const given = field.default
  if (given === undefined) return undefined
  if (given === null || given === 'null') return null
  switch (field.type) {
    case 'bool':
      return String(given) === 'true' || undefined
    case 'string':
      return String(given) === '' ? undefined : String(given)
    case 'int64':
      return integer(String(given), BigInt) || undefined
    case 'float64':
      return Number(given) || undefined
    default:
      return integer(String(given), Number) || undefined
  }
}

/** Also hexadecimal, with a sign: `-0x80000000`. */
function integer<T extends number | bigint>(text: string, parse: (text: string) => T): T {
  return text.startsWith('-') ? (-parse(text.slice(1)) as T) : parse(text)
}
