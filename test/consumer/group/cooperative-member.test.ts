import { afterEach, describe, expect, test } from 'vitest'
import { cooperativeStickyAssignor } from '../../../src/consumer/group/assignors/cooperative-sticky.ts'
import { rangeAssignor } from '../../../src/consumer/group/assignors/range.ts'
import { ClassicMember, type ClassicMemberOptions } from '../../../src/consumer/group/classic-member.ts'
import { Deadline } from '../../../src/deadline.ts'
import { ConnectionError } from '../../../src/errors.ts'
import { errorCodes } from '../../../src/protocol/broker-errors.ts'
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
  encodeVersioned,
} from '../../../src/protocol/groups/consumer-protocol.ts'
import { gate } from '../../support/promises.ts'
import { RecordingOwner } from '../../support/recording-owner.ts'
import {
  type Answer,
  type Json,
  type Script,
  ScriptedCoordinator,
} from '../../support/scripted-coordinator.ts'

// What goes right is shown with brokers, in test/integration/consumer-cooperative.test.ts.

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** One answer for each request, the last of them for ever. */
function inTurn(...answers: Answer[]): Script {
  return (_request, count) => answers[Math.min(count, answers.length) - 1]!
}

function joined(generationId: number): Json {
  return { generationId, protocolName: 'cooperative-sticky', leader: 'somebody', memberId: 'me' }
}

function given(...partitions: number[]): Json {
  const assignedPartitions = [{ topic: 'orders', partitions }]
  return { assignment: encodeVersioned(consumerProtocolAssignment, 3, { assignedPartitions }) }
}

function setUp(scripts: Record<string, Script>, settings: Partial<ClassicMemberOptions> = {}) {
  const cluster = new ScriptedCoordinator()
  Object.assign(cluster.scripts, scripts)
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
      assignors: [cooperativeStickyAssignor()],
      ...settings,
    },
    owner,
  )
  cleanups.push(() => member.leave(new Deadline(1_000)))
  return { cluster, owner, member }
}

function subscriptionOf(request: Json | undefined) {
  const [protocol] = request!.protocols as { metadata: Uint8Array }[]
  return decodeVersioned(consumerProtocolSubscription, protocol!.metadata)
}

