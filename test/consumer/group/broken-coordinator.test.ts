import { afterEach, describe, expect, test } from 'vitest'
import { rangeAssignor } from '../../../src/consumer/group/assignors/range.ts'
import { ClassicMember } from '../../../src/consumer/group/classic-member.ts'
import { ConsumerMember } from '../../../src/consumer/group/consumer-member.ts'
import { DeferredMember } from '../../../src/consumer/group/deferred-member.ts'
import { Deadline } from '../../../src/deadline.ts'
import { metadata as metadataApi } from '../../../src/protocol/apis/metadata.ts'
import { errorCodes } from '../../../src/protocol/broker-errors.ts'
import { gate } from '../../support/promises.ts'
import { RecordingOwner } from '../../support/recording-owner.ts'
import {
  type Answer,
  type Json,
  never,
  type Script,
  ScriptedCoordinator,
} from '../../support/scripted-coordinator.ts'

// Coordinators that say what none should, and moments that a real one cannot be brought to.

const api = 'ConsumerGroupHeartbeat'
const ordersId = 'b3JkZXJzLW9yZGVycy1vcg'
const anewId = 'YW5ldy1hbmV3LWFuZXctYQ'

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const common = {
  groupId: 'billing',
  groupInstanceId: null,
  clientRack: null,
  maxPollIntervalMs: 30_000,
  retryBackoffMs: 10,
  retryBackoffMaxMs: 20,
}

function assigned(...partitions: number[]): Json {
  return { topicPartitions: [{ topicId: ordersId, partitions }] }
}

function answer(memberEpoch: number, assignment: Json | null = null): Json {
  return { memberId: 'me', memberEpoch, heartbeatIntervalMs: 20, assignment }
}

/** These answers, one a heartbeat, then the last of them for ever. */
function inTurn(...answers: Answer[]): Script {
  return (_request, count) => answers[Math.min(count, answers.length) - 1]!
}

function ordersAre(cluster: ScriptedCoordinator, topicId: string): void {
  const partitions = [0, 1, 2, 3].map((partitionIndex) => ({ partitionIndex }))
  const json = { topics: [{ name: 'orders', topicId, partitions }] }
  const { response } = metadataApi
  cluster.metadata.update(response.decode(13, response.encode(13, json)))
}

function consumerMember(script: Script, settings: Partial<typeof common> = {}) {
  const cluster = new ScriptedCoordinator()
  cluster.versions = { [api]: 1, Metadata: 13 }
  cluster.scripts[api] = (request, count) => (Number(request.memberEpoch) < 0 ? {} : script(request, count))
  ordersAre(cluster, ordersId)
  const owner = new RecordingOwner('orders')
  const member = new ConsumerMember(cluster, { ...common, groupRemoteAssignor: null, ...settings }, owner)
  cleanups.push(() => member.leave(new Deadline(1_000)))
  return { cluster, owner, member }
}

