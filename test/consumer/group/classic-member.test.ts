import { afterEach, describe, expect, test } from 'vitest'
import { rangeAssignor } from '../../../src/consumer/group/assignors/range.ts'
import { ClassicMember, type ClassicMemberOptions } from '../../../src/consumer/group/classic-member.ts'
import { type MemberState, step } from '../../../src/consumer/group/member-state.ts'
import { Deadline } from '../../../src/deadline.ts'
import { AuthenticationError, GroupError, TlsError, UnsupportedVersionError } from '../../../src/errors.ts'
import { metadata as metadataApi } from '../../../src/protocol/apis/metadata.ts'
import { BrokerError, errorCodes } from '../../../src/protocol/broker-errors.ts'
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
} from '../../../src/protocol/groups/consumer-protocol.ts'
import { RecordingOwner } from '../../support/recording-owner.ts'
import {
  type Answer,
  type Json,
  never,
  type Script,
  ScriptedCoordinator,
  versions,
} from '../../support/scripted-coordinator.ts'

// The coordinator of these tests is a script, for what a real one cannot be brought to say at will. What goes right is
// shown with a real Kafka, in test/integration/classic-member.test.ts.

function assignmentOf(topic: string, ...partitions: number[]): Uint8Array {
  return encodeVersioned(consumerProtocolAssignment, 3, { assignedPartitions: [{ topic, partitions }] })
}

const joined = { generationId: 1, protocolName: 'range', leader: 'somebody', memberId: 'me' }
const synced = { assignment: assignmentOf('orders', 0, 1) }
const held = ['orders-0', 'orders-1']

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

function setUp(scripts: Record<string, Script> = {}, settings: Partial<ClassicMemberOptions> = {}) {
  const cluster = new ScriptedCoordinator()
  Object.assign(cluster.scripts, { JoinGroup: () => joined, SyncGroup: () => synced }, scripts)
  const owner = new RecordingOwner('orders')
  const member = new ClassicMember(
    cluster,
    {
      groupId: 'billing',
      groupInstanceId: null,
      clientRack: 'east',
      sessionTimeoutMs: 1_000,
      heartbeatIntervalMs: 20,
      maxPollIntervalMs: 30_000,
      retryBackoffMs: 10,
      retryBackoffMaxMs: 20,
      assignors: [rangeAssignor],
      ...settings,
    },
    owner,
  )
  cleanups.push(() => member.leave(new Deadline(1_000)))
  return { cluster, owner, member }
}

/** First these answers, one a request, then the last of them for ever. */
function inTurn(...answers: Answer[]): Script {
  return (_request, count) => answers[Math.min(count, answers.length) - 1]!
}

describe('the states of a member', () => {
  test('a step outside of the table is refused', () => {
    expect(step('unjoined', 'joining')).toBe('joining')
    expect(() => step('left', 'joining')).toThrow('a group member cannot go from left to joining')
    expect(() => step('unjoined', 'stable' satisfies MemberState)).toThrow('from unjoined to stable')
  })
})

