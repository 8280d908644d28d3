import { Backoff } from '../backoff.ts'
import type { Deadline } from '../deadline.ts'
import { InvalidArgumentError } from '../errors.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Cluster } from './cluster.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** `topic-partition`, for maps. A topic's name can end in `-1` too, so it is the whole text that tells them apart. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

/** An answer about one partition. */
export type PartitionOutcome<R> = { readonly value: R } | { readonly error: KafkaError }

/**
 * Asks the leaders of many partitions, one request a leader, and again for those partitions whose leader has moved,
 * until each has an answer or the deadline is there.
 *
 * @param ask sends one request to one node about these partitions (with the leader epochs that are believed in), and
 *   gives an outcome for each of them.
 * @returns an outcome for each item, by `partitionKey`.
 */
export async function askLeaders<T extends TopicPartition, R>(
  cluster: Cluster,
  items: readonly T[],
  deadline: Deadline,
  ask: (nodeId: number, items: readonly T[]) => Promise<Map<string, PartitionOutcome<R>>>,
): Promise<Map<string, PartitionOutcome<R>>> {
  const done = new Map<string, PartitionOutcome<R>>()
  const backoff = new Backoff(cluster.options.retryBackoffMs, cluster.options.retryBackoffMaxMs)
  const failures = new Map<string, KafkaError>()
  let open: readonly T[] = items
  for (let round = 0; ; round++) {
    const retry: T[] = []
    const again = (item: T, error: KafkaError) => {
      retry.push(item)
      const key = partitionKey(item)
      // When the deadline ends a later try, what went wrong before says more than that.
      if (error.code !== 'API_TIMEOUT' || !failures.has(key)) failures.set(key, error)
    }
    const byLeader = await groupByLeader(cluster, open, deadline, done, again, round > 0)
    await Promise.all(
      [...byLeader].map(async ([nodeId, mine]) => {
        let outcomes: Map<string, PartitionOutcome<R>>
        try {
          outcomes = await ask(nodeId, mine)
        } catch (error) {
          if (!(error instanceof KafkaError && error.retriable)) throw error
          for (const item of mine) again(item, error)
          return
        }
        for (const item of mine) {
          const outcome = outcomes.get(partitionKey(item)) ?? { error: unanswered(item) }
          if ('error' in outcome && outcome.error.retriable) again(item, outcome.error)
          else done.set(partitionKey(item), outcome)
        }
      }),
    )
    if (retry.length === 0) return done
    if (deadline.expired) {
      for (const key of retry.map(partitionKey)) done.set(key, { error: failures.get(key)! })
      return done
    }
    await cluster.pause(backoff.next(), deadline)
    const topics = new Set(retry.map((item) => item.topic))
    // It failing is no reason to give up: the next round asks for what it needs, and says why it is not there.
    await deadline.race(cluster.metadata.refresh(topics), 'metadata').catch(() => {})
    deadline.throwIfAborted()
    open = retry
  }
}

async function groupByLeader<T extends TopicPartition, R>(
  cluster: Cluster,
  items: readonly T[],
  deadline: Deadline,
  done: Map<string, PartitionOutcome<R>>,
  again: (item: T, error: KafkaError) => void,
  isRefreshed: boolean,
): Promise<Map<number, T[]>> {
  const topicErrors = new Map<string, KafkaError>()
  await Promise.all(
    [...new Set(items.map((item) => item.topic))].map(async (name) => {
      try {
        await cluster.metadata.topic(name, deadline)
      } catch (error) {
        if (!(error instanceof KafkaError) || error.code.startsWith('TLS_') || error.fatal) throw error
        topicErrors.set(name, error)
      }
    }),
  )
  const byLeader = new Map<number, T[]>()
  for (const item of items) {
    const { topic, partition } = item
    const topicError = topicErrors.get(topic)
    if (topicError !== undefined) {
      done.set(partitionKey(item), { error: topicError })
      continue
    }
    const known = cluster.metadata.get(topic)
    if (known !== null && known.partitions[partition] === undefined) {
      const error = noSuchPartition(topic, partition, known.partitions.length)
      // What is known can be older than the partition: partitions are added to topics.
      if (isRefreshed || !(Number.isSafeInteger(partition) && partition >= 0)) {
        done.set(partitionKey(item), { error })
      } else {
        again(item, error)
      }
      continue
    }
    const leader = known?.partitions[partition]?.leader ?? -1
    if (leader < 0) {
      again(item, new BrokerError(errorCodes.leaderNotAvailable, { topic, partition }))
      continue
    }
    const mine = byLeader.get(leader)
    if (mine === undefined) byLeader.set(leader, [item])
    else mine.push(item)
  }
  return byLeader
}

export function noSuchPartition(topic: string, partition: number, count: number): InvalidArgumentError {
  const allowed = count === 1 ? 'only 0 exists' : `allowed are 0 to ${count - 1}`
  return new InvalidArgumentError(`topic ${topic} has no partition ${partition}: ${allowed}`, {
    topic,
    partition,
  })
}

function unanswered({ topic, partition }: TopicPartition): KafkaError {
  return new KafkaError('INVALID_RESPONSE', `${topic}-${partition}: the broker's answer leaves it out`, {
    topic,
    partition,
  })
}

/** Partitions as most requests want them: by topic. */
export function byTopic<T extends TopicPartition>(items: readonly T[]): Map<string, T[]> {
  const topics = new Map<string, T[]>()
  for (const item of items) {
    const mine = topics.get(item.topic)
    if (mine === undefined) topics.set(item.topic, [item])
    else mine.push(item)
  }
  return topics
}
