import { deleteGroups } from '../../../../src/protocol/apis/delete-groups.ts'
import { describeGroups } from '../../../../src/protocol/apis/describe-groups.ts'
import { heartbeat } from '../../../../src/protocol/apis/heartbeat.ts'
import { joinGroup } from '../../../../src/protocol/apis/join-group.ts'
import { leaveGroup } from '../../../../src/protocol/apis/leave-group.ts'
import { syncGroup } from '../../../../src/protocol/apis/sync-group.ts'
import {
  consumerProtocolSubscription,
  encodeVersioned,
} from '../../../../src/protocol/groups/consumer-protocol.ts'
import type { Conversation } from '../conversation.ts'
import { allVersions, casesOf } from '../differential-case.ts'

// Kafka reads it, and leaves a JoinGroup with one that it cannot read without an answer.
const subscription = encodeVersioned(consumerProtocolSubscription, 0, { topics: ['a-topic'] })

const joining = {
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 30_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: subscription }],
}

interface Member {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
}

/** A group with one member, which has its assignment. */
async function stableGroup(kafka: Conversation, groupInstanceId: string | null = null): Promise<Member> {
  const groupId = kafka.named('group')
  await kafka.coordinator(groupId)
  const join = (memberId: string) =>
    kafka.prepare(joinGroup, { ...joining, groupId, memberId, groupInstanceId })
  let joined = await join('')
  if (joined.errorCode !== 0) joined = await join(joined.memberId)
  const { memberId, generationId } = joined
  kafka.know(memberId, '<the member>')
  const assignments = [{ memberId, assignment: Buffer.from('assignment') }]
  await kafka.prepare(syncGroup, { groupId, memberId, generationId, groupInstanceId, assignments })
  return { groupId, memberId, generationId }
}

