import { expect, it } from 'vitest'
import { createPartitions } from '../../../src/protocol/apis/create-partitions.ts'
import { describeEitherKafka } from '../support/describe-either-kafka.ts'
import { type HeartbeatFields, newTopicName, RawConsumerGroup } from '../support/raw-consumer-member.ts'

/** A little more than `consumer.assignment.interval.ms`. */
const untilNextAssignment = 1050

describeEitherKafka('ConsumerGroupHeartbeat', (kafka) => {
  it('gives all partitions to a member that is alone', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topic = newTopicName()
    const id = await group.createTopic(topic, 4)

    const joined = await group.join('a', [topic])

    expect(joined).toMatchObject({
      error: 'NONE',
      memberId: 'a',
      epoch: 2,
      assignment: { [id]: [0, 1, 2, 3] },
    })
    expect(await group.beat({ memberEpoch: 2 })).toMatchObject({ epoch: 2, assignment: null })
    expect(await group.state()).toEqual(['Stable', 2, 2])
  })

  it('makes a second member wait until the first has given back', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topic = newTopicName()
    const id = await group.createTopic(topic, 4)
    await group.join('a', [topic])

    expect(await group.join('b', [topic])).toMatchObject({ epoch: 2, assignment: {} })
    expect(await group.state()).toEqual(['Assigning', 3, 2])
    await kafka.passTime(untilNextAssignment)

    expect(await group.beat({ memberEpoch: 2 })).toMatchObject({ epoch: 2, assignment: { [id]: [0, 1] } })
    expect(await group.beat({ memberId: 'b', memberEpoch: 2 })).toMatchObject({ epoch: 3, assignment: null })
    const all = [{ topicId: id, partitions: [0, 1, 2, 3] }]
    expect(await group.beat({ memberEpoch: 2, topicPartitions: all })).toMatchObject({ epoch: 2 })
    expect(await group.state()).toEqual(['Reconciling', 3, 3])
    const kept = [{ topicId: id, partitions: [0, 1] }]
    expect(await group.beat({ memberEpoch: 2, topicPartitions: kept })).toMatchObject({
      epoch: 3,
      assignment: null,
    })
    expect(await group.beat({ memberId: 'b', memberEpoch: 3 })).toMatchObject({
      epoch: 3,
      assignment: { [id]: [2, 3] },
    })
    expect(await group.state()).toEqual(['Stable', 3, 3])
  })

  it('gives the partitions of a member that leaves to the others', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topic = newTopicName()
    const id = await group.createTopic(topic, 2)
    await group.join('a', [topic])
    await group.join('b', [topic])

    expect(await group.beat({ memberEpoch: -1 })).toMatchObject({ error: 'NONE', memberId: 'a', epoch: -1 })

    await kafka.passTime(untilNextAssignment)
    expect(await group.beat({ memberId: 'b', memberEpoch: 2 })).toMatchObject({
      epoch: 4,
      assignment: { [id]: [0, 1] },
    })
    await group.beat({ memberId: 'b', memberEpoch: -1 })
    expect(await group.state()).toEqual(['Empty', 5, 4])
  })

  it('fences a member with another epoch than its own', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topic = newTopicName()
    const id = await group.createTopic(topic, 2)
    await group.join('a', [topic])

    expect(await group.beat({ memberEpoch: 3 })).toMatchObject({
      error: 'FENCED_MEMBER_EPOCH',
      message:
        'The consumer group member has a greater member epoch (3) than the one known by the group coordinator (2). The member must abandon all its partitions and rejoin.',
    })
    expect(await group.beat({ memberEpoch: 1, topicPartitions: [] })).toMatchObject({
      error: 'FENCED_MEMBER_EPOCH',
      message:
        'The consumer group member has a smaller member epoch (1) than the one known by the group coordinator (2). The member must abandon all its partitions and rejoin.',
    })
    expect(await group.join('a', [topic])).toMatchObject({ epoch: 2, assignment: { [id]: [0, 1] } })
  })

  it('accepts the epoch before from a member that owns no more than it should', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topic = newTopicName()
    const id = await group.createTopic(topic, 2)
    await group.join('a', [topic])
    await group.join('b', [topic])
    await kafka.passTime(untilNextAssignment)
    const mine = [{ topicId: id, partitions: [0] }]
    expect(await group.beat({ memberEpoch: 2, topicPartitions: mine })).toMatchObject({ epoch: 3 })

    expect(await group.beat({ memberEpoch: 2, topicPartitions: mine })).toMatchObject({ epoch: 3 })
    expect(await group.beat({ memberEpoch: 2 })).toMatchObject({ error: 'FENCED_MEMBER_EPOCH' })
    const tooMuch = [{ topicId: id, partitions: [0, 1] }]
    expect(await group.beat({ memberEpoch: 2, topicPartitions: tooMuch })).toMatchObject({
      error: 'FENCED_MEMBER_EPOCH',
    })
  })

  it('takes away at once what a member no longer subscribes to', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const [kept, dropped] = [newTopicName(), newTopicName()]
    const id = await group.createTopic(kept)
    const droppedId = await group.createTopic(dropped)
    const joined = await group.join('a', [kept, dropped])
    expect(joined.assignment).toEqual({ [id]: [0], [droppedId]: [0] })

    const beat = await group.beat({ memberEpoch: 2, subscribedTopicNames: [kept] })

    expect(beat).toMatchObject({ epoch: 2, assignment: { [id]: [0] } })
    expect(await group.state()).toEqual(['Assigning', 3, 2])
  })

  it('assigns partitions that are added', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topic = newTopicName()
    const id = await group.createTopic(topic)
    await group.join('a', [topic])
    await group.client.send(createPartitions, 3, {
      topics: [{ name: topic, count: 3, assignments: null }],
      timeoutMs: 10_000,
    })
    await kafka.passTime(untilNextAssignment)

    expect(await group.beatWhile({ memberEpoch: 2 }, ({ assignment }) => assignment === null)).toMatchObject({
      epoch: 3,
      assignment: { [id]: [0, 1, 2] },
    })
  })

  it('lets a static member come back under another member id, after it has left', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topic = newTopicName()
    const id = await group.createTopic(topic, 2)
    const instanceId = 'i'
    await group.join('a', [topic], { instanceId })

    expect(await group.join('b', [topic], { instanceId })).toMatchObject({
      error: 'UNRELEASED_INSTANCE_ID',
      message:
        'Static member b with instance id i cannot join the group because the instance id is owned by a member.',
    })
    expect(await group.beat({ memberEpoch: -2, instanceId })).toMatchObject({ error: 'NONE', epoch: -2 })
    expect(await group.state()).toEqual(['Reconciling', 2, 2])
    expect(await group.join('b', [topic], { instanceId })).toMatchObject({
      memberId: 'b',
      epoch: 2,
      assignment: { [id]: [0, 1] },
    })
    expect(await group.state()).toEqual(['Stable', 2, 2])
    expect(await group.beat({ memberEpoch: 2, instanceId })).toMatchObject({
      error: 'FENCED_INSTANCE_ID',
      message: 'Static member a with instance id i was fenced by member b.',
    })
    expect(await group.beat({ memberEpoch: -1, instanceId: 'j' })).toMatchObject({
      error: 'UNKNOWN_MEMBER_ID',
      message: 'Instance id j is unknown.',
    })
  })

  it('finds the topics behind a regular expression after the member has joined', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const topic = newTopicName()
    const id = await group.createTopic(topic, 2)

    const joined = await group.join('a', [], {
      subscribedTopicNames: null,
      subscribedTopicRegex: `${topic}.*`,
    })

    expect(joined).toMatchObject({ error: 'NONE', epoch: 1, assignment: {} })
    expect(await group.beatWhile({ memberEpoch: 1 }, ({ epoch }) => epoch === 1)).toMatchObject({
      epoch: 2,
      assignment: { [id]: [0, 1] },
    })
    const { members } = await group.describe()
    expect(members[0]).toMatchObject({ subscribedTopicNames: [], subscribedTopicRegex: `${topic}.*` })
  })

  it.each([
    ['(', 'missing closing )'],
    [')', 'regexp/syntax: internal error'],
    ['[a', 'missing closing ]'],
    ['*', 'missing argument to repetition operator'],
    ['a(?!b)', 'invalid or unsupported Perl syntax'],
    ['a(?=b)', 'invalid or unsupported Perl syntax'],
    ['\\', 'trailing backslash at end of expression'],
  ])('refuses the regular expression %s', async (regex, reason) => {
    await using group = await RawConsumerGroup.connect(kafka)

    const joined = await group.join('a', [], { subscribedTopicNames: null, subscribedTopicRegex: regex })

    expect(joined.error).toBe('INVALID_REGULAR_EXPRESSION')
    expect(joined.message).toContain(
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${reason}`,
    )
    expect(await group.describe()).toMatchObject({ errorMessage: `Group ${group.groupId} not found.` })
  })

  const joining: HeartbeatFields = {
    memberEpoch: 0,
    rebalanceTimeoutMs: 1000,
    subscribedTopicNames: ['t'],
    topicPartitions: [],
  }
  it.each<[string, HeartbeatFields, string]>([
    ['an empty group id', { ...joining, groupId: '' }, "GroupId can't be empty."],
    ['an empty member id', { ...joining, memberId: '' }, "MemberId can't be empty."],
    ['an empty instance id', { ...joining, instanceId: '' }, "InstanceId can't be empty."],
    ['an empty rack', { ...joining, rackId: '' }, "RackId can't be empty."],
    ['an epoch below -2', { memberEpoch: -3 }, 'MemberEpoch is invalid.'],
    ['epoch -2 of a dynamic member', { memberEpoch: -2 }, "InstanceId can't be null."],
    [
      'no rebalance timeout when joining',
      { ...joining, rebalanceTimeoutMs: -1 },
      'RebalanceTimeoutMs must be provided in first request.',
    ],
    [
      'no owned partitions when joining',
      { ...joining, topicPartitions: null },
      'TopicPartitions must be empty when (re-)joining.',
    ],
    [
      'no subscription when joining',
      { ...joining, subscribedTopicNames: null },
      'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
    ],
  ])('refuses %s', async (_what, fields, message) => {
    await using group = await RawConsumerGroup.connect(kafka)

    expect(await group.beat(fields)).toMatchObject({ error: 'INVALID_REQUEST', message })
  })

  it('refuses an assignor that it does not have', async () => {
    await using group = await RawConsumerGroup.connect(kafka)

    expect(await group.beat({ ...joining, serverAssignor: 'sticky' })).toMatchObject({
      error: 'UNSUPPORTED_ASSIGNOR',
      message: 'ServerAssignor sticky is not supported. Supported assignors: uniform, range.',
    })
  })

  it('knows nothing of groups and members that never joined', async () => {
    await using group = await RawConsumerGroup.connect(kafka)
    const { groupId } = group

    expect(await group.beat({ memberEpoch: 5 })).toMatchObject({
      error: 'GROUP_ID_NOT_FOUND',
      message: `Consumer group ${groupId} not found.`,
    })
    expect(await group.beat({ memberEpoch: -1 })).toMatchObject({
      error: 'GROUP_ID_NOT_FOUND',
      message: `Group ${groupId} not found.`,
    })
    await group.join('a', ['nowhere'])
    expect(await group.beat({ memberId: 'b', memberEpoch: 5 })).toMatchObject({
      error: 'UNKNOWN_MEMBER_ID',
      message: `Member b is not a member of group ${groupId}.`,
    })
    expect(await group.beat({ memberId: 'b', memberEpoch: -1 })).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
  })

  it('makes a member id in version 0', async () => {
    await using group = await RawConsumerGroup.connect(kafka)

    const { error, memberId } = await group.beat({ ...joining, memberId: '' }, 0)

    expect(error).toBe('NONE')
    expect(memberId).toMatch(/^[\w-]{22}$/)
  })
})
