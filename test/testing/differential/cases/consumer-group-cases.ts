import { consumerGroupDescribe } from '../../../../src/protocol/apis/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../../../../src/protocol/apis/consumer-group-heartbeat.ts'
import { describeGroups } from '../../../../src/protocol/apis/describe-groups.ts'
import { offsetCommit } from '../../../../src/protocol/apis/offset-commit.ts'
import type { Conversation } from '../conversation.ts'
import { casesOf } from '../differential-case.ts'

const memberId = 'Yh5Sk2YsQ5CSO2Z2bSPjyw'

async function started(kafka: Conversation) {
  const topic = await kafka.topic('topic', 3)
  const groupId = kafka.named('group')
  await kafka.coordinator(groupId)
  const joining = {
    groupId,
    memberId,
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: [topic.name],
    topicPartitions: [],
  }
  return { topic, groupId, joining }
}

export const consumerGroupCases = [
  ...casesOf(
    consumerGroupHeartbeat,
    {
      'a member comes, stays, and goes': async (kafka) => {
        const { topic, groupId, joining } = await started(kafka)
        const joined = await kafka.ask(consumerGroupHeartbeat, joining)
        const { memberEpoch } = joined!
        const member = joined!.memberId!
        kafka.know(member, '<the member>')
        const beat = (more: object) =>
          kafka.ask(consumerGroupHeartbeat, { groupId, memberId: member, memberEpoch, ...more })
        const topicPartitions = [{ topicId: topic.id, partitions: [0, 1, 2] }]
        await beat({ topicPartitions })
        await kafka.ask(consumerGroupDescribe, { groupIds: [groupId] })
        await kafka.ask(describeGroups, { groups: [groupId] })
        await beat({ memberEpoch: memberEpoch - 1 })
        await beat({ memberEpoch: memberEpoch + 5 })
        await beat({ memberId: 'AAAAAAAAAAAAAAAAAAAAAQ' })
        const commit = {
          groupId,
          topics: [
            {
              name: topic.name,
              topicId: topic.id,
              partitions: [{ partitionIndex: 0, committedOffset: 1n, committedMetadata: '' }],
            },
          ],
        }
        for (const epoch of [memberEpoch, memberEpoch - 1, memberEpoch + 1, -1]) {
          await kafka.ask(offsetCommit, { ...commit, memberId: member, generationIdOrMemberEpoch: epoch })
        }
        await kafka.ask(offsetCommit, { ...commit, memberId: 'nobody', generationIdOrMemberEpoch: 1 })
        await kafka.ask(offsetCommit, commit)
        await beat({ memberEpoch: -1 })
        await beat({})
        await kafka.ask(consumerGroupDescribe, { groupIds: [groupId] })
      },
      'what is not allowed': async (kafka) => {
        const { groupId, joining, topic } = await started(kafka)
        const join = (more: object) => kafka.ask(consumerGroupHeartbeat, { ...joining, ...more })
        await join({ groupId: '' })
        await join({ memberEpoch: -3 })
        await join({ memberEpoch: 1 })
        await join({ memberEpoch: -1 })
        await join({ memberEpoch: -2 })
        await join({ memberEpoch: -2, instanceId: 'static' })
        await join({ rebalanceTimeoutMs: -1 })
        await join({ topicPartitions: null })
        await join({ subscribedTopicNames: null })
        await join({ subscribedTopicNames: [] })
        await join({ subscribedTopicNames: [''] })
        await join({ instanceId: '' })
        await join({ rackId: '' })
        await join({ serverAssignor: 'no-such-assignor' })
        await join({ serverAssignor: '' })
        await join({ topicPartitions: [{ topicId: topic.id, partitions: [0] }] })
        if (kafka.version >= 1) {
          await join({ memberId: '' })
          await join({ subscribedTopicRegex: '(' })
        }
        await kafka.ask(consumerGroupDescribe, { groupIds: [groupId] })
      },
      'static members': async (kafka) => {
        const { groupId, joining } = await started(kafka)
        const joined = await kafka.ask(consumerGroupHeartbeat, { ...joining, instanceId: 'static' })
        const ids = { groupId, memberId: joined!.memberId!, instanceId: 'static' }
        kafka.know(ids.memberId, '<the member>')
        const other = { ...joining, instanceId: 'static', memberId: 'AAAAAAAAAAAAAAAAAAAAAQ' }
        await kafka.ask(consumerGroupHeartbeat, other)
        await kafka.ask(consumerGroupHeartbeat, { ...ids, memberEpoch: -2 })
        await kafka.ask(consumerGroupDescribe, { groupIds: [groupId] })
        await kafka.ask(consumerGroupHeartbeat, other)
        await kafka.ask(consumerGroupHeartbeat, { ...ids, memberEpoch: joined!.memberEpoch })
        await kafka.ask(consumerGroupHeartbeat, { ...ids, memberEpoch: 1, instanceId: 'none' })
      },
    },
    [0, 1],
  ),
  ...casesOf(
    consumerGroupDescribe,
    {
      'groups that are not': async (kafka) => {
        await kafka.coordinator(kafka.named('none'))
        await kafka.ask(consumerGroupDescribe, { groupIds: [kafka.named('none')] })
        await kafka.ask(consumerGroupDescribe, { groupIds: [''] })
        await kafka.ask(consumerGroupDescribe, { groupIds: [] })
        await kafka.ask(consumerGroupDescribe, {
          groupIds: [kafka.named('none')],
          includeAuthorizedOperations: true,
        })
      },
    },
    [0, 1],
  ),
]
