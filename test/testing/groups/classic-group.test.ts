import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { describeGroups } from '../../../src/protocol/apis/describe-groups.ts'
import { leaveGroup } from '../../../src/protocol/apis/leave-group.ts'
import {
  consumerProtocolSubscription,
  encodeVersioned,
} from '../../../src/protocol/groups/consumer-protocol.ts'
import { describeAnyKafka } from '../../support/any-kafka/index.ts'
import { nameOf, protocol, RawMember } from '../support/raw-group.ts'

describeAnyKafka('A classic group', (kafka) => {
  const groupName = () => `classic-${randomUUID()}`
  const stateOf = async (member: RawMember) => {
    const { groups } = await member.client.send(describeGroups, 6, { groups: [member.groupId] })
    return groups[0]!.groupState
  }
  /** A group of one that is stable. */
  const alone = async (groupId = groupName(), groupInstanceId: string | null = null, version = 9) => {
    const member = await RawMember.connect(kafka, groupId, groupInstanceId)
    await member.enter(version)
    await member.sync({ [member.memberId]: 'all' })
    return member
  }
  /** Lets a second one in: both have joined, and nobody has synced. */
  const joinedBy = async (first: RawMember, groupInstanceId: string | null = null) => {
    const second = await RawMember.connect(kafka, first.groupId, groupInstanceId)
    const entering = second.enter()
    await untilRebalance(first)
    await Promise.all([entering, first.join(9)])
    return second
  }
  const untilRebalance = async (member: RawMember) => {
    while ((await member.heartbeat()) !== 'REBALANCE_IN_PROGRESS');
  }

  it('gives a member its id before it lets it in, since version 4', async () => {
    await using member = await RawMember.connect(kafka, groupName())
    const refused = await member.join(4)
    expect(nameOf(refused.errorCode)).toBe('MEMBER_ID_REQUIRED')
    expect(refused.memberId).toMatch(/^raw-[0-9a-f-]{36}$/)
    const joined = await member.join(4)
    expect(joined).toMatchObject({
      errorCode: 0,
      generationId: 1,
      protocolName: 'range',
      leader: refused.memberId,
    })
    expect(joined.members.map(({ memberId }) => memberId)).toEqual([refused.memberId])
  })

  it('lets a member in at once in version 3, and a static one in any', async () => {
    await using old = await RawMember.connect(kafka, groupName())
    expect(await old.join(3)).toMatchObject({ errorCode: 0, generationId: 1 })
    expect(old.memberId).toMatch(/^raw-/)
    await using fixed = await RawMember.connect(kafka, groupName(), 'one')
    const joined = await fixed.join(9)
    expect(joined).toMatchObject({
      errorCode: 0,
      generationId: 1,
      skipAssignment: false,
      protocolType: 'consumer',
    })
    expect(joined.memberId).toMatch(/^one-/)
    expect(joined.members).toMatchObject([{ groupInstanceId: 'one', memberId: joined.memberId }])
  })

  it('takes all members through a rebalance, and hands each its part', async () => {
    await using first = await alone()
    await using second = await joinedBy(first)
    expect(second.generationId).toBe(2)
    expect(first.generationId).toBe(2)
    expect(first.leader).toBe(first.memberId)
    expect(second.leader).toBe(first.memberId)
    expect(await stateOf(first)).toBe('CompletingRebalance')
    const waiting = second.sync()
    expect(await first.sync({ [first.memberId]: 'a', [second.memberId]: 'b' })).toEqual({
      error: 'NONE',
      assignment: 'a',
    })
    expect(await waiting).toEqual({ error: 'NONE', assignment: 'b' })
    expect(await second.heartbeat()).toBe('NONE')
    expect(await stateOf(first)).toBe('Stable')
  })

  it('gives who syncs again what it has been given', async () => {
    await using member = await alone()
    expect(await member.sync()).toEqual({ error: 'NONE', assignment: 'all' })
    expect(await member.sync({}, {}, 0)).toEqual({ error: 'NONE', assignment: 'all' })
  })

  it('chooses the protocol that all know and most prefer', async () => {
    const groupId = groupName()
    await using first = await RawMember.connect(kafka, groupId)
    await first.enter(9, { protocols: [protocol('a'), protocol('b'), protocol('c')] })
    await using second = await RawMember.connect(kafka, groupId)
    await using third = await RawMember.connect(kafka, groupId)
    const rest = { protocols: [protocol('c', 'mine'), protocol('b')] }
    const entering = [second.enter(9, rest), third.enter(9, rest)]
    await Promise.race(entering.map((one) => one.then(() => {})).concat(untilRebalance(first)))
    await expect
      .poll(async () => {
        const answer = await first.join(9, { protocols: [protocol('a'), protocol('b'), protocol('c')] })
        return [answer.protocolName, answer.members.length]
      })
      .toEqual(['c', 3])
    await Promise.all(entering)
  })

  it('refuses who knows no protocol of the others, or is of another type', async () => {
    await using first = await alone()
    await using second = await RawMember.connect(kafka, first.groupId)
    const unknown = await second.join(9, { protocols: [protocol('other')] })
    expect(nameOf(unknown.errorCode)).toBe('INCONSISTENT_GROUP_PROTOCOL')
    const other = await second.join(9, { protocolType: 'connect' })
    expect(nameOf(other.errorCode)).toBe('INCONSISTENT_GROUP_PROTOCOL')
    expect(await first.heartbeat()).toBe('NONE')
  })

  it('answers a follower that joins again as it was, and rebalances for a leader', async () => {
    await using first = await alone()
    await using second = await joinedBy(first)
    const waiting = second.sync()
    await first.sync({ [first.memberId]: 'a', [second.memberId]: 'b' })
    await waiting
    expect(await second.join(9)).toMatchObject({
      errorCode: 0,
      generationId: 2,
      leader: first.memberId,
      members: [],
    })
    const again = first.join(9)
    await untilRebalance(second)
    await second.join(9)
    expect(await again).toMatchObject({ errorCode: 0, generationId: 3 })
  })

  it('sends who waits for the assignment back to join when somebody comes', async () => {
    await using first = await alone()
    await using second = await joinedBy(first)
    const waiting = second.sync()
    await using third = await RawMember.connect(kafka, first.groupId)
    const entering = third.enter()
    expect((await waiting).error).toBe('REBALANCE_IN_PROGRESS')
    expect((await first.sync()).error).toBe('REBALANCE_IN_PROGRESS')
    await Promise.all([entering, first.join(9), second.join(9)])
    expect(third.generationId).toBe(3)
  })

  it('tells who is behind, who is unknown, and who names the wrong protocol', async () => {
    await using member = await alone()
    expect(await member.heartbeat({ generationId: 0 })).toBe('ILLEGAL_GENERATION')
    expect(await member.heartbeat({ memberId: 'nobody' })).toBe('UNKNOWN_MEMBER_ID')
    expect(await member.heartbeat({ groupInstanceId: 'nobody' })).toBe('UNKNOWN_MEMBER_ID')
    expect((await member.sync({}, { generationId: 9 })).error).toBe('ILLEGAL_GENERATION')
    expect((await member.sync({}, { protocolName: 'other' })).error).toBe('INCONSISTENT_GROUP_PROTOCOL')
    expect((await member.sync({}, { protocolType: null })).error).toBe('INCONSISTENT_GROUP_PROTOCOL')
  })

  it('is empty when the last has left, and forgets it', async () => {
    await using member = await alone()
    expect(await member.leave(0)).toBe('NONE')
    expect(await stateOf(member)).toBe('Empty')
    expect(await member.heartbeat()).toBe('UNKNOWN_MEMBER_ID')
    expect((await member.sync()).error).toBe('UNKNOWN_MEMBER_ID')
    const again = await member.join(9)
    expect(nameOf(again.errorCode)).toBe('UNKNOWN_MEMBER_ID')
    member.memberId = ''
    // Leaving was a generation of its own.
    expect(await member.enter()).toMatchObject({ generationId: 3 })
  })

  it('answers the join of a member that leaves meanwhile', async () => {
    await using first = await alone()
    await using second = await RawMember.connect(kafka, first.groupId)
    const { memberId } = await second.join(9)
    const waiting = second.join(9)
    await untilRebalance(first)
    const { members } = await first.client.send(leaveGroup, 5, {
      groupId: first.groupId,
      members: [{ memberId }],
    })
    expect(members).toMatchObject([{ memberId, errorCode: 0 }])
    expect(nameOf((await waiting).errorCode)).toBe('UNKNOWN_MEMBER_ID')
  })

  it('lets an administrator take out several members, by instance too', async () => {
    await using first = await alone(groupName(), 'one')
    const { members } = await first.client.send(leaveGroup, 5, {
      groupId: first.groupId,
      members: [
        { memberId: '', groupInstanceId: 'one', reason: 'to be replaced' },
        { memberId: '', groupInstanceId: 'two' },
        { memberId: 'nobody' },
      ],
    })
    expect(members.map(({ errorCode }) => nameOf(errorCode))).toEqual([
      'NONE',
      'UNKNOWN_MEMBER_ID',
      'UNKNOWN_MEMBER_ID',
    ])
    expect(await stateOf(first)).toBe('Empty')
  })

  it('lets a static leader go on under a new id, without a rebalance', async () => {
    await using first = await alone(groupName(), 'one')
    const old = first.memberId
    await using again = await RawMember.connect(kafka, first.groupId, 'one')
    const joined = await again.join(9)
    expect(joined).toMatchObject({
      errorCode: 0,
      generationId: 1,
      skipAssignment: true,
      leader: again.memberId,
    })
    expect(joined.memberId).not.toBe(old)
    expect(joined.members).toHaveLength(1)
    expect(await again.sync()).toEqual({ error: 'NONE', assignment: 'all' })
    expect(await first.heartbeat()).toBe('FENCED_INSTANCE_ID')
    expect((await first.sync()).error).toBe('FENCED_INSTANCE_ID')
    expect(nameOf((await first.join(9)).errorCode)).toBe('FENCED_INSTANCE_ID')
    expect(await first.leave()).toBe('FENCED_INSTANCE_ID')
  })

  it('tells a static leader of before version 9 that it does not lead', async () => {
    await using first = await alone(groupName(), 'one')
    await using again = await RawMember.connect(kafka, first.groupId, 'one')
    const joined = await again.join(5)
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1, leader: first.memberId, members: [] })
  })

  it('keeps a static member although what it says has changed', async () => {
    await using first = await alone(groupName(), 'one')
    await using again = await RawMember.connect(kafka, first.groupId, 'one')
    const joined = await again.join(9, { protocols: [protocol('range', 'changed')] })
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1, skipAssignment: true })
    expect(Buffer.from(joined.members[0]!.metadata).toString()).toBe('changed')
  })

  it('rebalances for a static member that prefers another protocol now', async () => {
    const [range, other] = [protocol('range'), protocol('other')]
    await using first = await RawMember.connect(kafka, groupName(), 'one')
    await first.enter(9, { protocols: [range, other] })
    await first.sync()
    await using again = await RawMember.connect(kafka, first.groupId, 'one')
    const joined = await again.join(9, { protocols: [other, range] })
    expect(joined).toMatchObject({
      errorCode: 0,
      generationId: 2,
      protocolName: 'other',
      skipAssignment: false,
    })
  })

  it('fences the join and the sync that a static member has left waiting', async () => {
    await using first = await alone()
    await using second = await joinedBy(first, 'two')
    const syncing = second.sync()
    await using third = await RawMember.connect(kafka, first.groupId, 'two')
    const joining = third.join(9)
    expect((await syncing).error).toBe('FENCED_INSTANCE_ID')
    await using fourth = await RawMember.connect(kafka, first.groupId, 'two')
    const last = fourth.join(9)
    expect(nameOf((await joining).errorCode)).toBe('FENCED_INSTANCE_ID')
    await first.join(9)
    expect(await last).toMatchObject({ errorCode: 0, generationId: 3 })
  })

  it('shows its members with what they said and got, once it is stable', async () => {
    await using member = await RawMember.connect(kafka, groupName(), 'one')
    const described = async () => {
      const { groups } = await member.client.send(describeGroups, 6, { groups: [member.groupId] })
      return groups[0]!
    }
    // What does not begin with a version is refused by Kafka's coordinator in ways that leave the join unanswered.
    const metadata = encodeVersioned(consumerProtocolSubscription, 1, { topics: ['orders'] })
    await member.join(9, { protocols: [{ name: 'range', metadata }] })
    const { memberId } = member
    const common = { memberId, groupInstanceId: 'one', clientId: 'raw', clientHost: '/127.0.0.1' }
    const joining = await described()
    expect(joining).toMatchObject({
      groupState: 'CompletingRebalance',
      protocolType: 'consumer',
      protocolData: '',
    })
    expect(joining.members).toMatchObject([common])
    expect(joining.members[0]!.memberMetadata).toHaveLength(0)
    await member.sync({ [memberId]: 'all' })
    const stable = await described()
    expect(stable).toMatchObject({ groupState: 'Stable', protocolData: 'range', members: [common] })
    expect(Buffer.from(stable.members[0]!.memberMetadata)).toEqual(Buffer.from(metadata))
    expect(Buffer.from(stable.members[0]!.memberAssignment).toString()).toBe('all')
  })
})
