import { closest } from '../../closest.ts'
import type { Api, Message } from '../../protocol/message.ts'
import { api as apiOf, apis, messageNames, message as messageOf } from '../../protocol/registry.ts'
import { formatVersions, includesVersion } from '../../protocol/version-range.ts'
import { UsageError } from '../usage-error.ts'

export type Direction = 'request' | 'response'

/** What a name on the command line stands for: one side of an API, or a message that is embedded in others. */
export type Subject =
  | { readonly kind: 'api'; readonly api: Api; readonly direction: Direction | null; readonly message: null }
  | { readonly kind: 'data'; readonly api: null; readonly direction: null; readonly message: Message }

const apiByName = new Map(apis.map((api) => [api.name.toLowerCase(), api]))
const nameByName = new Map(messageNames().map((name) => [name.toLowerCase(), name]))

/**
 * An API by key or name, `MetadataRequest` and `MetadataResponse` for one side of it, or a message by its name. Capital
 * and small letters are the same. Throws UsageError.
 */
export function subjectOf(name: string): Subject {
  const lower = name.toLowerCase()
  const byKey = /^\d+$/.test(name) ? apis.find(({ key }) => key === Number(name)) : undefined
  const api = byKey ?? apiByName.get(lower)
  if (api !== undefined) return { kind: 'api', api, direction: null, message: null }
  const known = nameByName.get(lower)
  if (known === undefined) throw new UsageError(unknown(name))
  const side = /^(.+)(Request|Response)$/.exec(known)
  const of = side === null ? undefined : apiByName.get(side[1]!.toLowerCase())
  if (of === undefined) return { kind: 'data', api: null, direction: null, message: messageOf(known) }
  return { kind: 'api', api: of, direction: side![2] === 'Request' ? 'request' : 'response', message: null }
}

/** An API by key or name. Throws UsageError, for data messages too. */
export function apiSubject(name: string): Subject & { readonly kind: 'api' } {
  const subject = subjectOf(name)
  if (subject.kind === 'api') return subject
  throw new UsageError(`${subject.message.name} is no API but data that is embedded in other messages`)
}

/** `v12` or `12`, checked against what there is. Throws UsageError. */
export function versionOf(text: string, of: Pick<Message, 'name' | 'versions'>): number {
  const match = /^v?(\d{1,5})$/i.exec(text)
  const allowed = formatVersions(of.versions)
  if (match === null) {
    throw new UsageError(
      `version ${JSON.stringify(text)}: v and a number are allowed, ${of.name} has ${allowed}`,
    )
  }
  const version = Number(match[1])
  if (includesVersion(of.versions, version)) return version
  throw new UsageError(`${of.name} has no version ${version}: allowed are ${allowed}`)
}

/** The API of a key on the wire; null for one that is not known here. */
export function apiOfKey(key: number): Api | null {
  return apis.some((api) => api.key === key) ? apiOf(key) : null
}

function unknown(name: string): string {
  const known = [...apis.map((api) => api.name), ...messageNames()]
  const meant = closest(name, [...new Set(known)])
  const hint = meant.length === 0 ? '' : `; did you mean ${meant.join(', ')}?`
  const highest = Math.max(...apis.map(({ key }) => key))
  const allowed = `allowed are Kafka's names and keys from 0 to ${highest}, kafkawire protocol describe lists them`
  return `${JSON.stringify(name)} is no API or message that is known${hint}; ${allowed}`
}
