import type { Cluster } from '../cluster/cluster.ts'
import type { Deadline } from '../deadline.ts'
import { UnsupportedVersionError } from '../errors.ts'
import { createPartitions as createPartitionsApi } from '../protocol/apis/create-partitions.ts'
import { type CreateTopicsResponse, createTopics as createTopicsApi } from '../protocol/apis/create-topics.ts'
import { deleteTopics as deleteTopicsApi } from '../protocol/apis/delete-topics.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import type { CallOptions } from './admin-options.ts'
import {
  checkArray,
  checkBrokerIds,
  checkDistinct,
  checkInteger,
  checkName,
  checkNames,
  checkObject,
  checkTopicIds,
  int32Max,
  invalidArgument,
} from './arguments.ts'
import { askController, brokerTimeoutMs, controllerError, type ItemOutcome } from './controller-items.ts'
import { checkNewTopics, type NewTopic, newTopicsBody } from './new-topic.ts'
import type { ItemResult } from './results.ts'

export interface TopicCallOptions extends CallOptions {
  /** Try again what the controller puts off because of a quota (KIP-599), until the call's deadline. Default true. */
  retryOnQuotaViolation?: boolean | undefined
}

export interface ValidatedTopicCallOptions extends TopicCallOptions {
  /** Check the request and change nothing. Default false. */
  validateOnly?: boolean | undefined
}

/** Where the value of a configuration comes from (Java's ConfigEntry.ConfigSource). */
export type ConfigSource = (typeof configSources)[number]

/** By their number on the wire. */
const configSources = [
  'UNKNOWN',
  'DYNAMIC_TOPIC_CONFIG',
  'DYNAMIC_BROKER_CONFIG',
  'DYNAMIC_DEFAULT_BROKER_CONFIG',
  'STATIC_BROKER_CONFIG',
  'DEFAULT_CONFIG',
  'DYNAMIC_BROKER_LOGGER_CONFIG',
  'DYNAMIC_CLIENT_METRICS_CONFIG',
  'DYNAMIC_GROUP_CONFIG',
] as const

export interface ConfigEntry {
  readonly name: string
  /** Null when it is not set, or sensitive. */
  readonly value: string | null
  readonly source: ConfigSource
  readonly isReadOnly: boolean
  readonly isSensitive: boolean
}

export interface CreatedTopic {
  /** Null before Kafka 2.8, and when it was only validated. */
  readonly topicId: string | null
  /** Null before Kafka 2.4, or without the right to see the topic's configuration. As are the next two. */
  readonly numPartitions: number | null
  readonly replicationFactor: number | null
  readonly configs: readonly ConfigEntry[] | null
}

export type CreateTopicResult = ItemResult<{ readonly name: string }, CreatedTopic>

/** Topics by their ids; an array of strings is their names. */
export interface TopicIds {
  readonly ids: readonly string[]
}

/** `name` is null for an id that nobody has, `topicId` where the broker does not tell it (before Kafka 2.8). */
export type DeleteTopicResult = ItemResult<{ readonly name: string | null; readonly topicId: string | null }>

/** How many partitions a topic is to have (Java's NewPartitions). */
export interface NewPartitions {
  readonly topic: string
  /** The new number of partitions in all; more than there are now. */
  readonly totalCount: number
  /** Broker ids of the replicas of each new partition, the preferred leader first. Default: the controller chooses. */
  readonly assignments?: readonly (readonly number[])[] | undefined
}

export type CreatePartitionsResult = ItemResult<{ readonly topic: string }>

export async function createTopics(
  cluster: Cluster,
  topics: readonly NewTopic[],
  { validateOnly = false, retryOnQuotaViolation = true }: ValidatedTopicCallOptions,
  deadline: Deadline,
): Promise<CreateTopicResult[]> {
  checkNewTopics(topics)
  const byName = new Map(topics.map((topic) => [topic.name, topic]))
  const api = createTopicsApi.name
  const outcomes = await askController(
    cluster,
    [...byName.keys()],
    { deadline, api, retryOnQuotaViolation },
    async (names) => {
      const response = await cluster.request(
        createTopicsApi,
        (version) => {
          if (validateOnly && version < 1) throw tooOld('validateOnly', '0.10.2', api)
          return {
            topics: newTopicsBody(
              names.map((name) => byName.get(name)!),
              version,
            ),
            timeoutMs: brokerTimeoutMs(cluster, deadline),
            validateOnly,
          }
        },
        { to: 'controller', deadline, errorOf: (answer) => controllerError(answer.topics) },
      )
      return {
        throttleTimeMs: response.throttleTimeMs,
        outcomes: new Map(response.topics.map((topic) => [topic.name, createdTopic(topic, validateOnly)])),
      }
    },
  )
  return topics.map(({ name }) => result({ name }, outcomes.get(name)!))
}

function createdTopic(
  topic: CreateTopicsResponse['topics'][number],
  validateOnly: boolean,
): ItemOutcome<CreatedTopic> {
  if (topic.errorCode !== errorCodes.none) {
    const about = { topic: topic.name, api: createTopicsApi.name }
    return { error: new BrokerError(topic.errorCode, about, topic.errorMessage) }
  }
  return {
    value: {
      // When it only validates, the controller tells an id all the same, which no topic will have.
      topicId: validateOnly || topic.topicId === zeroUuid ? null : topic.topicId,
      numPartitions: topic.numPartitions < 0 ? null : topic.numPartitions,
      replicationFactor: topic.replicationFactor < 0 ? null : topic.replicationFactor,
      // Before version 5 the broker does not tell, and the list that stands for that is empty.
      configs:
        topic.numPartitions < 0 || topic.configs === null
          ? null
          : topic.configs.map(({ name, value, readOnly, configSource, isSensitive }) => ({
              name,
              value,
              source: configSources[configSource] ?? 'UNKNOWN',
              isReadOnly: readOnly,
              isSensitive,
            })),
    },
  }
}

