import { describe, expect, it } from 'vitest'
import { Admin, type AdminOptions, type CallOptions } from '../../src/admin/admin.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { type Handlers, ScriptedCluster, type ScriptedClusterOptions } from './scripted-cluster.ts'

function start(
  handlers: Handlers,
  options?: ScriptedClusterOptions,
  adminOptions: Partial<AdminOptions> = {},
) {
  const cluster = new ScriptedCluster(handlers, options)
  const { bootstrapServers, connect } = cluster
  const admin = new Admin({ bootstrapServers, connect, retryBackoffMs: 1, ...adminOptions })
  return { cluster, admin }
}

const silent: Handlers = { Metadata: () => undefined }

describe('the options of the admin client', () => {
  it('are checked, and a wrong one is named', () => {
    const options = { bootstrapServers: 'localhost:9092', timeout: 5 } as AdminOptions
    expect(() => new Admin(options)).toThrow(/admin options: timeout is not an option/)
    expect(() => new Admin({ bootstrapServers: 'localhost' })).toThrow(/bootstrapServers/)
  })

  it.each<[unknown, RegExp]>([
    [{ timeoutMs: -1 }, /timeoutMs is -1; allowed: an integer from 0 to 2147483647/],
    [{ timeoutMs: '5' }, /timeoutMs is "5"/],
    [{ signal: 'now' }, /signal is "now"; allowed: an AbortSignal/],
    [500, /the options is 500; allowed: an object/],
  ])('of a call are checked too: %j', async (options, message) => {
    const { cluster, admin } = start(silent)
    await using _ = admin
    await expect(admin.listTopics(options as CallOptions)).rejects.toThrow(message)
    expect(cluster.requests).toEqual([])
  })
})

