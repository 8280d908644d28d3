import type { Api } from '../../../src/protocol/message.ts'
import type { FieldMap } from '../../../src/protocol/schema.ts'
import { offeredApis } from '../../../src/testing/broker/handlers.ts'
import { versionProfile } from '../../../src/testing/versions/kafka-version.ts'
import type { Conversation } from './conversation.ts'

/** The same requests, to be sent to two Kafkas. */
export interface DifferentialCase {
  readonly name: string
  /** The API that it is about, at the versions in question. */
  readonly api: Api<FieldMap, FieldMap>
  readonly versions: readonly number[]
  readonly talk: (kafka: Conversation) => Promise<void>
}

type Talk = (kafka: Conversation) => Promise<void>

/** Cases about one API, by what they are about, each at the lowest, the middle and the highest version on offer. */
export function casesOf<Q extends FieldMap, S extends FieldMap>(
  api: Api<Q, S>,
  talks: Readonly<Record<string, Talk>>,
  versions: readonly number[] = sampledVersions(api as unknown as Api),
): DifferentialCase[] {
  return Object.entries(talks).map(([about, talk]) => ({
    name: `${api.name}: ${about}`,
    api: api as unknown as Api,
    versions,
    talk,
  }))
}

const offered = new Map(offeredApis(versionProfile('4.3')).map((one) => [one.api.key, one]))

/** APIs that the broker in memory offers as a Kafka 4.3. */
export const apisInMemory: readonly Api[] = [...offered.values()].map(({ api }) => api)

export function offeredVersions(api: Pick<Api, 'key' | 'name'>): { min: number; max: number } {
  const found = offered.get(api.key)
  if (found === undefined) throw new Error(`the broker in memory does not offer ${api.name}`)
  return found
}

function sampledVersions(api: Api): number[] {
  const { min, max } = offeredVersions(api)
  return [...new Set([min, (min + max) >> 1, max])]
}

export function allVersions<Q extends FieldMap, S extends FieldMap>(api: Api<Q, S>): number[] {
  const { min, max } = offeredVersions(api)
  return Array.from({ length: max - min + 1 }, (_, i) => min + i)
}
