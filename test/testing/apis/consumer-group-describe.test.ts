import { expect, it } from 'vitest'
import { consumerGroupDescribe } from '../../../src/protocol/apis/consumer-group-describe.ts'
import { offsetCommit } from '../../../src/protocol/apis/offset-commit.ts'
import { offsetFetch } from '../../../src/protocol/apis/offset-fetch.ts'
import type { ErrorName } from '../../../src/testing/error-codes.ts'
import { describeEitherKafka } from '../support/describe-either-kafka.ts'
import { newTopicName, RawConsumerGroup } from '../support/raw-consumer-member.ts'
import { nameOf } from '../support/raw-group.ts'

/** A little more than `consumer.assignment.interval.ms`. */
const untilNextAssignment = 1050

async function commit(
  group: RawConsumerGroup,
  topic: string,
  memberId: string,
  epoch: number,
  version = 9,
  partitions = [0, 1],
) {
  const { topics } = await group.client.send(offsetCommit, version, {
    groupId: group.groupId,
    memberId,
    generationIdOrMemberEpoch: epoch,
    topics: [
      {
        name: topic,
        partitions: partitions.map((partitionIndex) => ({ partitionIndex, committedOffset: 1n })),
      },
    ],
  })
  return topics[0]!.partitions.map(({ errorCode }) => nameOf(errorCode))
}

describeEitherKafka('ConsumerGroupDescribe', (kafka) => {
  it('tells all of a group and its members', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topicName = newTopicName()
    const topicId = await group.createTopic(topicName, 2)
    await group.join('a', [topicName], { instanceId: 'i', rackId: 'r' })

    const { groups } = await group.client.send(consumerGroupDescribe, 1, {
      groupIds: [group.groupId],
      includeAuthorizedOperations: true,
    })

    const topicPartitions = [{ topicId, topicName, partitions: [0, 1] }]
    expect(groups).toEqual([
      {
        errorCode: 0,
        errorMessage: null,
        groupId: group.groupId,
        groupState: 'Stable',
        groupEpoch: 2,
        assignmentEpoch: 2,
        assignorName: 'uniform',
        members: [
          {
            memberId: 'a',
            instanceId: 'i',
            rackId: 'r',
            memberEpoch: 2,
            clientId: 'raw',
            clientHost: '/127.0.0.1',
            subscribedTopicNames: [topicName],
            subscribedTopicRegex: '',
            assignment: { topicPartitions },
            targetAssignment: { topicPartitions },
            memberType: 1,
          },
        ],
        // READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS
        authorizedOperations: 3400,
      },
    ])
  })

  it('tells of groups that are not there, or have no id', async () => {
    await using group = await RawConsumerGroup.connect(kafka)

    const { groups } = await group.client.send(consumerGroupDescribe, 0, { groupIds: [group.groupId, ''] })

    expect(groups.map(({ errorCode, errorMessage }) => [nameOf(errorCode), errorMessage])).toEqual([
      ['INVALID_GROUP_ID', null],
      ['GROUP_ID_NOT_FOUND', `Group ${group.groupId} not found.`],
    ])
  })
})

describeEitherKafka('Offsets of a consumer group', (kafka) => {
  it('are committed by members in their epoch, and by others when there are no members', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topic = newTopicName()
    await group.createTopic(topic, 2)
    await group.join('a', [topic])

    expect(await commit(group, topic, 'a', 2)).toEqual(['NONE', 'NONE'])
    const refusals: [string, number, number, ErrorName][] = [
      ['a', 1, 9, 'STALE_MEMBER_EPOCH'],
      ['a', 3, 9, 'STALE_MEMBER_EPOCH'],
      ['a', -1, 9, 'STALE_MEMBER_EPOCH'],
      ['b', 2, 9, 'UNKNOWN_MEMBER_ID'],
      ['', -1, 9, 'UNKNOWN_MEMBER_ID'],
      ['a', 2, 8, 'UNSUPPORTED_VERSION'],
    ]
    for (const [memberId, epoch, version, error] of refusals) {
      expect(await commit(group, topic, memberId, epoch, version)).toEqual([error, error])
    }
    await group.beat({ memberEpoch: -1 })
    expect(await commit(group, topic, '', -1)).toEqual(['NONE', 'NONE'])
  })

  it('are committed in an older epoch for partitions that the member has held since', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topic = newTopicName()
    const topicId = await group.createTopic(topic, 2)
    await group.join('a', [topic])
    await group.join('b', [topic])
    await kafka.passTime(untilNextAssignment)
    const owned = [{ topicId, partitions: [0] }]
    expect(await group.beat({ memberEpoch: 2, topicPartitions: owned })).toMatchObject({ epoch: 3 })

    expect(await commit(group, topic, 'a', 2, 9, [0])).toEqual(['NONE'])
    expect(await commit(group, topic, 'a', 2, 9, [1])).toEqual(['STALE_MEMBER_EPOCH'])
    expect(await commit(group, topic, 'a', 2)).toEqual(['STALE_MEMBER_EPOCH', 'STALE_MEMBER_EPOCH'])
  })

  it('are told to members in their epoch, and to those who say nothing of themselves', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topic = newTopicName()
    await group.createTopic(topic, 2)
    await group.join('a', [topic])
    const fetch = async (memberId: string | null, memberEpoch: number) => {
      const { groups } = await group.client.send(offsetFetch, 9, {
        groups: [{ groupId: group.groupId, memberId, memberEpoch, topics: null }],
      })
      return nameOf(groups[0]!.errorCode)
    }

    expect(await fetch('a', 2)).toBe('NONE')
    expect(await fetch('a', 1)).toBe('STALE_MEMBER_EPOCH')
    expect(await fetch('b', 2)).toBe('UNKNOWN_MEMBER_ID')
    expect(await fetch(null, -1)).toBe('NONE')
  })
})