export async function deleteTopics(
  cluster: Cluster,
  topics: readonly string[] | TopicIds,
  { retryOnQuotaViolation = true }: TopicCallOptions,
  deadline: Deadline,
): Promise<DeleteTopicResult[]> {
  if (typeof topics !== 'object' || topics === null) {
    throw invalidArgument('topics', topics, 'an array of names, or { ids }')
  }
  const byId = 'ids' in topics
  const keys = byId ? topics.ids : topics
  if (byId) checkTopicIds('topics.ids', keys)
  else checkNames('topics', keys)
  checkDistinct('topics', keys)
  const api = deleteTopicsApi.name
  const outcomes = await askController(
    cluster,
    keys,
    { deadline, api, retryOnQuotaViolation },
    async (open) => {
      const response = await cluster.request(
        deleteTopicsApi,
        (version) => {
          const timeoutMs = brokerTimeoutMs(cluster, deadline)
          if (version >= 6) {
            const wanted = open.map((key) => (byId ? { name: null, topicId: key } : { name: key }))
            return { topics: wanted, timeoutMs }
          }
          if (byId) throw tooOld('deleting topics by id', '2.8', api)
          return { topicNames: open, timeoutMs }
        },
        { to: 'controller', deadline, errorOf: (answer) => controllerError(answer.responses) },
      )
      const answers = response.responses.map((answer) => {
        const { name, errorCode, errorMessage } = answer
        const topicId = answer.topicId === zeroUuid ? null : answer.topicId
        const about = name === null ? { api } : { topic: name, api }
        const error = errorCode === errorCodes.none ? null : new BrokerError(errorCode, about, errorMessage)
        const outcome: ItemOutcome<{ name: string | null; topicId: string | null }> =
          error === null ? { value: { name, topicId } } : { error }
        return [(byId ? topicId : name) ?? '', outcome] as const
      })
      return { throttleTimeMs: response.throttleTimeMs, outcomes: new Map(answers) }
    },
  )
  return keys.map((key) => {
    const identity = byId ? { name: null, topicId: key } : { name: key, topicId: null }
    return result(identity, outcomes.get(key)!)
  })
}

export async function createPartitions(
  cluster: Cluster,
  topics: readonly NewPartitions[],
  { validateOnly = false, retryOnQuotaViolation = true }: ValidatedTopicCallOptions,
  deadline: Deadline,
): Promise<CreatePartitionsResult[]> {
  checkNewPartitions(topics)
  const byName = new Map(topics.map((one) => [one.topic, one]))
  const api = createPartitionsApi.name
  const outcomes = await askController(
    cluster,
    [...byName.keys()],
    { deadline, api, retryOnQuotaViolation },
    async (names) => {
      const response = await cluster.request(
        createPartitionsApi,
        () => ({
          topics: names.map((name) => {
            const { totalCount, assignments } = byName.get(name)!
            const replicas = assignments?.map((brokerIds) => ({ brokerIds })) ?? null
            return { name, count: totalCount, assignments: replicas }
          }),
          timeoutMs: brokerTimeoutMs(cluster, deadline),
          validateOnly,
        }),
        { to: 'controller', deadline, errorOf: (answer) => controllerError(answer.results) },
      )
      const answers = response.results.map(({ name, errorCode, errorMessage }) => {
        const outcome: ItemOutcome<object> =
          errorCode === errorCodes.none
            ? { value: {} }
            : { error: new BrokerError(errorCode, { topic: name, api }, errorMessage) }
        return [name, outcome] as const
      })
      return { throttleTimeMs: response.throttleTimeMs, outcomes: new Map(answers) }
    },
  )
  return topics.map(({ topic }) => result({ topic }, outcomes.get(topic)!))
}

function checkNewPartitions(topics: readonly NewPartitions[]): void {
  checkArray('topics', topics)
  for (const [at, one] of topics.entries()) {
    const what = `topics[${at}]`
    checkObject(what, one)
    checkName(`${what}.topic`, one.topic)
    checkInteger(`${what}.totalCount`, one.totalCount, 1, int32Max)
    if (one.assignments === undefined) continue
    checkArray(`${what}.assignments`, one.assignments)
    for (const [index, ids] of one.assignments.entries()) checkBrokerIds(`${what}.assignments[${index}]`, ids)
  }
  checkDistinct(
    'topics',
    topics.map(({ topic }) => topic),
  )
}

function result<I extends object, R extends object>(identity: I, outcome: ItemOutcome<R>): ItemResult<I, R> {
  return 'error' in outcome
    ? { ...identity, error: outcome.error }
    : { ...identity, ...outcome.value, error: null }
}

function tooOld(what: string, since: string, api: string): UnsupportedVersionError {
  return new UnsupportedVersionError(`${api}: ${what} needs a broker of Kafka ${since} or later`, { api })
}
