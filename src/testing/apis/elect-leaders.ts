import { electLeaders } from '../../protocol/apis/elect-leaders.ts'
import { handler } from '../broker/api-handler.ts'
import { controllerRefusal } from '../broker/controller-refusal.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { electionTypes, electLeaderOf } from '../cluster/partition-election.ts'
import { attempt, type Outcome, refused } from '../cluster/refusal.ts'
import { errors } from '../error-codes.ts'

interface Asked {
  readonly topic: string
  readonly partitions: readonly number[]
}

export const electLeadersHandler = handler(electLeaders, (request, context) => {
  const { cluster, version } = context
  const { topicPartitions, electionType } = request
  const refusal = refusalOfAll(electionType, request.timeoutMs, context)
  if (refusal !== null) {
    const results = answer(topicPartitions ?? [], () => refusal)
    return { ...(version >= 1 ? { errorCode: refusal.errorCode } : {}), replicaElectionResults: results }
  }
  const elect = (topic: string, index: number) =>
    attempt(() => electLeaderOf(cluster, topic, index, electionType))
  if (topicPartitions !== null) return { replicaElectionResults: answer(topicPartitions, elect) }
  const all = [...cluster.topics].map(({ name, partitions }) => ({
    topic: name,
    partitions: partitions.map(({ index }) => index),
  }))
  // Asked for all, it tells only of those where there was something to do.
  const replicaElectionResults = answer(all, elect).map(({ topic, partitionResult }) => ({
    topic,
    partitionResult: partitionResult.filter(({ errorCode }) => errorCode !== errors.ELECTION_NOT_NEEDED),
  }))
  return { replicaElectionResults }
})

function refusalOfAll(electionType: number, timeoutMs: number, context: RequestContext): Outcome | null {
  if (!context.allows('ALTER', 'CLUSTER')) return refused('CLUSTER_AUTHORIZATION_FAILED')
  const refusal = controllerRefusal(context, timeoutMs)
  if (refusal !== null) return refusal
  const types: readonly number[] = Object.values(electionTypes)
  return types.includes(electionType)
    ? null
    : refused('INVALID_REQUEST', `Unknown election type ${electionType}`)
}

function answer(asked: readonly Asked[], elect: (topic: string, index: number) => Outcome) {
  return asked.map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => ({ partitionId, ...elect(topic, partitionId) })),
  }))
}
