import { afterEach, describe, expect, test } from 'vitest'
import { ConsumerMember, type ConsumerMemberOptions } from '../../../src/consumer/group/consumer-member.ts'
import { Deadline } from '../../../src/deadline.ts'
import { UnsupportedVersionError } from '../../../src/errors.ts'
import { metadata as metadataApi } from '../../../src/protocol/apis/metadata.ts'
import { BrokerError, errorCodes } from '../../../src/protocol/broker-errors.ts'
import { RecordingOwner } from '../../support/recording-owner.ts'
import {
  type Answer,
  type Json,
  never,
  type Script,
  ScriptedCoordinator,
} from '../../support/scripted-coordinator.ts'

// The coordinator of these tests is a script, for what a real one cannot be brought to say at will. What goes right is
// shown in test/integration/consumer-protocol.test.ts.

const api = 'ConsumerGroupHeartbeat'
const ordersId = 'b3JkZXJzLW9yZGVycy1vcg'
const billsId = 'YmlsbHMtYmlsbHMtYmlsbA'

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

/** An assignment of partitions of `orders`. */
function assigned(...partitions: number[]): Json {
  return { topicPartitions: partitions.length === 0 ? [] : [{ topicId: ordersId, partitions }] }
}

function answer(memberEpoch: number, assignment: Json | null = null, more: Json = {}): Json {
  return { memberId: 'me', memberEpoch, heartbeatIntervalMs: 20, assignment, ...more }
}

/** Makes names of topics known, as an answer to Metadata does. */
function topicsOf(...topics: [name: string, id: string][]): Json {
  return {
    topics: topics.map(([name, topicId]) => ({
      name,
      topicId,
      partitions: Array.from({ length: 4 }, (_, partitionIndex) => ({ partitionIndex })),
    })),
  }
}

function setUp(script: Script, settings: Partial<ConsumerMemberOptions> = {}) {
  const cluster = new ScriptedCoordinator()
  cluster.versions = { [api]: 1, Metadata: 13 }
  cluster.scripts[api] = (request, count) => (Number(request.memberEpoch) < 0 ? {} : script(request, count))
  const { response } = metadataApi
  cluster.metadata.update(response.decode(13, response.encode(13, topicsOf(['orders', ordersId]))))
  const owner = new RecordingOwner('orders')
  const member = new ConsumerMember(
    cluster,
    {
      groupId: 'billing',
      groupInstanceId: null,
      clientRack: null,
      maxPollIntervalMs: 30_000,
      retryBackoffMs: 10,
      retryBackoffMaxMs: 20,
      groupRemoteAssignor: null,
      ...settings,
    },
    owner,
  )
  cleanups.push(() => member.leave(new Deadline(1_000)))
  return { cluster, owner, member }
}

/** First these answers, one a heartbeat, then the last epoch for ever. */
function inTurn(...answers: Answer[]): Script {
  let epoch = 1
  return (_request, count) => {
    const one = answers[count - 1] ?? answer(epoch)
    if (!(one instanceof Error) && !(one instanceof Promise) && one.memberEpoch)
      epoch = Number(one.memberEpoch)
    return one
  }
}

const held = ['orders-0', 'orders-1']