describe('joining', () => {
  test('a member says what it wants and what it is', async () => {
    const { cluster, owner, member } = setUp()
    member.start()
    await owner.holds(held)
    const [request] = cluster.all('JoinGroup')
    expect(request).toMatchObject({
      groupId: 'billing',
      sessionTimeoutMs: 1_000,
      rebalanceTimeoutMs: 30_000,
      memberId: '',
      groupInstanceId: null,
      protocolType: 'consumer',
      reason: 'joins the group',
    })
    const [protocol, ...others] = request!.protocols as { name: string; metadata: Uint8Array }[]
    expect(others).toEqual([])
    expect(protocol?.name).toBe('range')
    expect([...protocol!.metadata.subarray(0, 2)]).toEqual([0, 3])
    expect(decodeVersioned(consumerProtocolSubscription, protocol!.metadata)).toEqual({
      topics: ['orders'],
      userData: null,
      ownedPartitions: [],
      generationId: -1,
      rackId: 'east',
    })
  })

  test('with MEMBER_ID_REQUIRED it joins again under the id that it was given', async () => {
    const required = { errorCode: errorCodes.memberIdRequired, memberId: 'given', protocolName: null }
    const { cluster, owner, member } = setUp({ JoinGroup: inTurn(required, joined) })
    member.start()
    await owner.holds(held)
    expect(cluster.all('JoinGroup').map(({ memberId }) => memberId)).toEqual(['', 'given'])
  })

  test('a coordinator that asks for another join each time is not hammered', async () => {
    const required = { errorCode: errorCodes.memberIdRequired, memberId: 'given', protocolName: null }
    const { cluster, member } = setUp(
      { JoinGroup: () => required },
      { retryBackoffMs: 200, retryBackoffMaxMs: 200 },
    )
    member.start()
    await cluster.until('JoinGroup', 5)
    // Three at once, then one each 160 to 240 ms.
    const startedAt = performance.now()
    await cluster.until('JoinGroup', 7)
    expect(performance.now() - startedAt).toBeGreaterThan(300)
  })

  test('with an id that the coordinator has forgotten it joins without one', async () => {
    const forgotten = { errorCode: errorCodes.unknownMemberId, protocolName: null }
    const required = { errorCode: errorCodes.memberIdRequired, memberId: 'given', protocolName: null }
    const { cluster, owner, member } = setUp({ JoinGroup: inTurn(required, forgotten, joined) })
    member.start()
    await owner.holds(held)
    expect(cluster.all('JoinGroup').map(({ memberId }) => memberId)).toEqual(['', 'given', ''])
  })

  test('errors that may pass are tried again until they have', async () => {
    const loading = { errorCode: errorCodes.coordinatorLoadInProgress, protocolName: null }
    const moved = { errorCode: errorCodes.notCoordinator, protocolName: null }
    const again = { errorCode: errorCodes.rebalanceInProgress, protocolName: null }
    const { cluster, owner, member } = setUp({
      JoinGroup: inTurn(loading, loading, moved, again, joined),
      SyncGroup: inTurn({ errorCode: errorCodes.notCoordinator }, synced),
    })
    member.start()
    await owner.holds(held)
    expect(owner.kinds).toEqual(['assigned'])
    expect(cluster.all('JoinGroup')).toHaveLength(6)
  })

  test('REBALANCE_IN_PROGRESS for SyncGroup means another join, without a word to the owner', async () => {
    const { cluster, owner, member } = setUp({
      SyncGroup: inTurn({ errorCode: errorCodes.rebalanceInProgress }, synced),
    })
    member.start()
    await owner.holds(held)
    expect(owner.kinds).toEqual(['assigned'])
    expect(cluster.all('JoinGroup').map(({ memberId }) => memberId)).toEqual(['', 'me'])
  })

  test.each([
    ['REBALANCE_IN_PROGRESS', errorCodes.rebalanceInProgress, 'me'],
    ['UNKNOWN_MEMBER_ID', errorCodes.unknownMemberId, ''],
  ])('a SyncGroup without an answer is given up when a heartbeat hears %s', async (_name, errorCode, id) => {
    const { cluster, owner, member } = setUp({
      SyncGroup: inTurn(never, synced),
      Heartbeat: inTurn({ errorCode }, {}),
    })
    member.start()
    await owner.holds(held)
    expect(cluster.all('JoinGroup').map(({ memberId }) => memberId)).toEqual(['', id])
    expect(owner.kinds).toEqual(['assigned'])
  })

  test.each(['JoinGroup', 'SyncGroup'])(
    'a change of topics while %s is on its way makes for one more join',
    async (api) => {
      const { cluster, owner, member } = setUp()
      const answer = cluster.scripts[api]!
      cluster.scripts[api] = (request, count) => {
        if (count === 1) {
          owner.subscription = ['orders', 'bills']
          member.rejoin('a topic more')
        }
        return answer(request, count)
      }
      member.start()
      await owner.until(() => owner.kinds.length === 3)
      expect(owner.kinds).toEqual(['assigned', 'revoked', 'assigned'])
      const topics = cluster.all('JoinGroup').map(({ protocols }) => {
        const [protocol] = protocols as { metadata: Uint8Array }[]
        return decodeVersioned(consumerProtocolSubscription, protocol!.metadata).topics
      })
      expect(topics).toEqual([['orders'], ['orders', 'bills']])
      expect(cluster.all('JoinGroup')[1]?.reason).toBe('a topic more')
    },
  )

  test('what the leader assigns beyond the topics, twice or below 0 is left out, and nothing at all is fine', async () => {
    const assignedPartitions = [
      { topic: 'others', partitions: [0] },
      { topic: 'orders', partitions: [1, 1, -1] },
      { topic: 'orders', partitions: [1] },
    ]
    const odd = { assignment: encodeVersioned(consumerProtocolAssignment, 0, { assignedPartitions }) }
    const { owner, member } = setUp({ SyncGroup: inTurn(odd, { assignment: new Uint8Array() }) })
    member.start()
    await owner.holds(['orders-1'])
    member.rejoin('once more')
    await owner.until(() => owner.kinds.length === 3)
    expect(owner.events.at(-1)).toEqual({ kind: 'assigned', partitions: [], added: [] })
  })

  test('a leader passes over members that it cannot read, and waits for metadata rather than assign nothing', async () => {
    const subscription = encodeVersioned(consumerProtocolSubscription, 1, { topics: ['orders', 'missing'] })
    const members = [
      { memberId: 'garbled', metadata: Uint8Array.of(0, 1, 255) },
      { memberId: 'me', metadata: subscription },
    ]
    const { cluster, owner, member } = setUp({ JoinGroup: () => ({ ...joined, leader: 'me', members }) })
    let refreshes = 0
    cluster.refresh = async () => {
      refreshes++
      if (refreshes < 3) throw new BrokerError(errorCodes.leaderNotAvailable)
    }
    member.start()
    await owner.holds(held)
    expect(refreshes).toBe(3)
    const [request] = cluster.all('SyncGroup')
    expect(request).toMatchObject({ generationId: 1, memberId: 'me', protocolName: 'range' })
    const assignments = request!.assignments as { memberId: string; assignment: Uint8Array }[]
    expect(
      assignments.map(({ memberId, assignment }) => [
        memberId,
        decodeVersioned(consumerProtocolAssignment, assignment).assignedPartitions,
      ]),
    ).toEqual([
      ['garbled', []],
      ['me', [{ topic: 'orders', partitions: [0, 1] }]],
    ])
  })

  test('a static leader that is told so leaves the assignment alone, and still watches the partitions', async () => {
    const metadata = encodeVersioned(consumerProtocolSubscription, 3, { topics: ['orders'] })
    const members = [{ memberId: 'me', groupInstanceId: 'a', metadata }]
    const { cluster, owner, member } = setUp(
      { JoinGroup: () => ({ ...joined, leader: 'me', members, skipAssignment: true }) },
      { groupInstanceId: 'a' },
    )
    member.start()
    await owner.holds(held)
    expect(cluster.all('SyncGroup')[0]?.assignments).toEqual([])

    cluster.topic('orders', 5)
    await owner.next('revoked')
    await cluster.until('JoinGroup', 2)
    expect(cluster.all('JoinGroup')[1]?.reason).toBe('topic orders has 5 partitions now, and had 2')
  })
})

