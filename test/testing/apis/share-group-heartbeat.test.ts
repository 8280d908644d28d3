import { expect, it } from 'vitest'
import { alterShareGroupOffsets } from '../../../src/protocol/apis/alter-share-group-offsets.ts'
import { consumerGroupHeartbeat } from '../../../src/protocol/apis/consumer-group-heartbeat.ts'
import { deleteShareGroupOffsets } from '../../../src/protocol/apis/delete-share-group-offsets.ts'
import { shareGroupDescribe } from '../../../src/protocol/apis/share-group-describe.ts'
import type { shareGroupHeartbeat } from '../../../src/protocol/apis/share-group-heartbeat.ts'
import type { StructInput } from '../../../src/protocol/schema.ts'
import { describeEitherKafka } from '../support/describe-either-kafka.ts'
import { nameOf } from '../support/raw-group.ts'
import { RawShareGroup } from '../support/raw-share-member.ts'

type Fields = StructInput<typeof shareGroupHeartbeat.request.fields>

describeEitherKafka('ShareGroupHeartbeat', (kafka) => {
  it('assigns partitions once the group has a state of them', async () => {
    await using group = await RawShareGroup.connect(kafka)

    const joined = await group.beat({ memberId: 'a', memberEpoch: 0, subscribedTopicNames: [group.topic] })

    expect(joined).toEqual({ error: 'NONE', message: null, epoch: 2, assignment: [] })
    let beat = await group.beat({ memberId: 'a', memberEpoch: 2 })
    while (beat.assignment === null) {
      await kafka.passTime(500)
      beat = await group.beat({ memberId: 'a', memberEpoch: 2 })
    }
    expect(beat).toEqual({ error: 'NONE', message: null, epoch: 3, assignment: [0] })
    const { groups } = await group.client.send(shareGroupDescribe, 1, { groupIds: [group.groupId] })
    expect(groups).toMatchObject([
      {
        groupState: 'Stable',
        groupEpoch: 3,
        assignmentEpoch: 3,
        assignorName: 'simple',
        members: [
          {
            memberId: 'a',
            memberEpoch: 3,
            clientId: 'raw',
            clientHost: '/127.0.0.1',
            subscribedTopicNames: [group.topic],
            assignment: {
              topicPartitions: [{ topicId: group.topicId, topicName: group.topic, partitions: [0] }],
            },
          },
        ],
      },
    ])
  })

  it('fences a member with an epoch that it does not have', async () => {
    await using group = await RawShareGroup.connect(kafka)
    await group.beat({ memberId: 'a', memberEpoch: 0, subscribedTopicNames: [group.topic] })

    expect(await group.beat({ memberId: 'a', memberEpoch: 99 })).toMatchObject({
      error: 'FENCED_MEMBER_EPOCH',
      message:
        'The share group member has a greater member epoch (99) than the one known by the group coordinator (2). The member must abandon all its partitions and rejoin.',
    })
  })

  it('lets members go, and knows nothing of those that never came', async () => {
    await using group = await RawShareGroup.connect(kafka)
    const { groupId } = group
    expect(await group.beat({ memberId: 'a', memberEpoch: 5 })).toMatchObject({
      error: 'GROUP_ID_NOT_FOUND',
      message: `Share group ${groupId} not found.`,
    })
    expect(await group.beat({ memberId: 'a', memberEpoch: -1 })).toMatchObject({
      error: 'GROUP_ID_NOT_FOUND',
      message: `Group ${groupId} not found.`,
    })
    await group.beat({ memberId: 'a', memberEpoch: 0, subscribedTopicNames: [group.topic] })

    expect(await group.beat({ memberId: 'b', memberEpoch: -1 })).toMatchObject({
      error: 'UNKNOWN_MEMBER_ID',
      message: `Member b is not a member of group ${groupId}.`,
    })
    expect(await group.beat({ memberId: 'a', memberEpoch: -1 })).toMatchObject({ error: 'NONE', epoch: -1 })
    const { groups } = await group.client.send(shareGroupDescribe, 1, { groupIds: [groupId] })
    expect(groups[0]).toMatchObject({ groupState: 'Empty', members: [] })
  })

  it.each<[string, Fields, string | null]>([
    ['an empty member id', { memberId: '', memberEpoch: 0, subscribedTopicNames: ['t'] }, null],
    [
      'an empty group id',
      { groupId: '', memberId: 'a', memberEpoch: 0, subscribedTopicNames: ['t'] },
      "GroupId can't be empty.",
    ],
    [
      'an empty rack',
      { memberId: 'a', memberEpoch: 0, rackId: '', subscribedTopicNames: ['t'] },
      "RackId can't be empty.",
    ],
    ['an epoch below -1', { memberId: 'a', memberEpoch: -2 }, 'MemberEpoch is invalid.'],
    [
      'no topics when joining',
      { memberId: 'a', memberEpoch: 0, subscribedTopicNames: [] },
      'SubscribedTopicNames must be set in first request.',
    ],
  ])('refuses %s', async (_what, fields, message) => {
    await using group = await RawShareGroup.connect(kafka)

    expect(await group.beat(fields)).toMatchObject({ error: 'INVALID_REQUEST', message })
  })

  it('keeps groups of different kinds apart', async () => {
    await using group = await RawShareGroup.connect(kafka)
    const { groupId, client, topic } = group
    const consumer = {
      memberId: 'c',
      memberEpoch: 0,
      rebalanceTimeoutMs: 1000,
      subscribedTopicNames: [topic],
      topicPartitions: [],
    }
    await group.beat({ memberId: 'a', memberEpoch: 0, subscribedTopicNames: [topic] })
    expect(await client.send(consumerGroupHeartbeat, 1, { groupId, ...consumer })).toMatchObject({
      errorMessage: `Group ${groupId} is not a consumer group.`,
    })
    const other = `${groupId}-consumer`
    await client.send(consumerGroupHeartbeat, 1, { groupId: other, ...consumer })
    const message = `Group ${other} is not a share group.`

    expect(
      await group.beat({ groupId: other, memberId: 'a', memberEpoch: 0, subscribedTopicNames: [topic] }),
    ).toMatchObject({ error: 'GROUP_ID_NOT_FOUND', message })
    const { groups } = await client.send(shareGroupDescribe, 1, { groupIds: [other] })
    expect(groups[0]).toMatchObject({ errorMessage: message })
    const topics = [{ topicName: topic, partitions: [] }]
    const altered = await client.send(alterShareGroupOffsets, 0, { groupId: other, topics })
    expect([nameOf(altered.errorCode), altered.errorMessage]).toEqual(['GROUP_ID_NOT_FOUND', message])
    const deleted = await client.send(deleteShareGroupOffsets, 0, {
      groupId: other,
      topics: [{ topicName: topic }],
    })
    expect([nameOf(deleted.errorCode), deleted.errorMessage]).toEqual(['GROUP_ID_NOT_FOUND', message])
  })
})
