import type { Api } from '../../protocol/message.ts'
import {
  existsIn,
  type Field,
  type FieldMap,
  isNullableIn,
  type StructInput,
  type StructOf,
} from '../../protocol/schema.ts'
import { type ErrorName, errors } from '../error-codes.ts'

type Values = Record<string, unknown>

/** Fields that hold the error; others of type int16 are not about what was asked for. */
const errorFields: ReadonlySet<string> = new Set(['errorCode', 'partitionErrorCode'])

/** Lists of an answer, by the list of the request that they answer, where that has another name. */
const counterparts: Readonly<Record<string, readonly string[]>> = {
  coordinators: ['coordinatorKeys'],
  filterResults: ['filters'],
  groups: ['groupIds'],
  partitionResponses: ['partitionData'],
  partitionResult: ['partitions'],
  partitions: ['partitionIndexes'],
  replicaElectionResults: ['topicPartitions'],
  responses: ['topics', 'topicData', 'resources', 'topicNames'],
  results: ['topics', 'creations', 'resources', 'groupsNames', 'users', 'featureUpdates'],
  resultsByPartition: ['partitions'],
  resultsByTopicV3AndBelow: ['v3AndBelowTopics'],
  resultsByTransaction: ['transactions'],
  topicResults: ['topics'],
  transactionStates: ['transactionalIds'],
}

/** Lists that Java leaves empty, for the error of the whole says it all. */
const leftEmpty: ReadonlySet<string> = new Set([
  'DescribeLogDirs.results',
  'DescribeQuorum.topics',
  'LeaveGroup.members',
  'OffsetDelete.topics',
])

/** Fields that tell what an item of a list is about, and what the request calls the same. */
const identities: Readonly<Record<string, readonly string[]>> = {
  entity: [],
  feature: [],
  groupId: [],
  index: [],
  key: [],
  name: [],
  partition: [],
  partitionId: [],
  partitionIndex: ['partition'],
  producerId: [],
  resourceName: [],
  resourceType: [],
  topic: [],
  topicId: [],
  topicName: ['name'],
  transactionalId: [],
  user: ['name'],
}

/** What Java puts where there is nothing to tell, and the declarations have another default. */
const nothing: Readonly<Values> = {
  baseOffset: -1n,
  committedOffset: -1n,
  endOffset: -1n,
  highWatermark: -1n,
  lastStableOffset: -1n,
  logAppendTimeMs: -1n,
  logStartOffset: -1n,
  lowWatermark: -1n,
  nodeId: -1,
  port: -1,
  records: new Uint8Array(0),
}

/** Requests whose answer names things in another order than they do. */
const reshaped: Readonly<Record<string, (request: Values) => Values>> = {
  AlterReplicaLogDirs: ({ dirs }) => ({
    topics: (dirs as { topics: unknown[] }[]).flatMap(({ topics }) => topics),
  }),
  AlterUserScramCredentials: ({ deletions, upsertions }) => {
    const all = [...(deletions as { name: string }[]), ...(upsertions as { name: string }[])]
    return { users: [...new Set(all.map(({ name }) => name))].map((name) => ({ name })) }
  },
}

/**
 * An answer that says the same error of everything that `request` names (Java's `getErrorResponse`), and of the request as
 * a whole.
 */
export function errorAnswer(
  api: Api<FieldMap, FieldMap>,
  version: number,
  request: StructOf<FieldMap>,
  code: ErrorName,
): StructInput<FieldMap> {
  const walk = new ErrorWalk(api, version, errors[code])
  const asked = reshaped[api.name]?.(request as Values) ?? (request as Values)
  const answer = walk.struct(api.response.fields, asked)
  // The session goes on, and the client tells by its id that it does.
  if (api.name === 'Fetch' && version >= 7) answer.sessionId = (request as Values).sessionId
  // Java has no null there, although the later versions have.
  if (api.name === 'Metadata') for (const topic of answer.topics as Values[]) topic.name ??= ''
  return answer as StructInput<FieldMap>
}

class ErrorWalk {
  readonly #api: Api<FieldMap, FieldMap>
  readonly #version: number
  readonly #code: number

  constructor(api: Api<FieldMap, FieldMap>, version: number, code: number) {
    this.#api = api
    this.#version = version
    this.#code = code
  }

  struct(fields: FieldMap, asked: Values): Values {
    const answer: Values = {}
    for (const [name, field] of Object.entries(fields)) {
      if (!existsIn(field, this.#version)) continue
      if (errorFields.has(name)) answer[name] = this.#code
      else if (this.#tellsErrors(field)) answer[name] = this.#list(name, field, asked)
      else if (Object.hasOwn(nothing, name)) answer[name] = nothing[name]
      else if (field.default === null && !isNullableIn(field, this.#version)) answer[name] = empty(field)
    }
    return answer
  }

  /** Whether a list has errors in it at all; others are about what went well. */
  #tellsErrors(field: Field): boolean {
    const fields = field.type === 'array' ? field.element?.fields : null
    return (
      fields != null &&
      Object.entries(fields).some(
        ([name, inner]) =>
          existsIn(inner, this.#version) && (errorFields.has(name) || this.#tellsErrors(inner)),
      )
    )
  }

  #list(name: string, field: Field, asked: Values): Values[] {
    if (leftEmpty.has(`${this.#api.name}.${name}`)) return []
    const names = [name, ...(counterparts[name] ?? [])]
    // In a version that has not the field it is there all the same, and empty.
    const items = names
      .map((one) => asked[one])
      .find((one): one is unknown[] => Array.isArray(one) && one.length > 0)
    return (items ?? []).map((item) => this.#item(field.element!.fields!, item))
  }

  #item(fields: FieldMap, asked: unknown): Values {
    if (typeof asked !== 'object' || asked === null) {
      const names = Object.keys(fields).filter((name) => this.#identifies(name, fields))
      const name = names.find((one) => (fields[one]!.type === 'string') === (typeof asked === 'string'))
      return { ...this.struct(fields, {}), ...(name === undefined ? {} : { [name]: asked }) }
    }
    const request = asked as Values
    const answer = this.struct(fields, request)
    for (const [name, field] of Object.entries(fields)) {
      if (!this.#identifies(name, fields)) continue
      const given = [name, ...identities[name]!].map((one) => request[one])
      const value = given.find((one) => one !== undefined && one !== null)
      if (value !== undefined) answer[name] = value
      else if (isNullableIn(field, this.#version)) answer[name] = null
      else answer[name] = empty(field)
    }
    return answer
  }

  #identifies(name: string, fields: FieldMap): boolean {
    return Object.hasOwn(identities, name) && existsIn(fields[name]!, this.#version)
  }
}

/** Of a field that has a default of null, in a version in which it may not be null. */
function empty(field: Field): unknown {
  switch (field.type) {
    case 'array':
      return []
    case 'string':
      return ''
    case 'bytes':
    case 'records':
      return new Uint8Array(0)
    default:
      return undefined
  }
}
