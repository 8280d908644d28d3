import type { PartitionAssignor, TopicPartition } from './assignor.ts'
import { sortMembers, subscribedTopics } from './subscribed-topics.ts'

/**
 * Deals all partitions of all topics out like cards, one to each member in turn, passing over those that did not
 * subscribe to the topic (Java's RoundRobinAssignor). The turn goes on from topic to topic.
 */
export const roundRobinAssignor: PartitionAssignor = {
  name: 'roundrobin',
  rebalanceProtocol: 'eager',

  assign(members, cluster) {
    const sorted = sortMembers(members)
    const assigned = sorted.map((): TopicPartition[] => [])
    let nextMember = 0
    for (const { topic, partitionCount, subscribers } of subscribedTopics(sorted, cluster)) {
      // Nobody at or after the turn wants this topic: the round starts again at its first subscriber.
      let turn = Math.max(
        0,
        subscribers.findIndex((subscriber) => subscriber >= nextMember),
      )
      for (let partition = 0; partition < partitionCount; partition++) {
        const member = subscribers[turn]!
        assigned[member]!.push({ topic, partition })
        nextMember = member + 1
        turn = (turn + 1) % subscribers.length
      }
    }
    return new Map(sorted.map(({ memberId }, index) => [memberId, assigned[index]!]))
  },
}
