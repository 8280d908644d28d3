import { createPartitions } from '../../protocol/apis/create-partitions.ts'
import type { StructInput, StructOf } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import { controllerRefusal } from '../broker/controller-refusal.ts'
import { repeated } from '../broker/repeated.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { checkNewReplicas, placeReplicas } from '../cluster/partition-assignment.ts'
import { attempt, Refusal, refused } from '../cluster/refusal.ts'

type TopicRequest = StructOf<typeof createPartitions.request.fields>['topics'][number]
type CreatePartitionsAnswer = StructInput<typeof createPartitions.response.fields>
type TopicAnswer = NonNullable<CreatePartitionsAnswer['results']>[number]

export const createPartitionsHandler = handler(createPartitions, (request, context) => {
  const { topics, validateOnly, timeoutMs } = request
  const refusal = controllerRefusal(context, timeoutMs)
  if (refusal !== null) return { results: topics.map(({ name }) => ({ name, ...refusal })) }
  const twice = repeated(topics.map(({ name }) => name))
  const results: TopicAnswer[] = [...twice].map((name) => ({
    name,
    ...refused('INVALID_REQUEST', 'Duplicate topic name.'),
  }))
  for (const topic of topics) {
    const { name } = topic
    if (twice.has(name)) continue
    if (!context.allows('ALTER', 'TOPIC', name)) {
      results.push({ name, ...refused('TOPIC_AUTHORIZATION_FAILED', null) })
    } else results.push({ name, ...attempt(() => enlarge(topic, validateOnly, context)) })
  }
  return { results }
})

/** Java's `ReplicationControlManager.createPartitions`. */
function enlarge(wanted: TopicRequest, validateOnly: boolean, { cluster }: RequestContext): void {
  const { name, count, assignments } = wanted
  const topic = cluster.topics.get(name)
  if (topic === undefined) throw new Refusal('UNKNOWN_TOPIC_OR_PARTITION', null)
  const present = topic.partitions.length
  if (count === present) {
    throw new Refusal('INVALID_PARTITIONS', `Topic already has ${present} partition(s).`)
  }
  if (count < present) {
    throw new Refusal(
      'INVALID_PARTITIONS',
      `The topic ${name} currently has ${present} partition(s); ${count} would not be an increase.`,
    )
  }
  const added = count - present
  if (assignments !== null && assignments.length !== added) {
    throw new Refusal(
      'INVALID_REPLICA_ASSIGNMENT',
      `Attempted to add ${added} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
    )
  }
  const factor = topic.partitions[0]!.replicas.length
  const chosen = assignments?.map(({ brokerIds }, i) => {
    checkNewReplicas(cluster, present + i, brokerIds, factor)
    return brokerIds
  })
  const assignment = chosen ?? placeReplicas(cluster, added, factor, present)
  if (!validateOnly) cluster.topics.addPartitions(topic, assignment)
}