export const classicGroupCases = [
  ...casesOf(
    joinGroup,
    {
      'a member comes, is assigned to, and goes': async (kafka) => {
        const groupId = kafka.named('group')
        await kafka.coordinator(groupId)
        let joined = await kafka.ask(joinGroup, { ...joining, groupId })
        if (joined!.errorCode !== 0) {
          joined = await kafka.ask(joinGroup, { ...joining, groupId, memberId: joined!.memberId })
        }
        const { memberId, generationId } = joined!
        const assignments = [{ memberId, assignment: Buffer.from('mine') }]
        await kafka.ask(describeGroups, { groups: [groupId] })
        await kafka.ask(syncGroup, { groupId, memberId, generationId, assignments })
        await kafka.ask(syncGroup, { groupId, memberId, generationId })
        await kafka.ask(heartbeat, { groupId, memberId, generationId })
        await kafka.ask(describeGroups, { groups: [groupId], includeAuthorizedOperations: true })
        await kafka.ask(joinGroup, { ...joining, groupId, memberId })
        await kafka.ask(heartbeat, { groupId, memberId, generationId })
        await kafka.ask(leaveGroup, { groupId, members: [{ memberId, reason: 'enough' }] })
        await kafka.ask(describeGroups, { groups: [groupId] })
        await kafka.ask(heartbeat, { groupId, memberId, generationId })
      },
    },
    allVersions(joinGroup),
  ),
  ...casesOf(joinGroup, {
    'what is not allowed': async (kafka) => {
      const groupId = kafka.named('group')
      await kafka.coordinator(groupId)
      const join = (more: object) => kafka.ask(joinGroup, { ...joining, groupId, ...more })
      await join({ groupId: '' })
      await join({ sessionTimeoutMs: 10 })
      await join({ sessionTimeoutMs: 100_000_000 })
      await join({ sessionTimeoutMs: -1 })
      await join({ memberId: 'nobody' })
      await join({ protocolType: '' })
      await join({ protocols: [] })
      await kafka.ask(describeGroups, { groups: [groupId] })
    },
    'a protocol that the others do not have': async (kafka) => {
      const { groupId } = await stableGroup(kafka)
      const protocols = [{ name: 'other', metadata: subscription }]
      await kafka.ask(joinGroup, { ...joining, groupId, protocols })
      await kafka.ask(joinGroup, { ...joining, groupId, protocolType: 'connect' })
      await kafka.ask(joinGroup, { ...joining, groupId, memberId: 'nobody' })
    },
    'a static member comes back': async (kafka) => {
      const { groupId, memberId, generationId } = await stableGroup(kafka, 'static-1')
      const again = await kafka.ask(joinGroup, { ...joining, groupId, groupInstanceId: 'static-1' }, 9)
      await kafka.ask(heartbeat, { groupId, memberId, generationId, groupInstanceId: 'static-1' })
      await kafka.ask(joinGroup, { ...joining, groupId, memberId, groupInstanceId: 'static-1' }, 9)
      await kafka.ask(syncGroup, { groupId, memberId, generationId, groupInstanceId: 'static-1' })
      const ids = { groupId, memberId: again!.memberId, groupInstanceId: 'static-1' }
      await kafka.ask(heartbeat, { ...ids, generationId: again!.generationId })
      await kafka.ask(syncGroup, { ...ids, generationId: again!.generationId })
      await kafka.ask(describeGroups, { groups: [groupId] })
      await kafka.ask(leaveGroup, { groupId, members: [{ memberId: 'nobody', groupInstanceId: 'static-1' }] })
      await kafka.ask(leaveGroup, { groupId, members: [{ memberId: '', groupInstanceId: 'static-1' }] })
      await kafka.ask(joinGroup, { ...joining, groupId, memberId: 'nobody', groupInstanceId: 'static-2' }, 9)
    },
  }),
  ...casesOf(heartbeat, {
    'of members that are not, and generations that were': async (kafka) => {
      const { groupId, memberId, generationId } = await stableGroup(kafka)
      const beat = (more: object) => kafka.ask(heartbeat, { groupId, memberId, generationId, ...more })
      await beat({})
      await beat({ generationId: generationId - 1 })
      await beat({ generationId: generationId + 1 })
      await beat({ generationId: -1 })
      await beat({ memberId: 'nobody' })
      await beat({ memberId: '' })
      await beat({ groupId: kafka.named('none') })
      await beat({ groupId: '' })
      if (kafka.version >= 3) await beat({ groupInstanceId: 'no-static-one' })
    },
  }),
  ...casesOf(syncGroup, {
    'of members that are not, and generations that were': async (kafka) => {
      const { groupId, memberId, generationId } = await stableGroup(kafka)
      const sync = (more: object) =>
        kafka.ask(syncGroup, {
          groupId,
          memberId,
          generationId,
          protocolType: 'consumer',
          protocolName: 'range',
          ...more,
        })
      await sync({})
      await sync({ generationId: 0 })
      await sync({ generationId: 99 })
      await sync({ memberId: 'nobody' })
      await sync({ groupId: kafka.named('none') })
      await sync({ groupId: '' })
      await sync({ protocolType: 'connect' })
      await sync({ protocolName: 'other' })
      await sync({ protocolType: null, protocolName: null })
      await sync({ assignments: [{ memberId: 'nobody', assignment: Buffer.from('x') }] })
    },
  }),
  ...casesOf(leaveGroup, {
    'of members that are not': async (kafka) => {
      const { groupId, memberId } = await stableGroup(kafka)
      const leave = (group: string, ...members: { memberId: string; groupInstanceId?: string }[]) =>
        kafka.ask(leaveGroup, { groupId: group, members, memberId: members[0]?.memberId ?? '' })
      await leave(groupId, { memberId: 'nobody' })
      await leave(groupId, { memberId: '' })
      await leave(groupId)
      await leave(kafka.named('none'), { memberId: 'nobody' })
      await leave('', { memberId: 'nobody' })
      await leave(groupId, { memberId: 'nobody', groupInstanceId: 'no-static-one' })
      await leave(groupId, { memberId }, { memberId: 'nobody' })
      await leave(groupId, { memberId })
    },
  }),
  ...casesOf(describeGroups, {
    'groups that are not': async (kafka) => {
      await kafka.coordinator(kafka.named('none'))
      await kafka.ask(describeGroups, { groups: [kafka.named('none')] })
      await kafka.ask(describeGroups, { groups: [''] })
      await kafka.ask(describeGroups, { groups: [] })
      await kafka.ask(describeGroups, { groups: [kafka.named('none')], includeAuthorizedOperations: true })
    },
  }),
  ...casesOf(deleteGroups, {
    'with members, without, and none at all': async (kafka) => {
      const { groupId, memberId } = await stableGroup(kafka)
      await kafka.ask(deleteGroups, { groupsNames: [groupId, kafka.named('none')] })
      await kafka.ask(deleteGroups, { groupsNames: [] })
      await kafka.ask(deleteGroups, { groupsNames: [''] })
      await kafka.prepare(leaveGroup, { groupId, members: [{ memberId }] })
      await kafka.ask(deleteGroups, { groupsNames: [groupId] })
      await kafka.ask(deleteGroups, { groupsNames: [groupId] })
    },
  }),
]