describe('joining', () => {
  test('a member names itself and says all about itself, then what has changed alone', async () => {
    const { cluster, owner, member } = setUp(inTurn(answer(5, assigned(0, 1))), {
      clientRack: 'east',
      groupRemoteAssignor: 'range',
    })
    owner.pattern = 'eu.*'
    member.start()
    await owner.holds(held)
    await cluster.until(api, 3)
    const [join, acknowledgement, third] = cluster.all(api)
    expect(join).toMatchObject({
      groupId: 'billing',
      memberEpoch: 0,
      instanceId: null,
      rackId: 'east',
      rebalanceTimeoutMs: 30_000,
      subscribedTopicNames: ['orders'],
      subscribedTopicRegex: 'eu.*',
      serverAssignor: 'range',
      topicPartitions: [],
    })
    expect(join!.memberId).toMatch(/^[\w-]{22}$/)
    const unchanged = {
      memberId: 'me',
      memberEpoch: 5,
      rackId: null,
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
    }
    expect(acknowledgement).toMatchObject({
      ...unchanged,
      topicPartitions: [{ topicId: ordersId, partitions: [0, 1] }],
    })
    expect(third).toMatchObject({ ...unchanged, topicPartitions: null })
    expect(member.metadata).toEqual({
      groupId: 'billing',
      generationId: 5,
      memberId: 'me',
      groupInstanceId: null,
    })
  })

  test('a broker of version 0 gives the name', async () => {
    const { cluster, owner, member } = setUp(inTurn(answer(1, assigned(0))))
    cluster.versions = { ...cluster.versions, [api]: 0 }
    member.start()
    await owner.holds(['orders-0'])
    await cluster.until(api, 2)
    expect(cluster.all(api).map(({ memberId }) => memberId)).toEqual(['', 'me'])
  })

  test('a pattern for a broker of version 0 is an error that says what it needs', async () => {
    const { cluster, owner, member } = setUp(inTurn(answer(1)))
    cluster.versions = { ...cluster.versions, [api]: 0 }
    owner.pattern = 'eu.*'
    member.start()
    const { error } = await owner.next('fatal')
    expect(error).toBeInstanceOf(UnsupportedVersionError)
    expect(error!.message).toContain(
      'a SubscriptionPattern needs ConsumerGroupHeartbeat version 1 (Kafka 4.0)',
    )
  })

  test.each(['COORDINATOR_LOAD_IN_PROGRESS', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR'])(
    '%s is tried again, with everything said anew',
    async (name) => {
      const error = new BrokerError(
        { COORDINATOR_LOAD_IN_PROGRESS: 14, COORDINATOR_NOT_AVAILABLE: 15, NOT_COORDINATOR: 16 }[name]!,
      )
      const { cluster, owner, member } = setUp(inTurn(answer(3, assigned(0, 1)), answer(3), error))
      member.start()
      await owner.holds(held)
      await cluster.until(api, 4)
      expect(cluster.all(api)[3]).toMatchObject({
        memberEpoch: 3,
        rebalanceTimeoutMs: 30_000,
        subscribedTopicNames: ['orders'],
        topicPartitions: [{ topicId: ordersId, partitions: [0, 1] }],
      })
      // Told, and nothing more.
      expect(owner.kinds).toEqual(['assigned', 'trouble'])
    },
  )

  test.each([
    ['UNSUPPORTED_ASSIGNOR', 112],
    ['GROUP_MAX_SIZE_REACHED', 81],
    ['INVALID_REGULAR_EXPRESSION', 128],
    ['INVALID_REQUEST', 42],
    ['GROUP_AUTHORIZATION_FAILED', 30],
    ['UNRELEASED_INSTANCE_ID', 111],
    ['FENCED_INSTANCE_ID', 82],
    ['GROUP_ID_NOT_FOUND', 69],
  ])('%s ends it, with what the broker said', async (code, errorCode) => {
    const { owner, member } = setUp(() => ({ errorCode, errorMessage: 'the broker says why' }), {
      groupInstanceId: 'one',
    })
    member.start()
    const { error } = await owner.next('fatal')
    expect(error!.code).toBe(code)
    if (errorCode !== 111 && errorCode !== 82) expect(error!.message).toContain('the broker says why')
    else expect(error!.message).toContain('the group instance id one')
  })

  test('a cluster without the feature is told of by what the option needs', async () => {
    const { owner, member } = setUp(() => ({ errorCode: errorCodes.unsupportedVersion }))
    member.start()
    const { error } = await owner.next('fatal')
    expect(error).toBeInstanceOf(UnsupportedVersionError)
    expect(error!.message).toContain(
      "groupProtocol 'consumer' needs Kafka 4.0 or newer with the feature group.version",
    )
  })

  test('rights to topics may come later: the error is told, and the member asks on', async () => {
    const { owner, member } = setUp(
      inTurn({ errorCode: errorCodes.topicAuthorizationFailed }, answer(1, assigned(0))),
      { retryBackoffMs: 10 },
    )
    member.start()
    const { error } = await owner.next('trouble')
    expect(error!.code).toBe('TOPIC_AUTHORIZATION_FAILED')
    member.rejoin('do not wait for the interval')
    await owner.holds(['orders-0'])
  })
})

describe('assignments', () => {
  test('partitions are given up first, that is told at once, and then new ones are taken', async () => {
    const { cluster, owner, member } = setUp(
      inTurn(answer(1, assigned(0, 1)), answer(1), answer(1, assigned(1, 2)), answer(2)),
    )
    const order: string[] = []
    owner.beforeRevoked = async () => void order.push(`revokes after ${cluster.all(api).length}`)
    owner.beforeAssigned = async () => void order.push(`assigns after ${cluster.all(api).length}`)
    member.start()
    await owner.holds(['orders-1', 'orders-2'])
    await cluster.until(api, 4)
    expect(owner.events).toEqual([
      { kind: 'assigned', partitions: held, added: held },
      { kind: 'revoked', partitions: ['orders-0'] },
      { kind: 'assigned', partitions: ['orders-1', 'orders-2'], added: ['orders-2'] },
    ])
    expect(cluster.all(api)[3]!.topicPartitions).toEqual([{ topicId: ordersId, partitions: [1, 2] }])
    expect(order[1]).toBe('revokes after 3')
  })

  test('heartbeats go on while partitions are given up, and claim them until they are', async () => {
    const { cluster, owner, member } = setUp(
      inTurn(answer(1, assigned(0, 1)), answer(1), answer(1, assigned(1)), answer(1), new BrokerError(14)),
    )
    let letGo = () => {}
    owner.beforeRevoked = () =>
      new Promise((resolve) => {
        letGo = resolve
      })
    member.start()
    await cluster.until(api, 7)
    expect(owner.owned).toEqual(held)
    // After the failure everything is told again.
    const full = cluster
      .all(api)
      .slice(4)
      .find(({ topicPartitions }) => topicPartitions !== null)
    expect(full!.topicPartitions).toEqual([{ topicId: ordersId, partitions: [0, 1] }])
    const before = cluster.all(api).length
    letGo()
    await owner.holds(['orders-1'])
    await cluster.until(api, before + 2)
    const told = cluster
      .all(api)
      .slice(before)
      .find(({ topicPartitions }) => topicPartitions !== null)
    expect(told!.topicPartitions).toEqual([{ topicId: ordersId, partitions: [1] }])
  })

  test('one that comes while another is taken is taken after it', async () => {
    const { owner, member } = setUp(
      inTurn(answer(1, assigned(0)), answer(2, assigned(0, 1)), answer(3, assigned(1, 2))),
    )
    let goOn = () => {}
    const isHeld = new Promise<void>((resolve) => {
      goOn = resolve
    })
    owner.beforeAssigned = () => isHeld
    member.start()
    await expect.poll(() => member.metadata.generationId).toBe(3)
    expect(owner.events).toEqual([])
    goOn()
    await owner.holds(['orders-1', 'orders-2'])
    expect(owner.kinds).toEqual(['assigned', 'revoked', 'assigned'])
  })

  test('topics without a name are looked up by their id, and again until they have one', async () => {
    const both = {
      topicPartitions: [
        { topicId: ordersId, partitions: [0] },
        { topicId: billsId, partitions: [3] },
      ],
    }
    const { cluster, owner, member } = setUp(inTurn(answer(1, both)))
    const unknown = { topics: [{ errorCode: errorCodes.unknownTopicId, name: null, topicId: billsId }] }
    cluster.scripts.Metadata = (_request, count) => (count < 3 ? unknown : topicsOf(['bills', billsId]))
    member.start()
    await owner.holds(['bills-3', 'orders-0'])
    expect(owner.events[0]).toEqual({ kind: 'assigned', partitions: ['orders-0'], added: ['orders-0'] })
    expect(owner.kinds).toEqual(['assigned', 'assigned'])
    expect(cluster.all('Metadata')).toHaveLength(3)
    // The join, and one to acknowledge; the others are of their interval.
    expect(cluster.all(api).filter(({ topicPartitions }) => topicPartitions !== null)).toHaveLength(2)
    expect(cluster.all('Metadata')[0]).toMatchObject({
      topics: [{ topicId: billsId, name: null }],
      allowAutoTopicCreation: false,
    })
  })

  test('a topic that was made anew is lost and given again, and nothing is committed for it', async () => {
    const anew = { topicPartitions: [{ topicId: billsId, partitions: [0, 1] }] }
    const { cluster, owner, member } = setUp(inTurn(answer(1, assigned(0, 1)), answer(1), answer(2, anew)))
    cluster.scripts.Metadata = () => topicsOf(['orders', billsId])
    member.start()
    await owner.until(() => owner.kinds.length === 3)
    expect(owner.kinds).toEqual(['assigned', 'lost', 'assigned'])
    expect(owner.owned).toEqual(held)
  })

  test('a changed subscription is told at once', async () => {
    const { cluster, owner, member } = setUp(
      inTurn(
        answer(1, assigned(0), { heartbeatIntervalMs: 60_000 }),
        answer(1, null, { heartbeatIntervalMs: 60_000 }),
      ),
    )
    owner.pattern = 'eu.*'
    member.start()
    await cluster.until(api, 2)
    owner.subscription = ['orders', 'bills']
    owner.pattern = null
    member.rejoin('the subscription has changed')
    await cluster.until(api, 3)
    // Empty: the pattern is given up.
    expect(cluster.all(api)[2]).toMatchObject({
      subscribedTopicNames: ['orders', 'bills'],
      subscribedTopicRegex: '',
      topicPartitions: null,
    })
  })
})

test('a pattern that is given up stays so when everything is told again', async () => {
  const { cluster, owner, member } = setUp(
    inTurn(answer(1, assigned(0)), answer(1), new BrokerError(14), answer(1), { errorCode: 110 }, answer(2)),
  )
  owner.pattern = 'eu.*'
  member.start()
  await cluster.until(api, 2)
  owner.pattern = null
  await cluster.until(api, 6)
  const patterns = cluster.all(api).map(({ subscribedTopicRegex }) => subscribedTopicRegex)
  // It is lost with the third, told again with the fourth, and with the join after the fence.
  expect(patterns.slice(0, 6)).toEqual(['eu.*', null, '', '', null, ''])
})

describe('being thrown out', () => {
  test.each([
    ['FENCED_MEMBER_EPOCH', 110],
    ['UNKNOWN_MEMBER_ID', 25],
    ['GROUP_ID_NOT_FOUND', 69],
  ])('with %s partitions are lost, and the member joins again under its name', async (_name, errorCode) => {
    const { cluster, owner, member } = setUp(
      inTurn(answer(4, assigned(0, 1)), answer(4), { errorCode }, answer(6, assigned(1))),
    )
    member.start()
    await owner.holds(['orders-1'])
    expect(owner.kinds).toEqual(['assigned', 'lost', 'assigned'])
    const [join, , , again] = cluster.all(api)
    expect(again).toMatchObject({
      memberEpoch: 0,
      memberId: 'me',
      topicPartitions: [],
      subscribedTopicNames: ['orders'],
    })
    expect(join!.memberEpoch).toBe(0)
    expect(member.metadata.generationId).toBe(6)
  })

  test('a coordinator that fences each join is not hammered', async () => {
    const { cluster, member } = setUp(() => ({ errorCode: 110 }), {
      retryBackoffMs: 200,
      retryBackoffMaxMs: 200,
    })
    const startedAt = performance.now()
    member.start()
    await cluster.until(api, 4)
    // Three pauses of 160 to 240 ms.
    expect(performance.now() - startedAt).toBeGreaterThan(450)
  })

  test('a revocation that is under way is told so, and what it held is lost', async () => {
    const { owner, member } = setUp(
      inTurn(
        answer(1, assigned(0, 1)),
        answer(1),
        answer(1, assigned(0)),
        { errorCode: 110 },
        answer(3, assigned(0)),
      ),
    )
    let wasAborted = false
    owner.beforeRevoked = (deadline) =>
      new Promise((_resolve, reject) => {
        deadline.signal!.addEventListener('abort', () => {
          wasAborted = true
          reject(new Error('over'))
        })
      })
    member.start()
    await owner.holds(['orders-0'])
    expect(wasAborted).toBe(true)
    expect(owner.events[1]).toEqual({ kind: 'lost', partitions: held })
  })

  test('partitions that are not handed over in time are lost', async () => {
    const { owner, member } = setUp(
      inTurn(answer(1, assigned(0, 1)), answer(1), answer(1, assigned(0)), answer(1), answer(1)),
      { maxPollIntervalMs: 200 },
    )
    owner.beforeRevoked = () => new Promise(() => {})
    member.start()
    await owner.next('lost')
    expect(owner.events.find(({ kind }) => kind === 'lost')!.partitions).toEqual(held)
  })

  test('an application that does not ask is late: the member leaves, and joins when it is asked to', async () => {
    const { cluster, owner, member } = setUp(inTurn(answer(1, assigned(0, 1))), { maxPollIntervalMs: 200 })
    owner.polledAt = performance.now()
    member.start()
    const { error } = await owner.next('late')
    expect(error!.code).toBe('MAX_POLL_INTERVAL_EXCEEDED')
    expect(owner.kinds).toEqual(['assigned', 'lost', 'late'])
    expect(cluster.all(api).at(-1)).toMatchObject({ memberEpoch: -1, memberId: 'me' })
    expect(member.metadata.generationId).toBe(-1)
    const count = cluster.all(api).length
    owner.polledAt = null
    member.rejoin('the application asks for records again')
    await cluster.until(api, count + 1)
    expect(cluster.all(api)[count]).toMatchObject({ memberEpoch: 0, subscribedTopicNames: ['orders'] })
  })
})

describe('commits', () => {
  test('one that is refused for its epoch waits for the next epoch, once', async () => {
    let epoch = 1
    const { owner, member } = setUp((_request, count) =>
      count === 1 ? answer(1, assigned(0)) : answer(epoch, null, { heartbeatIntervalMs: 60_000 }),
    )
    member.start()
    await owner.holds(['orders-0'])
    const sentWith = member.metadata
    epoch = 2
    await member.afterRebalance(sentWith)
    expect(member.metadata.generationId).toBe(2)
    expect(member.afterRebalance(sentWith)).not.toBeNull()
    // Nothing newer than this comes: it is asked for once.
    await member.afterRebalance(member.metadata)
    expect(member.afterRebalance(member.metadata)).toBeNull()
  })

  test('one of before a fence is not sent again', async () => {
    const { owner, member } = setUp(
      inTurn(answer(1, assigned(0)), answer(1), { errorCode: 110 }, answer(3, assigned(0))),
    )
    member.start()
    await owner.holds(['orders-0'])
    const sentWith = member.metadata
    await owner.next('lost')
    await owner.until(() => owner.kinds.length === 3)
    expect(member.afterRebalance(sentWith)).toBeNull()
  })
})

describe('leaving', () => {
  test.each([
    [null, undefined, -1],
    [null, 'leaveGroup', -1],
    [null, 'remainInGroup', null],
    ['one', undefined, -2],
    ['one', 'leaveGroup', -1],
    ['one', 'remainInGroup', -2],
  ] as const)('instance id %s with %s: epoch %s', async (groupInstanceId, operation, epoch) => {
    const { cluster, owner, member } = setUp(inTurn(answer(1, assigned(0))), { groupInstanceId })
    member.start()
    await owner.holds(['orders-0'])
    await member.leave(new Deadline(1_000), undefined, operation)
    const last = cluster.all(api).at(-1)!
    if (epoch === null) expect(last.memberEpoch).toBe(1)
    else expect(last).toMatchObject({ memberId: 'me', memberEpoch: epoch, instanceId: groupInstanceId })
  })

  test('a member that never began says nothing', async () => {
    const { cluster, member } = setUp(inTurn(answer(1)))
    await member.leave(new Deadline(1_000))
    member.start()
    expect(cluster.all(api)).toEqual([])
  })

  test('a join that is not answered is followed by a goodbye, and no event comes any more', async () => {
    const { cluster, owner, member } = setUp(() => never)
    member.start()
    await cluster.until(api, 1)
    await member.leave(new Deadline(1_000))
    expect(cluster.all(api).map(({ memberEpoch }) => memberEpoch)).toEqual([0, -1])
    expect(owner.events).toEqual([])
  })

  test('a coordinator that does not answer holds it up until the deadline alone', async () => {
    const { cluster, owner, member } = setUp(inTurn(answer(1, assigned(0))))
    member.start()
    await owner.holds(['orders-0'])
    cluster.scripts[api] = () => never
    const startedAt = performance.now()
    await member.leave(new Deadline(100))
    expect(performance.now() - startedAt).toBeLessThan(1_000)
  })
})
