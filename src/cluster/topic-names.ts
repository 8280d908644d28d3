import type { Deadline } from '../deadline.ts'
import { metadata } from '../protocol/apis/metadata.ts'
import type { Cluster } from './cluster.ts'

/**
 * Looks up topics of which only the ids are known, so that `metadata.nameOf` tells their names; ids that no broker knows
 * (yet, or any more) or that may not be seen stay unknown. One try.
 *
 * @throws UnsupportedVersionError for brokers before Kafka 3.1, which know topics by name alone.
 */
export async function lookUpTopicIds(
  cluster: Cluster,
  topicIds: Iterable<string>,
  deadline: Deadline,
): Promise<void> {
  const topics = [...topicIds].map((topicId) => ({ topicId, name: null }))
  const body = { topics, allowAutoTopicCreation: false }
  const response = await cluster.request(metadata, body, { to: 'any', deadline, once: true })
  cluster.metadata.update(response)
}
