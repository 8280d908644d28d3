import { deleteTopics } from '../../protocol/apis/delete-topics.ts'
import type { StructInput } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/uuid.ts'
import { handler } from '../broker/api-handler.ts'
import { controllerRefusal } from '../broker/controller-refusal.ts'
import { repeated } from '../broker/repeated.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { type Outcome, refused } from '../cluster/refusal.ts'
import type { Topic } from '../cluster/topic.ts'
import { errors } from '../error-codes.ts'

type DeleteTopicsAnswer = StructInput<typeof deleteTopics.response.fields>
type TopicAnswer = NonNullable<DeleteTopicsAnswer['responses']>[number]

const done: Outcome = { errorCode: errors.NONE, errorMessage: null }

export const deleteTopicsHandler = handler(deleteTopics, (request, context) => {
  const { version, cluster } = context
  const asked =
    version >= 6 ? request.topics : request.topicNames.map((name) => ({ name, topicId: zeroUuid }))
  const all = refusalOfAll(request.timeoutMs, context)
  if (all !== null) return { responses: asked.map(({ name, topicId }) => ({ name, topicId, ...all })) }
  const responses: TopicAnswer[] = []
  const names: string[] = []
  const ids: string[] = []
  for (const { name, topicId } of asked) {
    const hasId = topicId !== zeroUuid
    if (name === null && !hasId) {
      const told = 'Neither topic name nor id were specified.'
      responses.push({ name, topicId, ...refused('INVALID_REQUEST', told) })
    } else if (name === null) ids.push(topicId)
    else if (!hasId) names.push(name)
    else {
      const told = 'You may not specify both topic name and topic id.'
      responses.push({ name, topicId, ...refused('INVALID_REQUEST', told) })
    }
  }
  const [nameTwice, idTwice] = [repeated(names), repeated(ids)]
  for (const name of nameTwice) {
    responses.push({ name, ...refused('INVALID_REQUEST', 'Duplicate topic name.') })
  }
  for (const topicId of idTwice) {
    responses.push({ name: null, topicId, ...refused('INVALID_REQUEST', 'Duplicate topic id.') })
  }
  const doomed = new Set<Topic>()
  for (const topicId of ids) {
    if (idTwice.has(topicId)) continue
    const topic = cluster.topics.byId(topicId)
    if (topic !== undefined && context.allows('DELETE', 'TOPIC', topic.name)) doomed.add(topic)
    else {
      // The name behind the id is told to those alone who may know it.
      const known = topic !== undefined && context.allows('DESCRIBE', 'TOPIC', topic.name)
      const why = topic === undefined ? 'UNKNOWN_TOPIC_ID' : 'TOPIC_AUTHORIZATION_FAILED'
      responses.push({ name: known ? topic.name : null, topicId, ...refused(why) })
    }
  }
  for (const name of names) {
    if (nameTwice.has(name)) continue
    const topic = cluster.topics.get(name)
    if (!context.allows('DESCRIBE', 'TOPIC', name)) {
      responses.push({ name, ...refused('TOPIC_AUTHORIZATION_FAILED') })
    } else if (topic === undefined) {
      responses.push({ name, ...refused('UNKNOWN_TOPIC_OR_PARTITION') })
    } else if (!context.allows('DELETE', 'TOPIC', name)) {
      responses.push({ name, ...refused('TOPIC_AUTHORIZATION_FAILED') })
    } else if (doomed.has(topic) || idTwice.has(topic.id)) {
      doomed.delete(topic)
      const told = 'The provided topic name maps to an ID that was already supplied.'
      responses.push({ name, topicId: topic.id, ...refused('INVALID_REQUEST', told) })
    } else doomed.add(topic)
  }
  for (const topic of doomed) {
    cluster.topics.delete(topic)
    responses.push({ name: topic.name, topicId: topic.id, ...done })
  }
  return { responses }
})

/** Why nothing is deleted at all; null: it is. */
function refusalOfAll(timeoutMs: number, context: RequestContext): Outcome | null {
  const refusal = controllerRefusal(context, timeoutMs)
  if (refusal !== null) return refusal
  if (context.cluster.config.getBoolean('delete.topic.enable')) return null
  // Clients before KIP-322 do not know of the code.
  return context.version < 3
    ? refused('INVALID_REQUEST', 'Topic deletion is disabled.')
    : refused('TOPIC_DELETION_DISABLED')
}