describe('a member of a cooperative group', () => {
  test('revokes what is taken away alone, says what it keeps, and joins again at once', async () => {
    const { cluster, owner, member } = setUp({
      JoinGroup: inTurn(joined(1), joined(2), joined(3)),
      SyncGroup: inTurn(given(0, 1), given(0), given(0)),
    })
    member.start()
    await owner.holds(['orders-0', 'orders-1'])
    member.enforceRebalance('because')
    await cluster.until('SyncGroup', 3)
    await owner.until(() => owner.kinds.filter((kind) => kind === 'assigned').length === 3)
    expect(owner.events).toEqual([
      { kind: 'assigned', partitions: ['orders-0', 'orders-1'], added: ['orders-0', 'orders-1'] },
      { kind: 'revoked', partitions: ['orders-1'] },
      { kind: 'assigned', partitions: ['orders-0'], added: [] },
      { kind: 'assigned', partitions: ['orders-0'], added: [] },
    ])
    const requests = cluster.all('JoinGroup')
    expect(requests.map(({ reason }) => reason)).toEqual([
      'joins the group',
      'because',
      'partitions were given up for others to have',
    ])
    expect(requests.map((one) => subscriptionOf(one).ownedPartitions)).toEqual([
      [],
      [{ topic: 'orders', partitions: [0, 1] }],
      [{ topic: 'orders', partitions: [0] }],
    ])
    expect(requests.map((one) => subscriptionOf(one).generationId)).toEqual([-1, 1, 2])
    expect(subscriptionOf(requests[0]).rackId).toBe('east')
  })

  test('with an eager assignor in its list it gives everything up before it joins', async () => {
    const { cluster, owner, member } = setUp(
      { JoinGroup: inTurn(joined(1), joined(2)), SyncGroup: inTurn(given(0, 1), given(0, 1)) },
      { assignors: [cooperativeStickyAssignor(), rangeAssignor] },
    )
    member.start()
    await owner.holds(['orders-0', 'orders-1'])
    member.rejoin('because')
    await owner.until(() => owner.kinds.length === 3)
    expect(owner.kinds).toEqual(['assigned', 'revoked', 'assigned'])
    expect(subscriptionOf(cluster.all('JoinGroup')[1]).ownedPartitions).toEqual([])
  })

  test('while it joins it commits for the generation before, and after a refusal waits for the next', async () => {
    let answer = (_json: Json) => {}
    const pending = new Promise<Json>((resolve) => {
      answer = resolve
    })
    const { cluster, owner, member } = setUp({
      JoinGroup: inTurn(joined(1), pending),
      SyncGroup: inTurn(given(0, 1)),
    })
    member.start()
    await owner.holds(['orders-0', 'orders-1'])
    expect(member.afterRebalance(member.metadata)).toBe(null)
    member.rejoin('because')
    await cluster.until('JoinGroup', 2)
    const before = member.metadata
    expect(before.generationId).toBe(1)
    const rebalanced = member.afterRebalance(before)
    expect(rebalanced).not.toBe(null)
    answer(joined(2))
    await rebalanced
    expect(member.metadata.generationId).toBe(2)
    // A refusal that comes later still finds that there is a newer generation.
    await expect(member.afterRebalance(before)).resolves.toBe(undefined)
    expect(owner.kinds).not.toContain('revoked')
  })

  test('what it kept is lost when the coordinator has forgotten it', async () => {
    const forgotten = { errorCode: errorCodes.unknownMemberId, protocolName: null }
    const { cluster, owner, member } = setUp({
      JoinGroup: inTurn(joined(1), forgotten, joined(3)),
      SyncGroup: inTurn(given(0, 1), given(1)),
    })
    member.start()
    await owner.holds(['orders-0', 'orders-1'])
    member.rejoin('because')
    await owner.holds(['orders-1'])
    expect(owner.kinds).toEqual(['assigned', 'lost', 'assigned'])
    const last = subscriptionOf(cluster.all('JoinGroup')[2])
    expect(last.ownedPartitions).toEqual([])
    expect(last.generationId).toBe(-1)
  })

  test('what it kept is lost when it cannot reach the coordinator for longer than a session', async () => {
    const { owner, member } = setUp(
      {
        JoinGroup: (_request, count) =>
          count === 1 ? joined(1) : new ConnectionError('CONNECTION_CLOSED', 'cut'),
        SyncGroup: inTurn(given(0, 1)),
      },
      { sessionTimeoutMs: 100 },
    )
    member.start()
    await owner.holds(['orders-0', 'orders-1'])
    member.rejoin('because')
    await owner.next('lost')
    expect(owner.owned).toEqual([])
    expect(member.metadata.generationId).toBe(-1)
  })

  test('topics that are not subscribed to any more are given up before it joins', async () => {
    const { cluster, owner, member } = setUp({
      JoinGroup: inTurn(joined(1), joined(2)),
      SyncGroup: inTurn(given(0, 1), { assignment: new Uint8Array() }),
    })
    member.start()
    await owner.holds(['orders-0', 'orders-1'])
    owner.subscription = ['payments']
    member.rejoin('the subscription has changed')
    await cluster.until('SyncGroup', 2)
    expect(owner.kinds.slice(0, 2)).toEqual(['assigned', 'revoked'])
    expect(subscriptionOf(cluster.all('JoinGroup')[1]).ownedPartitions).toEqual([])
  })

  test('enforceRebalance does nothing while a rebalance is under way', async () => {
    let answer = (_json: Json) => {}
    const pending = new Promise<Json>((resolve) => {
      answer = resolve
    })
    const { cluster, owner, member } = setUp({ JoinGroup: inTurn(pending), SyncGroup: inTurn(given(0, 1)) })
    member.start()
    await cluster.until('JoinGroup', 1)
    member.enforceRebalance('because')
    answer(joined(1))
    await owner.holds(['orders-0', 'orders-1'])
    await cluster.until('Heartbeat', 2)
    expect(cluster.all('JoinGroup')).toHaveLength(1)
  })

  test('leaves with the reason that it is given', async () => {
    const { cluster, owner, member } = setUp({ JoinGroup: inTurn(joined(1)), SyncGroup: inTurn(given(0, 1)) })
    member.start()
    await owner.holds(['orders-0', 'orders-1'])
    await member.leave(new Deadline(1_000), 'the consumer unsubscribed from all topics')
    expect(cluster.all('LeaveGroup')[0]).toMatchObject({
      members: [{ memberId: 'me', reason: 'the consumer unsubscribed from all topics' }],
    })
  })

  test('lets what it keeps be committed in each moment of a rebalance', async () => {
    const { cluster, owner, member } = setUp({
      JoinGroup: inTurn(joined(1), joined(2)),
      SyncGroup: inTurn(given(0), given(0)),
    })
    member.start()
    await owner.holds(['orders-0'])
    member.enforceRebalance('because')
    const generations = new Set<number>()
    // Turn by turn: between the end of one round and the beginning of the next there are some.
    for (let turn = 0; turn < 50; turn++) {
      generations.add(member.metadata.generationId)
      await Promise.resolve()
    }
    await cluster.until('SyncGroup', 2)
    expect(generations).toContain(1)
    expect(generations).not.toContain(-1)
  })

  test('has a commit of the generation before made again while it takes on partitions in the present one', async () => {
    const { owner, member } = setUp({
      JoinGroup: inTurn(joined(1), joined(2)),
      SyncGroup: inTurn(given(0), given(0, 1)),
    })
    const assigned = gate()
    member.start()
    await owner.holds(['orders-0'])
    const sentWith = member.metadata
    owner.beforeAssigned = () => assigned.opened
    member.enforceRebalance('because')
    await expect.poll(() => member.metadata.generationId, { interval: 1 }).toBe(2)
    // What a hook commits in the present generation is refused for good: that hook is what the next one would wait for.
    expect(member.afterRebalance(member.metadata)).toBe(null)
    await expect(member.afterRebalance(sentWith)).resolves.toBeUndefined()
    assigned.open()
  })
})