describe('heartbeats', () => {
  test('never overlap, however slow the coordinator is', async () => {
    let answer = (_: Json): void => {}
    const slow = new Promise<Json>((resolve) => {
      answer = resolve
    })
    const { cluster, owner, member } = setUp({ Heartbeat: inTurn({}, slow, {}) })
    member.start()
    await owner.holds(held)
    await cluster.until('Heartbeat', 2)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(cluster.all('Heartbeat')).toHaveLength(2)
    answer({})
    await cluster.until('Heartbeat', 4)
    expect(cluster.mostWaiting.Heartbeat).toBe(1)
  })

  test('UNKNOWN_MEMBER_ID: all is lost, and the next join has no member id', async () => {
    const { cluster, owner, member } = setUp({
      Heartbeat: inTurn({}, { errorCode: errorCodes.unknownMemberId }, {}),
    })
    member.start()
    await owner.until(() => owner.kinds.length === 3)
    expect(owner.events[1]).toEqual({ kind: 'lost', partitions: held })
    expect(owner.kinds).toEqual(['assigned', 'lost', 'assigned'])
    expect(cluster.all('JoinGroup').map(({ memberId }) => memberId)).toEqual(['', ''])
  })

  test('ILLEGAL_GENERATION: all is lost, and the member id is kept', async () => {
    const { cluster, owner, member } = setUp({
      Heartbeat: inTurn({ errorCode: errorCodes.illegalGeneration }, {}),
    })
    member.start()
    await owner.until(() => owner.kinds.length === 3)
    expect(owner.kinds).toEqual(['assigned', 'lost', 'assigned'])
    expect(cluster.all('JoinGroup').map(({ memberId }) => memberId)).toEqual(['', 'me'])
  })

  test('REBALANCE_IN_PROGRESS: partitions are revoked once, while heartbeats go on', async () => {
    const { cluster, owner, member } = setUp({
      JoinGroup: (_, count) => ({ ...joined, generationId: count }),
    })
    cluster.scripts.Heartbeat = ({ generationId }) =>
      generationId === 1 ? { errorCode: errorCodes.rebalanceInProgress } : {}
    let beforeHandOver = 0
    owner.beforeRevoked = async () => {
      beforeHandOver = cluster.all('Heartbeat').length
      // Still a member: what is finished now can be committed.
      expect(member.metadata.generationId).toBe(1)
      await cluster.until('Heartbeat', beforeHandOver + 3)
    }
    member.start()
    await owner.until(() => owner.kinds.length === 3)
    expect(owner.kinds).toEqual(['assigned', 'revoked', 'assigned'])
    expect(cluster.all('Heartbeat').length).toBeGreaterThanOrEqual(beforeHandOver + 3)
    expect(member.metadata.generationId).toBe(2)
  })

  test('after a freeze longer than the session all is lost before anything is asked or committed', async () => {
    const { cluster, owner, member } = setUp({}, { sessionTimeoutMs: 300 })
    member.start()
    await owner.holds(held)
    await cluster.until('Heartbeat', 1)
    const before = cluster.sent.length
    const lost = owner.next('lost').then(() => cluster.sent.length)
    const frozenUntil = performance.now() + 400
    while (performance.now() < frozenUntil);
    expect(await lost).toBe(before)
    await owner.until(() => owner.kinds.length === 3)
    expect(cluster.sent[before]?.api).toBe('JoinGroup')
  })

  test('an application that is late during a revocation is put out, and the revocation told to stop', async () => {
    const { cluster, owner, member } = setUp({}, { maxPollIntervalMs: 200 })
    member.start()
    await owner.holds(held)
    const stopped = new Promise<boolean>((resolve) => {
      owner.beforeRevoked = ({ signal }) => {
        signal?.addEventListener('abort', () => resolve(true))
        return new Promise(() => {})
      }
    })
    owner.polledAt = performance.now()
    member.rejoin('topics have changed')
    expect(await stopped).toBe(true)
    expect(member.metadata.generationId).toBe(-1)
    await owner.next('late')
    expect(owner.kinds).toEqual(['assigned', 'lost', 'late'])
    expect(member.state).toBe('unjoined')
    expect(cluster.all('LeaveGroup')).toMatchObject([{ members: [{ memberId: 'me' }] }])
    // What was asked for before is not what brings it back.
    expect(cluster.all('JoinGroup')).toHaveLength(1)
  })

  test('a static member that is late stays in the group until its session is over', async () => {
    const settings = { maxPollIntervalMs: 100, groupInstanceId: 'a' }
    const { cluster, owner, member } = setUp({}, settings)
    owner.polledAt = performance.now()
    member.start()
    await owner.next('late')
    expect(cluster.all('LeaveGroup')).toEqual([])
  })
})

