import { ProtocolError } from '../../protocol/errors.ts'
import { consumerProtocolSubscription, decodeVersioned } from '../../protocol/groups/consumer-protocol.ts'

/** All topics that members name in their metadata; null where one does not read as a consumer's. */
export function subscribedTopics(metadata: readonly Uint8Array[]): ReadonlySet<string> | null {
  const topics = new Set<string>()
  for (const bytes of metadata) {
    try {
      for (const topic of decodeVersioned(consumerProtocolSubscription, bytes).topics) topics.add(topic)
    } catch (error) {
      if (error instanceof ProtocolError) return null
      throw error
    }
  }
  return topics
}