describe('a member of KIP-848', () => {
  test.each([0, -1, -2])('ends with an error when it is given the epoch %i', async (epoch) => {
    const { cluster, owner, member } = consumerMember(inTurn(answer(1, assigned(0)), answer(epoch)))
    member.start()
    const { error } = await owner.next('fatal')
    expect(error).toMatchObject({ code: 'INVALID_RESPONSE', groupId: 'billing' })
    expect(owner.kinds).toEqual(['assigned', 'lost', 'fatal'])
    expect(cluster.all(api).map(({ memberEpoch }) => memberEpoch)).toEqual([0, 1])
  })

  test('passes over partitions below 0, and takes each once', async () => {
    const { cluster, owner, member } = consumerMember(inTurn(answer(1, assigned(1, -1, 1)), answer(1)))
    member.start()
    await owner.holds(['orders-1'])
    await cluster.until(api, 2)
    expect(owner.events[0]).toMatchObject({ partitions: ['orders-1'], added: ['orders-1'] })
    expect(cluster.all(api)[1]).toMatchObject({ topicPartitions: [{ topicId: ordersId, partitions: [1] }] })
  })

  test('takes a topic that was made anew only once it has given up the old one', async () => {
    const both = { topicPartitions: [...idPartitions(ordersId), ...idPartitions(anewId)] }
    const { cluster, owner, member } = consumerMember(
      inTurn(
        answer(1, { topicPartitions: idPartitions(ordersId) }),
        answer(1),
        answer(2, both),
        answer(2),
        answer(3, { topicPartitions: idPartitions(anewId) }),
        answer(3),
      ),
    )
    member.start()
    await owner.holds(['orders-0'])
    ordersAre(cluster, anewId)
    await owner.until(() => owner.kinds.filter((kind) => kind === 'assigned').length === 2)
    expect(owner.kinds).toEqual(['assigned', 'lost', 'assigned'])
    expect(owner.events.at(-1)!.added).toEqual(['orders-0'])
  })

  test('tells a pattern that reads like none', async () => {
    const { cluster, owner, member } = consumerMember(inTurn(answer(1, assigned(0)), answer(1)))
    member.start()
    await owner.holds(['orders-0'])
    owner.pattern = 'null'
    const count = cluster.all(api).length
    await cluster.until(api, count + 2)
    expect(cluster.all(api).map(({ subscribedTopicRegex }) => subscribedTopicRegex)).toContain('null')
  })

  test('does not hammer a coordinator that fences it right after each join', async () => {
    const fenced = { errorCode: errorCodes.fencedMemberEpoch }
    const { cluster, member } = consumerMember(
      ({ memberEpoch }) => (memberEpoch === 0 ? answer(1, assigned(0)) : fenced),
      { retryBackoffMs: 200, retryBackoffMaxMs: 200 },
    )
    const startedAt = performance.now()
    member.start()
    await cluster.until(api, 7)
    // Three joins with what follows, and pauses of 160 to 240 ms before the next ones.
    expect(performance.now() - startedAt).toBeGreaterThan(450)
  })

  test('that is closed while it leaves for being late says goodbye all the same', async () => {
    const { cluster, owner, member } = consumerMember(inTurn(answer(1, assigned(0)), answer(1)), {
      maxPollIntervalMs: 100,
    })
    const goodbyes = () => cluster.all(api).filter(({ memberEpoch }) => memberEpoch === -1).length
    cluster.scripts[api] = ({ memberEpoch }, count) => {
      if (memberEpoch === -1) return goodbyes() === 1 ? never : {}
      return count === 1 ? answer(1, assigned(0)) : answer(1)
    }
    owner.polledAt = performance.now()
    member.start()
    await owner.next('lost')
    await expect.poll(goodbyes).toBe(1)
    await member.leave(new Deadline(1_000))
    expect(goodbyes()).toBe(2)
  })

  test('tells of each rebalance from what it gives up to what it has taken on, and of falling out', async () => {
    const { owner, member } = consumerMember(
      inTurn(
        answer(1, assigned(0, 1)),
        answer(1),
        answer(1, assigned(0)),
        answer(2),
        { errorCode: errorCodes.fencedMemberEpoch },
        answer(4, assigned(1)),
        answer(4),
      ),
    )
    member.start()
    const rebalance = ['reconciling', 'stable']
    const all = [...rebalance, ...rebalance, 'unjoined', ...rebalance]
    await expect.poll(() => owner.states).toEqual(all)
    await member.leave(new Deadline(1_000))
    expect(owner.states).toEqual([...all, 'left'])
  })
})

function idPartitions(topicId: string): Json[] {
  return [{ topicId, partitions: [0] }]
}

test('a classic member does not hammer a coordinator that refuses each SyncGroup', async () => {
  const cluster = new ScriptedCoordinator()
  cluster.scripts.JoinGroup = () => ({ generationId: 1, protocolName: 'range', leader: 'x', memberId: 'me' })
  cluster.scripts.SyncGroup = () => ({ errorCode: errorCodes.rebalanceInProgress })
  const member = new ClassicMember(
    cluster,
    {
      ...common,
      sessionTimeoutMs: 5_000,
      heartbeatIntervalMs: 1_000,
      retryBackoffMs: 200,
      retryBackoffMaxMs: 200,
      assignors: [rangeAssignor],
    },
    new RecordingOwner('orders'),
  )
  cleanups.push(() => member.leave(new Deadline(1_000)))
  member.start()
  await cluster.until('SyncGroup', 3)
  // Three at once, then one each 160 to 240 ms.
  const startedAt = performance.now()
  await cluster.until('SyncGroup', 5)
  expect(performance.now() - startedAt).toBeGreaterThan(300)
})

test('what fails to load once the member has left is nobody to be told of', async () => {
  const failing = gate()
  const failures: unknown[] = []
  const outside = { groupId: 'billing', generationId: -1, memberId: '', groupInstanceId: null }
  const load = () => failing.opened.then(() => Promise.reject(new Error('no such file')))
  const member = new DeferredMember(outside, load, (error) => failures.push(error))
  member.start()
  await member.leave(new Deadline(1_000))
  failing.open()
  await new Promise((resolve) => setImmediate(resolve))
  expect(failures).toEqual([])
})