describe('handing over', () => {
  test('an owner that fails to hand over loses what it still holds', async () => {
    const { owner, member } = setUp()
    member.start()
    await owner.holds(held)
    owner.beforeRevoked = () => Promise.reject(new Error('cannot commit'))
    member.rejoin('topics have changed')
    await owner.until(() => owner.kinds.length === 3)
    expect(owner.kinds).toEqual(['assigned', 'lost', 'assigned'])
  })

  test('a membership that ends meanwhile stops it, and the rest is lost', async () => {
    const { owner, member } = setUp()
    member.start()
    await owner.holds(held)
    let signal: AbortSignal | undefined
    owner.beforeRevoked = (deadline) => {
      signal = deadline.signal
      setTimeout(() => member.onCommitRefused(errorCodes.unknownMemberId, member.metadata))
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal?.reason)))
    }
    member.rejoin('topics have changed')
    await owner.until(() => owner.kinds.length === 3)
    expect(signal?.aborted).toBe(true)
    expect(owner.kinds).toEqual(['assigned', 'lost', 'assigned'])
  })
})

describe('errors that nothing mends', () => {
  test.each([
    ['GROUP_AUTHORIZATION_FAILED', 30, BrokerError],
    ['INVALID_GROUP_ID', 24, BrokerError],
    ['INVALID_SESSION_TIMEOUT', 26, BrokerError],
    ['GROUP_MAX_SIZE_REACHED', 81, BrokerError],
    ['INCONSISTENT_GROUP_PROTOCOL', 23, BrokerError],
    ['FENCED_INSTANCE_ID', 82, GroupError],
  ])('%s for a join is told to the owner, with the group', async (code, errorCode, type) => {
    const { cluster, owner, member } = setUp({ JoinGroup: () => ({ errorCode, protocolName: null }) })
    member.start()
    const { error } = await owner.next('fatal')
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({ code, groupId: 'billing', api: 'JoinGroup', retriable: false })
    expect(error?.message).toContain('group billing')
    expect(cluster.all('JoinGroup')).toHaveLength(1)
    expect(member.state).toBe('left')
  })

  test.each([
    new AuthenticationError('SASL_AUTHENTICATION_FAILED', 'wrong password'),
    new TlsError('TLS_CERTIFICATE_INVALID', 'expired'),
    new UnsupportedVersionError('JoinGroup: no version in common'),
  ])('$name goes to the owner as it is', async (thrown) => {
    const { owner, member } = setUp({ JoinGroup: () => thrown })
    member.start()
    expect((await owner.next('fatal')).error).toBe(thrown)
  })

  test('what a heartbeat is refused for ends the membership, partitions first', async () => {
    const { owner, member } = setUp({ Heartbeat: () => ({ errorCode: errorCodes.groupAuthorizationFailed }) })
    member.start()
    const { error } = await owner.next('fatal')
    expect(owner.kinds).toEqual(['assigned', 'lost', 'fatal'])
    expect(error).toMatchObject({ code: 'GROUP_AUTHORIZATION_FAILED', api: 'Heartbeat', groupId: 'billing' })
  })

  test('a static member needs a broker that knows of them', async () => {
    const { cluster, owner, member } = setUp({}, { groupInstanceId: 'a' })
    cluster.versions = { ...versions, JoinGroup: 4 }
    member.start()
    const { error } = await owner.next('fatal')
    expect(error).toBeInstanceOf(UnsupportedVersionError)
    expect(error?.message).toBe(
      'group billing: groupInstanceId needs JoinGroup version 5 (Kafka 2.3), the broker has 4',
    )
  })

  test('an assignor that the member does not have', async () => {
    const { owner, member } = setUp({ JoinGroup: () => ({ ...joined, protocolName: 'sticky' }) })
    member.start()
    const { error } = await owner.next('fatal')
    expect(error).toMatchObject({ code: 'INCONSISTENT_GROUP_PROTOCOL', groupId: 'billing' })
    expect(error?.message).toContain('chose the assignor sticky, this member has range')
  })

  test('an assignment that cannot be read', async () => {
    const { owner, member } = setUp({
      SyncGroup: () => ({ assignment: Uint8Array.of(0, 0, 127, 255, 255, 255) }),
    })
    member.start()
    const { error } = await owner.next('fatal')
    expect(error).toBeInstanceOf(GroupError)
    expect(error).toMatchObject({ code: 'INVALID_ASSIGNMENT', groupId: 'billing' })
  })

  test('a topic of the group that its leader may not see', async () => {
    const metadata = encodeVersioned(consumerProtocolSubscription, 1, { topics: ['secret'] })
    const { cluster, owner, member } = setUp({
      JoinGroup: () => ({ ...joined, leader: 'me', members: [{ memberId: 'me', metadata }] }),
    })
    const { response } = metadataApi
    const refusal = { topics: [{ name: 'secret', errorCode: errorCodes.topicAuthorizationFailed }] }
    cluster.metadata.update(response.decode(13, response.encode(13, refusal)))
    member.start()
    const { error } = await owner.next('fatal')
    expect(error).toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED', topic: 'secret', groupId: 'billing' })
  })
})

