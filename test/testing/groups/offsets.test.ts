import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { consumerGroupHeartbeat } from '../../../src/protocol/apis/consumer-group-heartbeat.ts'
import { deleteGroups } from '../../../src/protocol/apis/delete-groups.ts'
import { describeGroups } from '../../../src/protocol/apis/describe-groups.ts'
import { listGroups } from '../../../src/protocol/apis/list-groups.ts'
import { offsetCommit } from '../../../src/protocol/apis/offset-commit.ts'
import { offsetDelete } from '../../../src/protocol/apis/offset-delete.ts'
import { offsetFetch } from '../../../src/protocol/apis/offset-fetch.ts'
import {
  consumerProtocolSubscription,
  encodeVersioned,
} from '../../../src/protocol/groups/consumer-protocol.ts'
import type { StructInput } from '../../../src/protocol/schema.ts'
import { type AnyKafka, describeAnyKafka } from '../../support/any-kafka/index.ts'
import { nameOf, RawClient, RawMember } from '../support/raw-group.ts'

type CommitRequest = StructInput<typeof offsetCommit.request.fields>

async function setUp(kafka: AnyKafka) {
  const groupId = `offsets-${randomUUID()}`
  const topic = `offsets-${randomUUID()}`
  const client = await RawClient.toCoordinator(kafka.bootstrapServers, groupId)
  const topicId = await client.createTopic(topic, 2)
  return {
    groupId,
    topic,
    topicId,
    client,
    /** The code of each partition. */
    async commit(
      fields: CommitRequest = {},
      version = 9,
      partitions = [0],
      metadata: string | null = 'note',
    ) {
      const { topics } = await client.send(offsetCommit, version, {
        groupId,
        topics: [
          {
            ...(version >= 10 ? { topicId } : { name: topic }),
            partitions: partitions.map((partitionIndex) => ({
              partitionIndex,
              committedOffset: 42n,
              committedMetadata: metadata,
              ...(version >= 6 ? { committedLeaderEpoch: 3 } : {}),
            })),
          },
        ],
        ...fields,
      })
      return Object.fromEntries(
        topics.flatMap((one) => one.partitions.map((at) => [at.partitionIndex, nameOf(at.errorCode)])),
      )
    },
    async committed() {
      const { groups } = await client.send(offsetFetch, 9, { groups: [{ groupId, topics: null }] })
      return groups[0]!.topics.flatMap((one) =>
        one.partitions.map(({ partitionIndex, committedOffset }) => [
          partitionIndex,
          Number(committedOffset),
        ]),
      )
    },
    async deleteOffset(partitions = [0]) {
      const { errorCode, topics } = await client.send(offsetDelete, 0, {
        groupId,
        topics: [{ name: topic, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) }],
      })
      return [nameOf(errorCode), ...topics.flatMap((one) => one.partitions.map((at) => nameOf(at.errorCode)))]
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

describeAnyKafka('Offsets of a classic group', (kafka) => {
  it('are committed from outside while nobody is in the group, in each version', async () => {
    await using t = await setUp(kafka)
    for (const version of [2, 5, 6, 7, 8, 9, 10]) expect(await t.commit({}, version)).toEqual({ 0: 'NONE' })
    expect(await t.commit({}, 9, [1, 7], null)).toEqual({ 1: 'NONE', 7: 'UNKNOWN_TOPIC_OR_PARTITION' })
    expect(await t.committed()).toEqual([
      [0, 42],
      [1, 42],
    ])
  })

  it('are read with epoch and metadata by name and by id, one by one and all', async () => {
    await using t = await setUp(kafka)
    await t.commit({}, 10)
    const asked = { partitionIndexes: [0, 1] }
    const first = { partitionIndex: 0, committedOffset: 42n, metadata: 'note', errorCode: 0 }
    const absent = {
      partitionIndex: 1,
      committedOffset: -1n,
      committedLeaderEpoch: -1,
      metadata: '',
      errorCode: 0,
    }
    for (const version of [1, 4, 5, 7]) {
      const body = { groupId: t.groupId, topics: [{ name: t.topic, ...asked }] }
      const { topics, errorCode } = await t.client.send(offsetFetch, version, body)
      expect(errorCode).toBe(0)
      const epoch = { committedLeaderEpoch: version >= 5 ? 3 : -1 }
      expect(topics).toEqual([{ name: t.topic, partitions: [{ ...first, ...epoch }, absent] }])
    }
    for (const version of [8, 9, 10]) {
      const named = version >= 10 ? { topicId: t.topicId } : { name: t.topic }
      const { groups } = await t.client.send(offsetFetch, version, {
        groups: [
          { groupId: t.groupId, topics: [{ ...named, ...asked }] },
          { groupId: t.groupId, topics: null },
        ],
      })
      const known = { ...first, committedLeaderEpoch: 3 }
      expect(groups).toMatchObject([
        { groupId: t.groupId, errorCode: 0, topics: [{ ...named, partitions: [known, absent] }] },
        { groupId: t.groupId, errorCode: 0, topics: [{ ...named, partitions: [known] }] },
      ])
    }
  })

  it('are none for a group or a topic that nobody has heard of', async () => {
    await using t = await setUp(kafka)
    const { groups } = await t.client.send(offsetFetch, 9, {
      groups: [
        {
          groupId: t.groupId,
          memberId: 'nobody',
          memberEpoch: 3,
          topics: [{ name: 'none', partitionIndexes: [0] }],
        },
        { groupId: t.groupId, topics: null },
      ],
    })
    expect(groups[0]!.topics[0]!.partitions).toMatchObject([{ committedOffset: -1n, errorCode: 0 }])
    expect(groups[1]).toMatchObject({ topics: [], errorCode: 0 })
    const unknownId = 'AAAAAAAAQACAAAAAAAAAAQ'
    const byId = await t.client.send(offsetFetch, 10, {
      groups: [{ groupId: t.groupId, topics: [{ topicId: unknownId, partitionIndexes: [0] }] }],
    })
    expect(nameOf(byId.groups[0]!.topics[0]!.partitions[0]!.errorCode)).toBe('UNKNOWN_TOPIC_ID')
    const topics = [{ topicId: unknownId, partitions: [{ partitionIndex: 0, committedOffset: 1n }] }]
    expect(await t.commit({ topics }, 10)).toEqual({ 0: 'UNKNOWN_TOPIC_ID' })
  })

  it('are not committed for a generation of a group that does not exist, nor with too long a note', async () => {
    await using t = await setUp(kafka)
    const member = { memberId: 'm', generationIdOrMemberEpoch: 1 }
    expect(await t.commit(member, 8)).toEqual({ 0: 'ILLEGAL_GENERATION' })
    expect(await t.commit(member, 9)).toEqual({ 0: 'GROUP_ID_NOT_FOUND' })
    expect(await t.commit({}, 9, [0], 'x'.repeat(4097))).toEqual({ 0: 'OFFSET_METADATA_TOO_LARGE' })
    expect(await t.commit({}, 9, [0], 'x'.repeat(4096))).toEqual({ 0: 'NONE' })
    expect(await t.commit(member, 9)).toEqual({ 0: 'UNKNOWN_MEMBER_ID' })
  })

  it('are committed by members of the generation alone while there are any', async () => {
    await using t = await setUp(kafka)
    await using member = await RawMember.connect(kafka, t.groupId)
    await member.enter()
    const { memberId } = member
    expect(await t.commit({ memberId, generationIdOrMemberEpoch: 1 })).toEqual({ 0: 'REBALANCE_IN_PROGRESS' })
    await member.sync()
    expect(await t.commit({ memberId, generationIdOrMemberEpoch: 1 })).toEqual({ 0: 'NONE' })
    expect(await t.commit({ memberId, generationIdOrMemberEpoch: 0 })).toEqual({ 0: 'ILLEGAL_GENERATION' })
    expect(await t.commit({ memberId, generationIdOrMemberEpoch: -1 })).toEqual({ 0: 'ILLEGAL_GENERATION' })
    expect(await t.commit({ memberId: 'm', generationIdOrMemberEpoch: 1 })).toEqual({
      0: 'UNKNOWN_MEMBER_ID',
    })
    expect(await t.commit()).toEqual({ 0: 'UNKNOWN_MEMBER_ID' })
    await member.leave()
    expect(await t.commit()).toEqual({ 0: 'NONE' })
  })

  it('are committed by a static member only under its last id', async () => {
    await using t = await setUp(kafka)
    await using member = await RawMember.connect(kafka, t.groupId, 'one')
    await member.enter()
    await member.sync()
    await using again = await RawMember.connect(kafka, t.groupId, 'one')
    await again.join(9)
    const claim = { groupInstanceId: 'one', generationIdOrMemberEpoch: 1 }
    expect(await t.commit({ ...claim, memberId: member.memberId })).toEqual({ 0: 'FENCED_INSTANCE_ID' })
    expect(await t.commit({ ...claim, memberId: again.memberId })).toEqual({ 0: 'NONE' })
  })

  it('are deleted unless a member reads the topic', async () => {
    await using t = await setUp(kafka)
    expect(await t.deleteOffset()).toEqual(['GROUP_ID_NOT_FOUND'])
    await t.commit({}, 9, [0, 1])
    expect(await t.deleteOffset([1, 9])).toEqual(['NONE', 'UNKNOWN_TOPIC_OR_PARTITION', 'NONE'])
    expect(await t.committed()).toEqual([[0, 42]])
    await using member = await RawMember.connect(kafka, t.groupId)
    const protocols = (topic: string) => [
      { name: 'range', metadata: encodeVersioned(consumerProtocolSubscription, 1, { topics: [topic] }) },
    ]
    await member.enter(9, { protocols: protocols(t.topic) })
    expect(await t.deleteOffset()).toEqual(['NONE', 'GROUP_SUBSCRIBED_TO_TOPIC'])
    await member.join(9, { protocols: protocols('other') })
    expect(await t.deleteOffset()).toEqual(['NONE', 'NONE'])
  })

  it('are not deleted while members of another type than consumers are there', async () => {
    await using t = await setUp(kafka)
    await using member = await RawMember.connect(kafka, t.groupId)
    await member.enter(9, { protocolType: 'connect' })
    expect(await t.deleteOffset()).toEqual(['NON_EMPTY_GROUP'])
  })

  it('go with their group, which is deleted when nobody is in it', async () => {
    await using t = await setUp(kafka)
    const remove = async () => {
      const { results } = await t.client.send(deleteGroups, 2, { groupsNames: [t.groupId] })
      return nameOf(results[0]!.errorCode)
    }
    expect(await remove()).toBe('GROUP_ID_NOT_FOUND')
    await t.commit()
    await using member = await RawMember.connect(kafka, t.groupId)
    await member.enter()
    expect(await remove()).toBe('NON_EMPTY_GROUP')
    await member.leave()
    expect(await remove()).toBe('NONE')
    expect(await t.committed()).toEqual([])
    const described = await t.client.send(describeGroups, 6, { groups: [t.groupId] })
    expect(described.groups[0]).toMatchObject({
      groupState: 'Dead',
      errorMessage: `Group ${t.groupId} not found.`,
    })
    expect(nameOf(described.groups[0]!.errorCode)).toBe('GROUP_ID_NOT_FOUND')
    const before = await t.client.send(describeGroups, 5, { groups: [t.groupId] })
    expect(before.groups[0]).toMatchObject({ groupState: 'Dead', errorCode: 0 })
  })

  it('make a group that is listed, by state and type', async () => {
    await using t = await setUp(kafka)
    await t.commit()
    const listed = async (fields: StructInput<typeof listGroups.request.fields>) => {
      const { groups } = await t.client.send(listGroups, 5, fields)
      return groups.filter(({ groupId }) => groupId === t.groupId)
    }
    const row = { groupId: t.groupId, protocolType: '', groupState: 'Empty', groupType: 'classic' }
    expect(await listed({})).toEqual([row])
    expect(await listed({ statesFilter: ['empty', 'Dead'], typesFilter: ['Classic'] })).toEqual([row])
    expect(await listed({ statesFilter: ['Stable'] })).toEqual([])
    expect(await listed({ typesFilter: ['consumer'] })).toEqual([])
  })

  it('stay when the group becomes one of the new protocol, and again a classic one', async () => {
    await using t = await setUp(kafka)
    await t.commit()
    const heartbeat = async (memberId: string, memberEpoch: number) => {
      const { errorCode, ...rest } = await t.client.send(consumerGroupHeartbeat, 1, {
        groupId: t.groupId,
        memberId,
        memberEpoch,
        rebalanceTimeoutMs: 60_000,
        subscribedTopicNames: [t.topic],
        topicPartitions: [],
      })
      return { error: nameOf(errorCode), ...rest }
    }
    const memberId = randomUUID()
    expect(await heartbeat(memberId, 0)).toMatchObject({ error: 'NONE', memberId })
    expect(await t.committed()).toEqual([[0, 42]])
    const described = await t.client.send(describeGroups, 6, { groups: [t.groupId] })
    expect(described.groups[0]).toMatchObject({
      groupState: 'Dead',
      errorMessage: `Group ${t.groupId} is not a classic group.`,
    })
    expect(await heartbeat(memberId, -1)).toMatchObject({ error: 'NONE' })
    await using member = await RawMember.connect(kafka, t.groupId)
    expect(await member.enter()).toMatchObject({ generationId: 1 })
    expect(await t.committed()).toEqual([[0, 42]])
  })
})
