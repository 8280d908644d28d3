import { createTopics } from '../../protocol/apis/create-topics.ts'
import type { StructInput } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import { controllerRefusal } from '../broker/controller-refusal.ts'
import { repeated } from '../broker/repeated.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { attempt, refused } from '../cluster/refusal.ts'
import type { Topic } from '../cluster/topic.ts'
import { planTopic, type WantedTopic } from '../cluster/topic-creation.ts'
import type { NewTopicSpec } from '../cluster/topics.ts'
import { topicConfigDefinitions } from '../configs/known-configs.ts'
import { TopicConfig } from '../configs/topic-config.ts'
import { errors } from '../error-codes.ts'

type CreateTopicsAnswer = StructInput<typeof createTopics.response.fields>
type TopicAnswer = NonNullable<CreateTopicsAnswer['topics']>[number]

/** Of one request (Java's `MAX_PARTITIONS_PER_BATCH`). */
const mostPartitions = 10_000

/** The log of the KRaft controllers, which is no topic. */
const metadataTopic = '__cluster_metadata'

export const createTopicsHandler = handler(createTopics, (request, context) => {
  const { topics, validateOnly, timeoutMs } = request
  const twice = repeated(topics.map(({ name }) => name))
  const refusal = controllerRefusal(context, timeoutMs)
  // Duplicates alone need no controller.
  if (refusal !== null && topics.some(({ name }) => !twice.has(name))) {
    return { topics: topics.map(({ name }) => ({ name, ...refusal })) }
  }
  const allowed = (name: string) =>
    context.allows('CREATE', 'CLUSTER') || context.allows('CREATE', 'TOPIC', name)
  const existing = [...context.cluster.topics]
  const partitions = topics.reduce(
    (sum, one) => sum + Math.max(one.numPartitions, one.assignments.length, 0),
    0,
  )
  if (context.cluster.profile.raft && partitions > mostPartitions) {
    const violation = refused('POLICY_VIOLATION', 'Excessively large number of partitions per request.')
    return { topics: topics.map(({ name }) => ({ name, ...violation })) }
  }
  const answers: TopicAnswer[] = []
  const last: TopicAnswer[] = []
  for (const topic of topics) {
    const { name } = topic
    if (twice.has(name)) continue
    if (name === metadataTopic) {
      const told = `Creation of internal topic ${metadataTopic} is prohibited.`
      last.push({ name, ...refused('INVALID_REQUEST', told) })
    } else if (!allowed(name)) {
      last.push({ name, ...refused('TOPIC_AUTHORIZATION_FAILED', 'Authorization failed.') })
    } else answers.push(create(topic, validateOnly, existing, context))
  }
  // As Kafka: what never reached the controller is told last.
  const duplicates = [...twice].map((name) => ({
    name,
    ...refused('INVALID_REQUEST', 'Duplicate topic name.'),
  }))
  return { topics: [...answers, ...duplicates, ...last] }
})

function create(
  wanted: WantedTopic,
  validateOnly: boolean,
  existing: readonly Topic[],
  context: RequestContext,
): TopicAnswer {
  const { cluster } = context
  const { name } = wanted
  let planned: NewTopicSpec | null = null
  const outcome = attempt(() => {
    planned = planTopic(cluster, wanted, existing)
  })
  if (planned === null) return { name, ...outcome }
  const spec: NewTopicSpec = planned
  // Kafka gives an id even to what is only tried.
  const topicId = validateOnly ? cluster.random.uuid() : cluster.topics.create(spec).id
  return { name, topicId, ...outcome, ...told(spec, context) }
}

/** What was made of the request (KIP-525), for those who may read configs. */
function told({ name, assignment, configs = {} }: NewTopicSpec, context: RequestContext): TopicAnswer {
  if (!context.allows('DESCRIBE_CONFIGS', 'TOPIC', name)) {
    return { topicConfigErrorCode: errors.TOPIC_AUTHORIZATION_FAILED, configs: null }
  }
  const config = new TopicConfig(context.cluster.config, configs)
  return {
    numPartitions: assignment.length,
    replicationFactor: assignment[0]!.length,
    configs: [...topicConfigDefinitions().values()]
      .filter(({ internal }) => !internal)
      .map(({ name: config_ }) => {
        const { definition, value, source } = config.describe(config_)
        const { readOnly, sensitive } = definition
        return { name: config_, value, readOnly, configSource: source, isSensitive: sensitive }
      }),
  }
}