describe('leaving', () => {
  test('an answer to SyncGroup that comes after it is dropped', async () => {
    let answer = (_: Json): void => {}
    const late = new Promise<Json>((resolve) => {
      answer = resolve
    })
    const { cluster, owner, member } = setUp({ SyncGroup: () => late })
    member.start()
    await cluster.until('SyncGroup', 1)
    // Both in the same turn: the wait may already have ended with the answer.
    answer(synced)
    await member.leave(new Deadline(1_000))
    expect(owner.events).toEqual([])
    expect(member.state).toBe('left')
    expect(cluster.all('LeaveGroup')).toMatchObject([
      { groupId: 'billing', members: [{ memberId: 'me', reason: 'the consumer is being closed' }] },
    ])
  })

  test('of an answer to JoinGroup that comes after it the id alone is used, and nothing can be started again', async () => {
    let answer = (_: Json): void => {}
    const late = new Promise<Json>((resolve) => {
      answer = resolve
    })
    const { cluster, owner, member } = setUp({ JoinGroup: () => late })
    member.start()
    await cluster.until('JoinGroup', 1)
    answer(joined)
    await member.leave(new Deadline(1_000))
    member.rejoin('too late')
    member.start()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(cluster.sent.map(({ api }) => api)).toEqual(['JoinGroup', 'LeaveGroup'])
    expect(cluster.all('LeaveGroup')[0]).toMatchObject({ members: [{ memberId: 'me' }] })
    expect(owner.events).toEqual([])
  })

  test('in whichever turn after an answer to JoinGroup, it waits for no SyncGroup and leaves no heartbeat', async () => {
    for (let turns = 0; turns < 30; turns++) {
      let answer = (_: Json): void => {}
      const late = new Promise<Json>((resolve) => {
        answer = resolve
      })
      const { cluster, owner, member } = setUp({ JoinGroup: () => late, SyncGroup: () => never })
      member.start()
      await cluster.until('JoinGroup', 1)
      answer(joined)
      for (let i = 0; i < turns; i++) await Promise.resolve()
      const startedAt = performance.now()
      await member.leave(new Deadline(5_000))
      expect(performance.now() - startedAt).toBeLessThan(500)
      await new Promise((resolve) => setTimeout(resolve, 40))
      expect(cluster.all('Heartbeat')).toEqual([])
      expect(owner.events).toEqual([])
    }
  })

  test('during an event of the owner it does not wait for it, and no heartbeat follows', async () => {
    const { cluster, owner, member } = setUp()
    const assigning = new Promise<AbortSignal | undefined>((resolve) => {
      owner.beforeAssigned = ({ signal }) => {
        resolve(signal)
        return new Promise(() => {})
      }
    })
    member.start()
    const signal = await assigning
    await member.leave(new Deadline(1_000))
    expect(signal?.aborted).toBe(true)
    const sent = cluster.all('Heartbeat').length
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(cluster.all('Heartbeat')).toHaveLength(sent)
  })

  test('is over when its deadline is, is done once, and never rejects', async () => {
    const { cluster, owner, member } = setUp({ LeaveGroup: () => never })
    member.start()
    await owner.holds(held)
    const startedAt = performance.now()
    const leaving = member.leave(new Deadline(100))
    expect(member.leave(new Deadline(5_000))).toBe(leaving)
    await leaving
    expect(performance.now() - startedAt).toBeLessThan(500)
    expect(cluster.all('LeaveGroup')).toHaveLength(1)
  })

  test('with a deadline whose signal is aborted it is over at once', async () => {
    const { owner, member } = setUp({ LeaveGroup: () => never })
    member.start()
    await owner.holds(held)
    await member.leave(new Deadline(5_000, AbortSignal.abort()))
    expect(member.state).toBe('left')
  })

  test('a member of an old broker is named in the old way', async () => {
    const { cluster, owner, member } = setUp()
    cluster.versions = { JoinGroup: 2, SyncGroup: 1, Heartbeat: 1, LeaveGroup: 1 }
    member.start()
    await owner.holds(held)
    await member.leave(new Deadline(1_000))
    expect(cluster.all('LeaveGroup')).toMatchObject([{ groupId: 'billing', memberId: 'me' }])
  })

  test('a static member does not tell', async () => {
    const { cluster, owner, member } = setUp({}, { groupInstanceId: 'a' })
    member.start()
    await owner.holds(held)
    await member.leave(new Deadline(1_000))
    expect(cluster.all('LeaveGroup')).toEqual([])
  })
})