describe('a call', () => {
  it('ends with a TimeoutError at its own deadline, or the one of the client', async () => {
    const { admin } = start(silent, {}, { defaultApiTimeoutMs: 80 })
    await using _ = admin
    await expect(admin.listTopics({ timeoutMs: 40 })).rejects.toMatchObject({
      name: 'TimeoutError',
      code: 'API_TIMEOUT',
      message: expect.stringContaining('within 40 ms'),
    })
    await expect(admin.listTopics()).rejects.toThrow(/within 80 ms/)
  })

  it('rejects with the reason of its signal, and sends nothing when that comes first', async () => {
    const { cluster, admin } = start(silent)
    await using _ = admin
    const reason = new Error('enough')
    await expect(admin.listTopics({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(cluster.requests).toEqual([])

    const controller = new AbortController()
    const call = admin.listTopics({ signal: controller.signal })
    const outcome = expect(call).rejects.toBe(reason)
    await expect.poll(() => cluster.of('Metadata').length, { interval: 5 }).toBe(1)
    controller.abort(reason)
    await outcome
  })

  it('that is given up as soon as it has begun leaves no failure with nobody listening', async () => {
    const { cluster, admin } = start(silent)
    cluster.down.add(1)
    await using _ = admin
    const unhandled: unknown[] = []
    const listener = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', listener)
    try {
      const controller = new AbortController()
      const call = admin.listTopics({ signal: controller.signal })
      const reason = new Error('enough')
      controller.abort(reason)
      await expect(call).rejects.toBe(reason)
      // Node tells of them once the microtasks are over.
      await new Promise((resolve) => setImmediate(resolve))
      expect(unhandled).toEqual([])
    } finally {
      process.off('unhandledRejection', listener)
    }
  })
})

describe('close', () => {
  it('ends the calls under way, closes the connections, and can be called again', async () => {
    const { cluster, admin } = start(silent)
    const call = admin.listTopics()
    const outcome = expect(call).rejects.toMatchObject({
      name: 'IllegalStateError',
      message: 'the admin client is closed',
    })
    await expect.poll(() => cluster.of('Metadata').length, { interval: 5 }).toBe(1)
    expect(cluster.openConnections).toBe(1)
    await admin.close()
    await outcome
    await admin.close()
    await expect.poll(() => cluster.openConnections, { interval: 5 }).toBe(0)
    await expect(admin.listTopics()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    await expect(admin.createTopics([])).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
  })

  it('does not wait for a call that waits for its next try', async () => {
    const refused: Handlers = { ListGroups: () => ({ errorCode: errorCodes.coordinatorLoadInProgress }) }
    const slow = { retryBackoffMs: 50_000, retryBackoffMaxMs: 50_000 }
    const { cluster, admin } = start(refused, {}, slow)
    const outcome = expect(admin.listGroups()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
    await expect.poll(() => cluster.of('ListGroups').length, { interval: 5 }).toBe(1)
    await admin[Symbol.asyncDispose]()
    await outcome
  })
})

describe('describeCluster', () => {
  const alter = 7
  const describeOperation = 8

  it('gives brokers by id, the controller, and what is allowed when asked for', async () => {
    const { cluster, admin } = start({
      DescribeCluster: ({ body }) => ({
        clusterId: 'c',
        controllerId: 2,
        brokers: [2, 1].map((brokerId) => ({ brokerId, host: `node${brokerId}`, port: 9092, rack: 'r' })),
        clusterAuthorizedOperations: body.includeClusterAuthorizedOperations
          ? (1 << alter) | (1 << describeOperation) | (1 << 30)
          : -0x80000000,
      }),
    })
    await using _ = admin
    const nodes = [1, 2].map((id) => ({ id, host: `node${id}`, port: 9092, rack: 'r' }))
    const plain = { clusterId: 'c', controller: nodes[1], nodes, authorizedOperations: null }
    expect(await admin.describeCluster()).toEqual(plain)
    expect(await admin.describeCluster({ includeAuthorizedOperations: true })).toEqual({
      ...plain,
      authorizedOperations: ['ALTER', 'DESCRIBE'],
    })
    expect(cluster.of('Metadata')).toEqual([])
  })

  it('asks by Metadata where the broker has no DescribeCluster', async () => {
    const { cluster, admin } = start(
      {
        Metadata: (_, scripted) => ({ ...scripted.metadata(), clusterAuthorizedOperations: 1 << alter }),
      },
      { nodes: [1, 2], maxVersions: { Metadata: 8 } },
    )
    await using _ = admin
    expect(await admin.describeCluster({ includeAuthorizedOperations: true })).toMatchObject({
      clusterId: 'scripted',
      controller: { id: 1, host: 'node1' },
      nodes: [{ id: 1 }, { id: 2 }],
      authorizedOperations: ['ALTER'],
    })
    expect(cluster.of('Metadata')).toMatchObject([
      { version: 8, body: { topics: [], includeClusterAuthorizedOperations: true } },
    ])
  })
})

describe('listTopics', () => {
  it('gives topics by name, the internal ones when asked for', async () => {
    const { cluster, admin } = start({
      Metadata: (_, scripted) =>
        scripted.metadata([
          { name: 'b', topicId: 'cP4wovEdScG2SHo2QE-eKQ' },
          { name: '__consumer_offsets', isInternal: true },
          { name: 'a' },
        ]),
    })
    await using _ = admin
    expect(await admin.listTopics()).toEqual([
      { name: 'a', topicId: null, isInternal: false },
      { name: 'b', topicId: 'cP4wovEdScG2SHo2QE-eKQ', isInternal: false },
    ])
    expect(await admin.listTopics({ listInternal: true })).toHaveLength(3)
    expect(cluster.of('Metadata')[0]?.body).toMatchObject({ topics: null, allowAutoTopicCreation: false })
  })

  it('starts again from the bootstrap servers when a broker asks for it (KIP-1102)', async () => {
    const { cluster, admin } = start({
      Metadata: (_, scripted) =>
        scripted.of('Metadata').length === 1
          ? { errorCode: errorCodes.rebootstrapRequired }
          : scripted.metadata([{ name: 'a' }]),
    })
    await using _ = admin
    expect(await admin.listTopics()).toMatchObject([{ name: 'a' }])
    expect(cluster.of('Metadata')).toHaveLength(2)
  })
})
