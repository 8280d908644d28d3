import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { describeGroups } from '../../../src/protocol/apis/describe-groups.ts'
import { offsetCommit } from '../../../src/protocol/apis/offset-commit.ts'
import { startKafka } from '../../../src/testing/index.ts'
import { nameOf, protocol, RawClient, RawMember } from '../support/raw-group.ts'

/** What only time brings about, on the clock of the cluster. */
describe('A classic group in memory', () => {
  const groupName = () => `timed-${randomUUID()}`
  const stateOf = async (member: RawMember) => {
    const { groups } = await member.client.send(describeGroups, 6, { groups: [member.groupId] })
    return groups[0]!.groupState
  }
  const untilRebalance = async (member: RawMember) => {
    while ((await member.heartbeat()) !== 'REBALANCE_IN_PROGRESS');
  }

  it('puts out who sends no heartbeats for the session time-out', async () => {
    await using kafka = await startKafka()
    await using member = await RawMember.connect(kafka, groupName())
    await member.enter(9, { sessionTimeoutMs: 10_000 })
    await member.sync()
    await kafka.advanceClock(9_000)
    expect(await member.heartbeat()).toBe('NONE')
    await kafka.advanceClock(9_000)
    expect(await stateOf(member)).toBe('Stable')
    await kafka.advanceClock(2_000)
    expect(await member.heartbeat()).toBe('UNKNOWN_MEMBER_ID')
    expect(await stateOf(member)).toBe('Empty')
  })

  it('goes on without who has not joined again within the rebalance time-out', async () => {
    await using kafka = await startKafka()
    const options = { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 20_000 }
    await using first = await RawMember.connect(kafka, groupName())
    await first.enter(9, options)
    await first.sync()
    await using second = await RawMember.connect(kafka, first.groupId)
    const entering = second.enter(9, options)
    await untilRebalance(first)
    await kafka.advanceClock(20_000)
    expect(await entering).toMatchObject({ generationId: 2, leader: second.memberId })
    expect(await first.heartbeat()).toBe('UNKNOWN_MEMBER_ID')
  })

  it('keeps a static member that has not joined again until its session ends', async () => {
    await using kafka = await startKafka()
    const options = { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 20_000 }
    await using first = await RawMember.connect(kafka, groupName(), 'one')
    await first.enter(9, options)
    await first.sync()
    await using second = await RawMember.connect(kafka, first.groupId)
    const entering = second.enter(9, options)
    await untilRebalance(first)
    await kafka.advanceClock(20_000)
    const joined = await entering
    expect(joined.leader).toBe(second.memberId)
    expect(joined.members.map(({ groupInstanceId }) => groupInstanceId)).toEqual(['one', null])
  })

  it('puts out who has joined and never syncs, after the rebalance time-out', async () => {
    await using kafka = await startKafka()
    const options = { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 20_000 }
    await using member = await RawMember.connect(kafka, groupName())
    await member.enter(9, options)
    expect(await stateOf(member)).toBe('CompletingRebalance')
    await kafka.advanceClock(20_000)
    expect(await stateOf(member)).toBe('Empty')
    expect((await member.sync()).error).toBe('UNKNOWN_MEMBER_ID')
  })

  it('forgets an id that nobody has joined with in time', async () => {
    await using kafka = await startKafka()
    await using member = await RawMember.connect(kafka, groupName())
    await member.join(4, { sessionTimeoutMs: 10_000 })
    await kafka.advanceClock(10_000)
    expect(nameOf((await member.join(4)).errorCode)).toBe('UNKNOWN_MEMBER_ID')
  })

  it('tells a new member to try again after five minutes in a rebalance', async () => {
    await using kafka = await startKafka()
    const options = { sessionTimeoutMs: 900_000, rebalanceTimeoutMs: 900_000 }
    await using first = await RawMember.connect(kafka, groupName())
    await first.enter(9, options)
    await first.sync()
    await using second = await RawMember.connect(kafka, first.groupId)
    await second.join(9, options)
    const joining = second.join(9, options)
    await untilRebalance(first)
    await kafka.advanceClock(300_000)
    expect(nameOf((await joining).errorCode)).toBe('UNKNOWN_MEMBER_ID')
    expect(await first.heartbeat()).toBe('REBALANCE_IN_PROGRESS')
  })

  it('waits for more members of a new group, again when one comes', async () => {
    await using kafka = await startKafka({ configs: { 'group.initial.rebalance.delay.ms': 3000 } })
    await using first = await RawMember.connect(kafka, groupName())
    await using second = await RawMember.connect(kafka, first.groupId)
    const joined: RawMember[] = []
    const one = first.enter(3).then(() => joined.push(first))
    await expect.poll(() => stateOf(second)).toBe('PreparingRebalance')
    await kafka.advanceClock(2000)
    const two = second.enter(3).then(() => joined.push(second))
    await expect.poll(() => kafka.requests.all('JoinGroup').length).toBe(2)
    await kafka.advanceClock(2000)
    expect(joined).toEqual([])
    await kafka.advanceClock(2000)
    await Promise.all([one, two])
    expect([first.generationId, second.generationId]).toEqual([1, 1])
  })

  it('takes no more members than group.max.size, and sessions within their bounds', async () => {
    await using kafka = await startKafka({
      configs: {
        'group.max.size': 1,
        'group.min.session.timeout.ms': 1000,
        'group.max.session.timeout.ms': 2000,
      },
    })
    await using first = await RawMember.connect(kafka, groupName())
    expect(nameOf((await first.join(9, { sessionTimeoutMs: 999 })).errorCode)).toBe('INVALID_SESSION_TIMEOUT')
    expect(nameOf((await first.join(9, { sessionTimeoutMs: 2001 })).errorCode)).toBe(
      'INVALID_SESSION_TIMEOUT',
    )
    await first.enter(9, { sessionTimeoutMs: 2000 })
    await first.sync()
    await using second = await RawMember.connect(kafka, first.groupId)
    expect(nameOf((await second.join(9, { sessionTimeoutMs: 1000 })).errorCode)).toBe(
      'GROUP_MAX_SIZE_REACHED',
    )
    expect(await first.heartbeat()).toBe('NONE')
  })

  it('sends who waits to the new coordinator, which knows the last stable generation', async () => {
    await using kafka = await startKafka({ brokers: 2 })
    await using first = await RawMember.connect(kafka, groupName())
    await first.enter()
    await first.sync({ [first.memberId]: 'all' })
    await using second = await RawMember.connect(kafka, first.groupId)
    const joining = second.join(3)
    await untilRebalance(first)
    kafka.rehashCoordinators()
    expect(nameOf((await joining).errorCode)).toBe('NOT_COORDINATOR')
    expect(await first.heartbeat()).toBe('NOT_COORDINATOR')
    await using moved = await RawMember.connect(kafka, first.groupId)
    const { memberId, generationId } = first
    expect(await moved.heartbeat({ memberId, generationId })).toBe('NONE')
    expect(await moved.sync({}, { memberId, generationId })).toEqual({ error: 'NONE', assignment: 'all' })
    expect(await stateOf(moved)).toBe('Stable')
    await kafka.advanceClock(10_000)
    expect(await stateOf(moved)).toBe('Empty')
  })

  it('loses a generation that was not synced with its coordinator', async () => {
    await using kafka = await startKafka({ brokers: 2 })
    await using first = await RawMember.connect(kafka, groupName())
    await first.enter()
    await using second = await RawMember.connect(kafka, first.groupId)
    const entering = second.enter()
    await untilRebalance(first)
    await Promise.all([entering, first.join(9)])
    const waiting = second.sync()
    await expect.poll(() => kafka.requests.all('SyncGroup').length).toBe(1)
    kafka.rehashCoordinators()
    expect((await waiting).error).toBe('NOT_COORDINATOR')
    await using moved = await RawMember.connect(kafka, first.groupId)
    expect(await stateOf(moved)).toBe('Empty')
    expect(await moved.heartbeat({ memberId: first.memberId, generationId: 2 })).toBe('UNKNOWN_MEMBER_ID')
  })

  it('takes a commit for a sign of life', async () => {
    await using kafka = await startKafka({ topics: ['orders'] })
    await using member = await RawMember.connect(kafka, groupName())
    await member.enter(9, { sessionTimeoutMs: 10_000 })
    await member.sync()
    for (let i = 0; i < 3; i++) {
      await kafka.advanceClock(8_000)
      const { topics } = await member.client.send(offsetCommit, 9, {
        groupId: member.groupId,
        memberId: member.memberId,
        generationIdOrMemberEpoch: 1,
        topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: 1n }] }],
      })
      expect(topics[0]!.partitions).toEqual([{ partitionIndex: 0, errorCode: 0 }])
    }
    expect(await member.heartbeat()).toBe('NONE')
  })

  it('does not notice that a member has hung up while it waited, and puts it out in its time', async () => {
    await using kafka = await startKafka()
    await using first = await RawMember.connect(kafka, groupName())
    await first.enter()
    await first.sync()
    const second = await RawMember.connect(kafka, first.groupId)
    const cutOff = second.enter(3).catch((error: unknown) => error)
    await untilRebalance(first)
    await second[Symbol.asyncDispose]()
    expect(await cutOff).toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect((await first.join(9)).members).toHaveLength(2)
    await first.sync()
    await kafka.advanceClock(9_000)
    expect(await first.heartbeat()).toBe('NONE')
    await kafka.advanceClock(1_000)
    expect(await first.heartbeat()).toBe('REBALANCE_IN_PROGRESS')
    expect((await first.join(9)).members).toHaveLength(1)
  })

  it('of Kafka 2.1 has no heartbeats before the assignment is there', async () => {
    for (const [version, expected] of [
      ['2.1', 'REBALANCE_IN_PROGRESS'],
      ['2.8', 'NONE'],
    ] as const) {
      await using kafka = await startKafka({ version })
      const groupId = groupName()
      // Its FindCoordinator has no version for several keys.
      kafka.cluster.coordinators.find('group', groupId)
      await using member = new RawMember(await RawClient.connect(kafka.bootstrapServers), groupId, null)
      expect(await member.join(3)).toMatchObject({ errorCode: 0, generationId: 1 })
      expect(await member.heartbeat({}, 2)).toBe(expected)
      expect(await member.sync({ [member.memberId]: 'all' }, {}, 2)).toEqual({
        error: 'NONE',
        assignment: 'all',
      })
      expect(await member.heartbeat({}, 2)).toBe('NONE')
    }
  })

  it('takes in 2,000 members', async () => {
    await using kafka = await startKafka({ configs: { 'group.initial.rebalance.delay.ms': 60_000 } })
    const groupId = groupName()
    const members = await Promise.all(Array.from({ length: 2000 }, () => RawMember.connect(kafka, groupId)))
    try {
      // As in a fleet that starts at once: all of them are in before the first rebalance ends.
      const joins = members.map((member) =>
        member.enter(3, { rebalanceTimeoutMs: 60_000, protocols: [protocol('a')] }),
      )
      await expect.poll(() => kafka.requests.all('JoinGroup').length, { timeout: 30_000 }).toBe(2000)
      await kafka.advanceClock(60_000)
      const answers = await Promise.all(joins)
      expect(new Set(answers.map(({ leader }) => leader)).size).toBe(1)
      const leader = members.find((member) => member.leader === member.memberId)!
      const syncs = members
        .filter((member) => member !== leader)
        .map((member) => member.sync({}, { protocolName: 'a' }))
      await leader.sync(Object.fromEntries(members.map(({ memberId }) => [memberId, 'x'])), {
        protocolName: 'a',
      })
      const assigned = await Promise.all(syncs)
      expect(assigned.every(({ error, assignment }) => error === 'NONE' && assignment === 'x')).toBe(true)
    } finally {
      await Promise.all(members.map((member) => member[Symbol.asyncDispose]()))
    }
  }, 60_000)
})
