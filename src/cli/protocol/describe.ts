import type { Api, Message, Route } from '../../protocol/message.ts'
import { apis, messageNames, message as messageOf } from '../../protocol/registry.ts'
import {
  defaultValue,
  existsIn,
  type Field,
  type FieldMap,
  isDefault,
  isNullableIn,
  isTaggedIn,
} from '../../protocol/schema.ts'
import { formatVersions } from '../../protocol/version-range.ts'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import type { Io } from '../output.ts'
import { textTable } from '../table.ts'
import { subjectOf, versionOf } from './subject.ts'

const routes: Readonly<Record<Route, string>> = {
  any: 'any broker',
  broker: 'the broker that is asked',
  controller: 'the controller',
  partitionLeader: 'the leader of the partition',
  groupCoordinator: 'the coordinator of the group',
  transactionCoordinator: 'the coordinator of the transaction',
  shareCoordinator: 'the coordinator of the share group',
}

/** `kafkawire protocol describe`: what there is, or the grammar of one API or message, by version. */
export async function describe(
  name: string | undefined,
  versionText: string | undefined,
  io: Io,
): Promise<ExitCode> {
  if (name === undefined) {
    await io.stdout.print(listAll())
    return exitCodes.ok
  }
  const subject = subjectOf(name)
  const messages =
    subject.kind === 'data'
      ? [subject.message]
      : subject.direction === null
        ? [subject.api.request, subject.api.response]
        : [subject.api[subject.direction]]
  const only = versionText === undefined ? null : versionOf(versionText, subject.api ?? subject.message)
  if (subject.kind === 'api') await io.stdout.print(aboutApi(subject.api))
  else await io.stdout.print(aboutData(subject.message))
  for (const message of messages) {
    for (const text of grammars(message, only)) await io.stdout.print(`\n${text}`)
  }
  return exitCodes.ok
}

function listAll(): string {
  const rows = [...apis]
    .sort((a, b) => a.key - b.key || a.name.localeCompare(b.name))
    .map((api) => [
      String(api.key),
      api.name,
      formatVersions(api.versions),
      formatVersions(api.flexibleVersions),
      routes[api.route],
    ])
  const ofApis = new Set(apis.flatMap(({ request, response }) => [request.name, response.name]))
  const data = messageNames()
    .filter((name) => !ofApis.has(name))
    .map((name) => messageOf(name))
    .map((message) => ['', message.name, formatVersions(message.versions), flexibleOf(message), ''])
  return textTable(['KEY', 'NAME', 'VERSIONS', 'FLEXIBLE', 'ANSWERED BY'], [...rows, ...data])
}

function flexibleOf({ flexibleVersions }: Pick<Message, 'flexibleVersions'>): string {
  return formatVersions(flexibleVersions)
}

function aboutApi(api: Api): string {
  const { key, name, versions, stableVersions, route } = api
  const inTheMaking = versions.max > stableVersions.max ? `, of which ${versions.max} is in the making` : ''
  return [
    `${name}: API key ${key}`,
    `  versions     ${formatVersions(versions)}${inTheMaking}`,
    `  flexible     ${flexibleOf(api)}`,
    `  answered by  ${routes[route]}`,
    '',
  ].join('\n')
}

function aboutData(message: Message): string {
  const { name, versions } = message
  return `${name}: data\n  versions  ${formatVersions(versions)}\n  flexible  ${flexibleOf(message)}\n`
}

/** The grammar of each version; neighbours with the same one are put together. */
function grammars(message: Message, only: number | null): string[] {
  const { min, max } = only === null ? message.versions : { min: only, max: only }
  const groups: { from: number; to: number; grammar: string }[] = []
  for (let version = min; version <= max; version++) {
    const flexible = message.isFlexible(version)
    const grammar = linesOf(message.fields, version, flexible, '  ').join('\n')
    const last = groups.at(-1)
    if (last?.grammar === grammar) last.to = version
    else groups.push({ from: version, to: version, grammar })
  }
  return groups.map(({ from, to, grammar }) => {
    const head = `${message.name} v${formatVersions({ min: from, max: to })} =>`
    return grammar === '' ? `${head} nothing\n` : `${head}\n${grammar}\n`
  })
}

function linesOf(fields: FieldMap, version: number, flexible: boolean, indent: string): string[] {
  const here = Object.entries(fields).filter(([, field]) => existsIn(field, version))
  const lines = here
    .filter(([, field]) => !isTaggedIn(field, version))
    .flatMap(([name, field]) => fieldLines(name, field, version, flexible, indent))
  if (!flexible) return lines
  const tagged = here
    .filter(([, field]) => isTaggedIn(field, version))
    .sort(([, a], [, b]) => a.tag - b.tag)
    .flatMap(([name, field]) =>
      fieldLines(`tag ${field.tag}: ${name}`, field, version, flexible, `${indent}  `),
    )
  return [...lines, `${indent}_tagged_fields`, ...tagged]
}

function fieldLines(
  name: string,
  field: Field,
  version: number,
  flexible: boolean,
  indent: string,
): string[] {
  const isCompact = flexible && !field.keepsOldEncoding
  const notes = [typeText(field, isCompact)]
  if (isNullableIn(field, version)) notes.push('nullable')
  // Kafka's own default of the type (0, false, empty) says nothing new.
  if (field.default !== undefined && !isOwnDefault(field)) notes.push(`default ${defaultText(field)}`)
  const inner = structOf(field)
  const below = inner === null ? [] : linesOf(inner, version, flexible, `${indent}  `)
  return [`${indent}${name} => ${notes.join(', ')}`, ...below]
}

/** As Kafka's pages have it: `COMPACT_STRING`, `INT32`, `ARRAY OF INT32`. */
function typeText(field: Field, isCompact: boolean): string {
  const compact = isCompact ? 'COMPACT_' : ''
  switch (field.type) {
    case 'array':
      return `${compact}ARRAY${field.element!.type === 'struct' ? '' : ` OF ${typeText(field.element!, isCompact)}`}`
    case 'bool':
      return 'BOOLEAN'
    case 'string':
    case 'bytes':
    case 'records':
      return `${compact}${field.type.toUpperCase()}`
    default:
      return field.type.toUpperCase()
  }
}

/** The fields of a structure, or of the structures in an array. */
function structOf(field: Field): FieldMap | null {
  return field.type === 'array' ? structOf(field.element!) : field.fields
}

function isOwnDefault(field: Field): boolean {
  return isDefault({ ...field, default: undefined }, field.default)
}

function defaultText(field: Field): string {
  const value = defaultValue(field)
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value)
}
