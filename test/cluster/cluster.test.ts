import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Cluster, type ClusterOptions, type Target } from '../../src/cluster/cluster.ts'
import { Deadline } from '../../src/deadline.ts'
import { dial } from '../../src/network/dial.ts'
import { plain } from '../../src/network/sasl/plain.ts'
import { createTopics } from '../../src/protocol/apis/create-topics.ts'
import { findCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { heartbeat } from '../../src/protocol/apis/heartbeat.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { saslAuthenticate } from '../../src/protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { clusterOptions } from '../support/network-options.ts'
import { failureOf, gate } from '../support/promises.ts'
import { type ScriptedBroker, startScriptedBroker } from '../support/scripted-broker.ts'
import { watchTimers } from '../support/timers.ts'

let one: ScriptedBroker
let two: ScriptedBroker
const clusters: Cluster[] = []

beforeEach(async () => {
  one = await startScriptedBroker({ nodeId: 1 })
  two = await startScriptedBroker({ nodeId: 2 })
  for (const broker of [one, two]) {
    broker.on(heartbeat, () => ({}))
    broker.on(metadata, () => ({ brokers: [one.node(), two.node()], controllerId: 2 }))
    broker.on(findCoordinator, ({ body }) => ({
      coordinators: body.coordinatorKeys.map((key) => ({ key, ...two.node() })),
    }))
  }
})

afterEach(async () => {
  vi.restoreAllMocks()
  for (const cluster of clusters.splice(0)) cluster.close()
  await Promise.all([one.stop(), two.stop()])
})

function clusterOf(options: Partial<ClusterOptions> = {}, addresses = [one.address]): Cluster {
  const cluster = new Cluster(clusterOptions(addresses, options))
  clusters.push(cluster)
  return cluster
}

function beat(cluster: Cluster, to: Target = 'any', timeoutMs = 5_000, signal?: AbortSignal) {
  const deadline = new Deadline(timeoutMs, signal)
  return cluster.request(heartbeat, {}, { to, deadline, errorOf: (answer) => answer.errorCode })
}

describe('a request', () => {
  it('goes to the node that it is for, over one connection', async () => {
    const cluster = clusterOf()
    await beat(cluster, { node: 2 })
    await beat(cluster, { node: 2 })
    expect(two.seen(heartbeat)).toHaveLength(2)
    expect(one.seen(heartbeat)).toHaveLength(0)
    expect(two.accepted).toBe(1)
  })

  it("uses the bootstrap connection as the broker's when its address is the same", async () => {
    const cluster = clusterOf()
    await beat(cluster, { node: 1 })
    expect(one.accepted).toBe(1)
  })

  it('lets go of a bootstrap connection to an address that is no broker', async () => {
    one.on(metadata, () => ({ brokers: [two.node()], controllerId: 2 }))
    const cluster = clusterOf()
    await beat(cluster, { node: 2 })
    await one.until(() => one.openConnections === 0)
    await beat(cluster)
    expect(one.accepted).toBe(1)
  })

  it('goes to the controller, and to the new one after NOT_CONTROLLER', async () => {
    let controllerId = 2
    for (const broker of [one, two]) {
      broker.on(metadata, () => ({ brokers: [one.node(), two.node()], controllerId }))
      broker.on(createTopics, () => ({ topics: [] }))
    }
    two.on(heartbeat, () => {
      controllerId = 1
      return { errorCode: errorCodes.notController }
    })
    await beat(clusterOf(), 'controller')
    expect([two.seen(heartbeat).length, one.seen(heartbeat).length]).toEqual([1, 1])
  })

  it('finds another controller when the one that was known is gone', async () => {
    const cluster = clusterOf()
    await beat(cluster, 'controller')
    one.on(metadata, () => ({ brokers: [one.node()], controllerId: 1 }))
    await two.stop()
    await beat(cluster, 'controller')
    expect(one.seen(heartbeat)).toHaveLength(1)
  })

  it('is sent again while the answer is a retriable error', async () => {
    one.on(heartbeat, () => ({
      errorCode: one.seen(heartbeat).length < 3 ? errorCodes.coordinatorLoadInProgress : 0,
    }))
    await beat(clusterOf(), { node: 1 })
    expect(one.seen(heartbeat)).toHaveLength(3)
  })

  it('is not sent again after another error, which names what it was about', async () => {
    one.on(heartbeat, () => ({ errorCode: errorCodes.unknownMemberId }))
    const cluster = clusterOf()
    const deadline = new Deadline(5_000)
    const options = {
      to: { node: 1 },
      deadline,
      groupId: 'g',
      errorOf: (a: { errorCode: number }) => a.errorCode,
    }
    expect(await failureOf(cluster.request(heartbeat, {}, options))).toMatchObject({
      name: 'BrokerError',
      code: 'UNKNOWN_MEMBER_ID',
      api: 'Heartbeat',
      broker: one.address,
      groupId: 'g',
    })
    expect(one.seen(heartbeat)).toHaveLength(1)
  })

  it('ends at the deadline with what went wrong last', async () => {
    one.on(heartbeat, () => ({ errorCode: errorCodes.coordinatorLoadInProgress }))
    const start = performance.now()
    expect(await failureOf(beat(clusterOf(), { node: 1 }, 80))).toMatchObject({
      name: 'BrokerError',
      code: 'COORDINATOR_LOAD_IN_PROGRESS',
      retriable: true,
    })
    expect(performance.now() - start).toBeLessThan(500)
  })

  it('ends at the deadline with the cause, and not with the deadline, when the last try hangs', async () => {
    one.on(heartbeat, () =>
      one.seen(heartbeat).length === 1 ? { errorCode: errorCodes.coordinatorLoadInProgress } : null,
    )
    expect(await failureOf(beat(clusterOf(), { node: 1 }, 80))).toMatchObject({
      code: 'COORDINATOR_LOAD_IN_PROGRESS',
    })
  })

  it('that hangs at its first try says so', async () => {
    one.on(heartbeat, () => null)
    expect(await failureOf(beat(clusterOf(), { node: 1 }, 80))).toMatchObject({
      name: 'TimeoutError',
      code: 'API_TIMEOUT',
      message: 'Heartbeat did not end within 80 ms',
    })
  })

  it('is tried once when that is wanted', async () => {
    one.on(heartbeat, () => ({ errorCode: errorCodes.coordinatorLoadInProgress }))
    const deadline = new Deadline(5_000)
    const errorOf = (answer: { errorCode: number }) => answer.errorCode
    await failureOf(clusterOf().request(heartbeat, {}, { to: { node: 1 }, deadline, once: true, errorOf }))
    expect(one.seen(heartbeat)).toHaveLength(1)
  })

  it('goes round to brokers that answer', async () => {
    one.on(heartbeat, ({ socket }) => {
      socket.destroy()
      return null
    })
    const cluster = clusterOf({}, [one.address, two.address])
    for (let i = 0; i < 5; i++) await beat(cluster)
    expect(two.seen(heartbeat)).toHaveLength(5)
  })

  it('for a node that is not in the cluster says so at the deadline', async () => {
    expect(await failureOf(beat(clusterOf(), { node: 7 }, 60))).toMatchObject({
      code: 'BROKER_NOT_AVAILABLE',
      message: 'node 7 is not among the brokers of the cluster',
    })
  })

  it('follows a node to its new address', async () => {
    const cluster = clusterOf()
    await beat(cluster, { node: 2 })
    const moved = await startScriptedBroker({ nodeId: 2 })
    moved.on(heartbeat, () => ({}))
    one.on(metadata, () => ({ brokers: [one.node(), moved.node()], controllerId: 1 }))
    await two.stop()
    await beat(cluster, { node: 2 })
    expect(moved.seen(heartbeat)).toHaveLength(1)
    cluster.close()
    await moved.stop()
  })

  it('makes one attempt to log in, whatever the deadline', async () => {
    one.on(saslHandshake, () => ({ mechanisms: ['PLAIN'] }))
    one.on(saslAuthenticate, () => ({ errorCode: errorCodes.saslAuthenticationFailed }))
    const cluster = clusterOf({ sasl: plain('alice', 'wrong') })
    for (const to of ['any', { node: 1 }, 'controller', { group: 'g' }] as const) {
      const before = one.seen(saslAuthenticate).length
      expect(await failureOf(beat(cluster, to))).toMatchObject({ code: 'SASL_AUTHENTICATION_FAILED' })
      expect(one.seen(saslAuthenticate).length).toBe(before + 1)
    }
  })
})

describe('the coordinator', () => {
  const group = { group: 'g1' }

  it('is asked for once and remembered', async () => {
    const cluster = clusterOf()
    await Promise.all([beat(cluster, group), beat(cluster, group)])
    await beat(cluster, group)
    expect(two.seen(heartbeat)).toHaveLength(3)
    expect(one.seen(findCoordinator)).toHaveLength(1)
    expect(one.seen(findCoordinator)[0]?.body).toMatchObject({ keyType: 0, coordinatorKeys: ['g1'] })
  })

  it('is another one for a transaction of the same name', async () => {
    const cluster = clusterOf()
    await beat(cluster, group)
    await beat(cluster, { transaction: 'g1' })
    const kinds = [...one.seen(findCoordinator), ...two.seen(findCoordinator)].map(({ body }) => body.keyType)
    expect(kinds).toEqual([0, 1])
  })

  it('is asked for anew after NOT_COORDINATOR', async () => {
    two.on(heartbeat, () => {
      for (const broker of [one, two]) {
        broker.on(findCoordinator, () => ({ coordinators: [{ key: 'g1', ...one.node() }] }))
      }
      return { errorCode: errorCodes.notCoordinator }
    })
    await beat(clusterOf(), group)
    expect([two.seen(heartbeat).length, one.seen(heartbeat).length]).toEqual([1, 1])
  })

  it('is asked for anew when it cannot be reached', async () => {
    const cluster = clusterOf()
    await beat(cluster, group)
    one.on(findCoordinator, () => ({ coordinators: [{ key: 'g1', ...one.node() }] }))
    await two.stop()
    await beat(cluster, group)
    expect(one.seen(heartbeat)).toHaveLength(1)
  })

  it('is asked for anew when it has left the cluster', async () => {
    const cluster = clusterOf()
    await beat(cluster, group)
    one.on(findCoordinator, () => ({ coordinators: [{ key: 'g1', ...one.node() }] }))
    for (const broker of [one, two]) broker.on(metadata, () => ({ brokers: [one.node()], controllerId: 1 }))
    await cluster.metadata.refresh([])
    await beat(cluster, group)
    expect([one, two].map((broker) => broker.seen(heartbeat).length)).toEqual([1, 1])
  })

  it('is waited for while there is none', async () => {
    one.on(findCoordinator, () => ({
      coordinators: [
        one.seen(findCoordinator).length < 3
          ? { key: 'g1', errorCode: errorCodes.coordinatorNotAvailable }
          : { key: 'g1', ...two.node() },
      ],
    }))
    await beat(clusterOf(), group)
    expect(one.seen(findCoordinator)).toHaveLength(3)
  })

  it('of a group that may not be seen is an error at once', async () => {
    one.on(findCoordinator, () => ({
      coordinators: [{ key: 'g1', errorCode: errorCodes.groupAuthorizationFailed }],
    }))
    expect(await failureOf(beat(clusterOf(), group))).toMatchObject({
      code: 'GROUP_AUTHORIZATION_FAILED',
      groupId: 'g1',
    })
  })

  it('is never made up from an answer about another group', async () => {
    one.on(findCoordinator, () => ({ coordinators: [{ key: 'other', ...two.node() }] }))
    expect(await failureOf(beat(clusterOf(), group))).toMatchObject({
      code: 'INVALID_RESPONSE',
      message: `${one.address}: the answer to FindCoordinator leaves out group g1`,
    })
  })

  it('is asked for in the old way, too', async () => {
    one.on(findCoordinator, ({ body }) => (body.key === 'g1' ? two.node() : {}), { min: 0, max: 0 })
    await beat(clusterOf(), group)
    expect(two.seen(heartbeat)).toHaveLength(1)
  })

  it('can be forgotten by who knows better, unless it has become another meanwhile', async () => {
    const cluster = clusterOf()
    expect(await cluster.coordinator('group', 'g1')).toBe(2)
    cluster.forgetCoordinator('group', 'g1', 1)
    await cluster.coordinator('group', 'g1')
    const asked = () => one.seen(findCoordinator).length + two.seen(findCoordinator).length
    expect(asked()).toBe(1)
    cluster.forgetCoordinator('group', 'g1', 2)
    await cluster.coordinator('group', 'g1')
    expect(asked()).toBe(2)
  })
})

describe('rebootstrap', () => {
  it('asks the bootstrap servers again when all brokers that were known are gone (KIP-899)', async () => {
    const cluster = clusterOf()
    one.on(metadata, () => ({ brokers: [two.node()], controllerId: 2 }))
    await beat(cluster, { node: 2 })
    await two.stop()
    one.on(metadata, () => ({ brokers: [one.node()], controllerId: 1 }))
    await beat(cluster)
    await cluster.metadata.refresh([])
    expect([...cluster.metadata.nodes.keys()]).toEqual([1])
  })

  it('is not done where it is not wanted', async () => {
    const cluster = clusterOf({ metadataRecoveryStrategy: 'none' })
    one.on(metadata, () => ({ brokers: [two.node()], controllerId: 2 }))
    await beat(cluster, { node: 2 })
    await two.stop()
    expect(await failureOf(beat(cluster, 'any', 60))).toMatchObject({ code: 'CONNECTION_REFUSED' })
    expect(one.seen(heartbeat)).toHaveLength(0)
  })

  it('is done when a broker demands it (KIP-1102), over new connections', async () => {
    let demands = false
    one.on(metadata, ({ connection }) =>
      demands && connection === 1
        ? { errorCode: errorCodes.rebootstrapRequired }
        : { brokers: [one.node()], controllerId: 1 },
    )
    const cluster = clusterOf()
    await beat(cluster, { node: 1 })
    demands = true
    await cluster.metadata.refresh([])
    expect(one.accepted).toBe(2)
    expect([...cluster.metadata.nodes.keys()]).toEqual([1])
  })

  it('that is demanded for ever is an error', async () => {
    one.on(metadata, () => ({ errorCode: errorCodes.rebootstrapRequired }))
    const cluster = clusterOf()
    expect(await failureOf(beat(cluster, { node: 1 }))).toMatchObject({ code: 'REBOOTSTRAP_REQUIRED' })
    expect(one.seen(metadata)).toHaveLength(2)
  })

  it('that is demanded and not wanted is an error', async () => {
    one.on(metadata, () => ({ errorCode: errorCodes.rebootstrapRequired }))
    const cluster = clusterOf({ metadataRecoveryStrategy: 'none' })
    expect(await failureOf(beat(cluster, { node: 1 }))).toMatchObject({ code: 'REBOOTSTRAP_REQUIRED' })
    expect(one.seen(metadata)).toHaveLength(1)
  })
})

describe('metadata', () => {
  it('is asked of the next broker when one does not answer', async () => {
    one.on(metadata, ({ socket }) => {
      socket.destroy()
      return null
    })
    const cluster = clusterOf({}, [one.address, two.address])
    for (let i = 0; i < 5; i++) await cluster.metadata.refresh([])
    expect(two.seen(metadata)).toHaveLength(5)
  })

  it('fails with the last cause when none answers', async () => {
    await two.stop()
    one.on(metadata, ({ socket }) => {
      socket.destroy()
      return null
    })
    const cluster = clusterOf({}, [one.address, two.address])
    expect(await failureOf(cluster.metadata.refresh([]))).toMatchObject({ name: 'ConnectionError' })
  })

  it('asks for no topic to be created unless that is allowed', async () => {
    await clusterOf().metadata.refresh(['a'])
    await clusterOf({ allowAutoTopicCreation: true }).metadata.refresh(['a'])
    expect(one.seen(metadata).map(({ body }) => body.allowAutoTopicCreation)).toEqual([false, true])
  })

  it('comes from the oldest brokers, too', async () => {
    one.on(
      metadata,
      () => ({ brokers: [one.node()], topics: [{ name: 'a', partitions: [{ leaderId: 1 }] }] }),
      {
        min: 0,
        max: 0,
      },
    )
    const cluster = clusterOf()
    await cluster.metadata.refresh(['a'])
    expect(cluster.metadata.partition('a', 0)).toMatchObject({ leader: 1, leaderEpoch: -1 })
    expect((await cluster.metadata.all()).map(({ name }) => name)).toEqual(['a'])
    expect(one.seen(metadata)[1]?.body.topics).toEqual([])
  })
})

describe('a signal', () => {
  it.each([
    ['during a request', () => one.on(heartbeat, () => null)],
    ['while connecting', () => one.on(metadata, () => null)],
    [
      'between two tries',
      () => one.on(heartbeat, () => ({ errorCode: errorCodes.coordinatorLoadInProgress })),
    ],
  ])('ends a call at once with its reason, %s', async (_, prepare) => {
    prepare()
    const controller = new AbortController()
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const add = vi.spyOn(controller.signal, 'addEventListener')
    const cluster = clusterOf({ retryBackoffMs: 10_000, retryBackoffMaxMs: 10_000 })
    const waiting = failureOf(beat(cluster, { node: 1 }, 60_000, controller.signal))
    await one.until(() => one.requests.length >= 2)
    await new Promise((resolve) => setTimeout(resolve, 20))
    const reason = new Error('no longer wanted')
    controller.abort(reason)
    expect(await waiting).toBe(reason)
    expect(remove.mock.calls.length).toBeGreaterThanOrEqual(add.mock.calls.length - 1)
  })

  it('that is aborted before the call sends nothing', async () => {
    const reason = new Error('never mind')
    expect(await failureOf(beat(clusterOf(), 'any', 5_000, AbortSignal.abort(reason)))).toBe(reason)
    expect(one.accepted).toBe(0)
  })

  it('keeps no listener of calls that are over', async () => {
    const { signal } = new AbortController()
    const add = vi.spyOn(signal, 'addEventListener')
    const remove = vi.spyOn(signal, 'removeEventListener')
    one.on(heartbeat, () => ({
      errorCode: one.seen(heartbeat).length % 2 === 1 ? errorCodes.coordinatorLoadInProgress : 0,
    }))
    const cluster = clusterOf()
    for (let i = 0; i < 10; i++) await beat(cluster, { node: 1 }, 5_000, signal)
    expect(add.mock.calls.length).toBeGreaterThan(20)
    const listenersOf = (calls: unknown[][]) => new Set(calls.map(([, listener]) => listener))
    expect(listenersOf(remove.mock.calls)).toEqual(listenersOf(add.mock.calls))
  })
})

describe('close', () => {
  it('fails what is in flight and what waits for another try, and leaves no socket and no timer', async () => {
    const timers = watchTimers()
    one.on(heartbeat, () => null)
    two.on(heartbeat, () => ({ errorCode: errorCodes.coordinatorLoadInProgress }))
    const cluster = clusterOf({ retryBackoffMs: 30_000, retryBackoffMaxMs: 30_000 })
    const inFlight = failureOf(beat(cluster, { node: 1 }, 60_000))
    const waiting = failureOf(beat(cluster, { node: 2 }, 60_000))
    await one.received(heartbeat)
    await two.received(heartbeat)
    const { opened, open } = gate()
    one.on(metadata, async () => {
      await opened
      return {}
    })
    const asking = failureOf(cluster.metadata.topic('a', new Deadline(60_000)))
    await vi.waitFor(() => expect(one.seen(metadata).length + two.seen(metadata).length).toBe(2))
    cluster.close()
    expect(await inFlight).toMatchObject({ code: 'CONNECTION_CLOSED', retriable: false })
    expect(await waiting).toMatchObject({ name: 'IllegalStateError' })
    expect(await asking).toMatchObject({ name: expect.stringMatching(/ConnectionError|IllegalStateError/) })
    expect(cluster.isClosed).toBe(true)
    await one.until(() => one.openConnections === 0)
    await two.until(() => two.openConnections === 0)
    open()
    await new Promise((resolve) => setImmediate(resolve))
    expect(timers.size).toBe(0)
  })

  it('ends a refresh that waits for its turn', async () => {
    const timers = watchTimers()
    const cluster = clusterOf({ retryBackoffMs: 30_000 })
    await cluster.metadata.refresh([])
    const waiting = failureOf(cluster.metadata.refresh([]))
    await new Promise((resolve) => setImmediate(resolve))
    cluster.close()
    expect(await waiting).toMatchObject({ name: 'IllegalStateError' })
    expect(timers.size).toBe(0)
  })

  it('is for good', async () => {
    const cluster = clusterOf()
    cluster.close()
    expect(await failureOf(beat(cluster))).toMatchObject({
      name: 'IllegalStateError',
      message: 'the client is closed',
    })
    expect(await failureOf(cluster.coordinator('group', 'g'))).toMatchObject({ name: 'IllegalStateError' })
    expect(await failureOf(cluster.metadata.refresh(['a']))).toMatchObject({ name: 'IllegalStateError' })
    expect(one.accepted).toBe(0)
  })
})

it('does not add up brokers that came and went', async () => {
  const addresses: string[] = []
  const cluster = clusterOf({
    connect: (target) => {
      addresses.push(`${target.host}:${target.port}`)
      return dial({ ...target, host: one.host, port: one.port })
    },
  })
  for (let i = 0; i < 5; i++) {
    one.on(metadata, () => ({ brokers: [{ nodeId: 1, host: `pod-${i}`, port: 9092 }], controllerId: 1 }))
    await cluster.metadata.refresh([])
    await beat(cluster, { node: 1 })
  }
  expect(addresses).toContain('pod-4:9092')
  // What was known of an address is forgotten with it.
  const last = cluster.broker(1)
  one.on(metadata, () => ({ brokers: [{ nodeId: 1, host: 'pod-5', port: 9092 }], controllerId: 1 }))
  await cluster.metadata.refresh([])
  one.on(metadata, () => ({ brokers: [{ nodeId: 1, host: 'pod-4', port: 9092 }], controllerId: 1 }))
  await cluster.metadata.refresh([])
  expect(cluster.broker(1)?.address).toBe(last?.address)
  expect(cluster.broker(1)).not.toBe(last)
  await one.until(() => one.openConnections === 1)
})
