import { afterEach, describe, expect, it } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { connectRaw, type RawConnection } from '../../../src/network/raw-connection.ts'
import { apiVersions } from '../../../src/protocol/apis/api-versions.ts'
import { createTopics } from '../../../src/protocol/apis/create-topics.ts'
import { listOffsets } from '../../../src/protocol/apis/list-offsets.ts'
import { metadata } from '../../../src/protocol/apis/metadata.ts'
import { produce } from '../../../src/protocol/apis/produce.ts'
import { errors } from '../../../src/testing/error-codes.ts'
import {
  type Action,
  changeAnswer,
  delay,
  disconnect,
  drop,
  failWith,
  respond,
  startKafka,
  throttle,
} from '../../../src/testing/index.ts'
import type { StartKafkaOptions } from '../../../src/testing/options.ts'
import type { TestKafka } from '../../../src/testing/test-kafka.ts'
import { failureOf, gate } from '../../support/promises.ts'

const running: AsyncDisposable[] = []

afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

async function start(options: StartKafkaOptions = {}): Promise<TestKafka> {
  const kafka = await startKafka({ topics: ['t'], ...options })
  running.push(kafka)
  return kafka
}

async function connect(
  kafka: TestKafka,
  { brokerId = 1, clientId = 'raw' }: { brokerId?: number; clientId?: string } = {},
): Promise<RawConnection> {
  const address = kafka.bootstrapServers.split(',')[brokerId - 1]!
  const [host, port] = address.split(':')
  const connection = await connectRaw({ host: host!, port: Number(port), clientId, timeoutMs: 5_000 })
  running.push(connection)
  return connection
}

const newTopic = { name: 'new', numPartitions: -1, replicationFactor: -1 }
const askTopic = { topics: [{ name: 't' }] }

function answerAs(clusterId: string): Action {
  return changeAnswer((answer) => {
    answer.clusterId = clusterId
  })
}

async function topicCode(connection: RawConnection): Promise<number> {
  const { decoded } = await connection.send(metadata, 12, askTopic)
  return decoded!.topics[0]!.errorCode
}

describe('a control', () => {
  it('answers in the place of the broker, which does nothing', async () => {
    const kafka = await start()
    kafka.control('CreateTopics', () => respond({ topics: [{ name: 'made-up', errorCode: 0 }] }))
    const connection = await connect(kafka)
    const { decoded } = await connection.send(createTopics, 7, { topics: [newTopic] })
    expect(decoded!.topics).toMatchObject([{ name: 'made-up', errorCode: 0 }])
    expect(kafka.cluster.topics.get('new')).toBeUndefined()
  })

  it('answers with an error for all that was asked', async () => {
    const kafka = await start()
    kafka.control('ListOffsets', () => failWith('NOT_LEADER_OR_FOLLOWER'))
    const connection = await connect(kafka)
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1n }] }]
    const { decoded } = await connection.send(listOffsets, 7, { replicaId: -1, topics })
    expect(decoded!.topics).toMatchObject([
      { name: 't', partitions: [{ partitionIndex: 0, errorCode: errors.NOT_LEADER_OR_FOLLOWER }] },
    ])
  })

  it('refuses ApiVersions in the version that everybody can read', async () => {
    const kafka = await start()
    kafka.control('ApiVersions', () => failWith('UNSUPPORTED_VERSION'), { times: 1 })
    const connection = await connect(kafka)
    const body = { clientSoftwareName: 'x', clientSoftwareVersion: '1' }
    const refused = await connection.send(apiVersions, 4, body)
    expect(refused).toMatchObject({ version: 0, decoded: { errorCode: errors.UNSUPPORTED_VERSION } })
    expect((await connection.send(apiVersions, 4, body)).decoded!.errorCode).toBe(0)
  })

  it('changes the answer of the broker', async () => {
    const kafka = await start()
    kafka.control('Metadata', () => answerAs('changed'))
    const connection = await connect(kafka)
    expect((await connection.send(metadata, 12, askTopic)).decoded).toMatchObject({
      clusterId: 'changed',
      topics: [{ name: 't', errorCode: 0 }],
    })
  })

  it.each([
    ['before', false],
    ['after', true],
    ['halfway', true],
  ] as const)('that disconnects %s the request is carried out', async (when, isCarriedOut) => {
    const kafka = await start()
    kafka.control('CreateTopics', () => disconnect(when))
    const connection = await connect(kafka)
    const error = await failureOf(connection.send(createTopics, 7, { topics: [newTopic] }))
    expect(error).toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect(String(error).includes('in the middle of an answer')).toBe(when === 'halfway')
    expect(kafka.cluster.topics.get('new') !== undefined).toBe(isCarriedOut)
  })

  it('that disconnects lets the answers of before arrive', async () => {
    const kafka = await start()
    kafka.control('CreateTopics', () => disconnect())
    const connection = await connect(kafka)
    const first = topicCode(connection)
    const second = failureOf(connection.send(createTopics, 7, { topics: [] }))
    expect(await first).toBe(0)
    expect(await second).toMatchObject({ code: 'CONNECTION_CLOSED' })
  })

  it.each([
    ['before', false],
    ['after', true],
  ] as const)('that drops %s the request is carried out gives no answer', async (when, isCarriedOut) => {
    const kafka = await start()
    kafka.control('CreateTopics', () => drop(when))
    const connection = await connect(kafka)
    const logged = kafka.requests.next(({ api }) => api === 'CreateTopics')
    const options = { timeoutMs: 200 }
    const error = failureOf(connection.send(createTopics, 7, { topics: [newTopic] }, options))
    await logged
    // What comes behind it waits as long.
    const behind = failureOf(connection.send(metadata, 12, askTopic, options))
    expect(await error).toMatchObject({ code: 'REQUEST_TIMEOUT' })
    expect(await behind).toMatchObject({ code: 'REQUEST_TIMEOUT' })
    expect(kafka.cluster.topics.get('new') !== undefined).toBe(isCarriedOut)
    expect(connection.closed).toBeNull()
  })

  it.each(['before', 'after'] as const)(
    'delays %s the request, by the clock of the cluster',
    async (when) => {
      const kafka = await start()
      kafka.control('Metadata', () => delay(60_000, when))
      const connection = await connect(kafka)
      const logged = kafka.requests.next(({ api }) => api === 'Metadata')
      const code = topicCode(connection)
      await logged
      await new Promise((resolve) => setImmediate(resolve))
      await kafka.advanceClock(60_000)
      expect(await code).toBe(0)
    },
  )

  it('tells the client to be quiet, in versions that can', async () => {
    const kafka = await start()
    kafka.control('Metadata', () => throttle(1234))
    const connection = await connect(kafka)
    expect((await connection.send(metadata, 12, askTopic)).decoded!.throttleTimeMs).toBe(1234)
    expect((await connection.send(metadata, 1, askTopic)).decoded!.topics).toHaveLength(1)
  })

  it('does several things with one request, in their order', async () => {
    const kafka = await start()
    const order: string[] = []
    kafka.control('Metadata', () => [
      changeAnswer(() => order.push('first')),
      throttle(5),
      changeAnswer((answer) => order.push(`second ${String(answer.throttleTimeMs)}`)),
    ])
    const connection = await connect(kafka)
    expect(await topicCode(connection)).toBe(0)
    expect(order).toEqual(['first', 'second 5'])
  })

  it('of a produce request without acks hangs up in the place of an error', async () => {
    const kafka = await start()
    kafka.control('Produce', () => failWith('NOT_LEADER_OR_FOLLOWER'))
    const connection = await connect(kafka)
    await connection.send(produce, 9, { acks: 0, topicData: [] }, { expectResponse: false })
    expect(await failureOf(connection.receive())).toMatchObject({ code: 'CONNECTION_CLOSED' })
  })

  it('holds for as many requests as it is said to, and counts them', async () => {
    const kafka = await start()
    let asked = 0
    const control = kafka.control('Metadata', () => (++asked === 1 ? undefined : answerAs('x')), { times: 2 })
    const connection = await connect(kafka)
    const ids: (string | null)[] = []
    for (let i = 0; i < 4; i++) ids.push((await connection.send(metadata, 12, askTopic)).decoded!.clusterId)
    // The one that it let pass does not count.
    expect(ids).toEqual([kafka.cluster.clusterId, 'x', 'x', kafka.cluster.clusterId])
    expect(control.count).toBe(2)
    expect(asked).toBe(3)
  })

  it('for one request takes one alone, although two come while it thinks', async () => {
    const kafka = await start()
    const { opened, open } = gate()
    let asked = 0
    kafka.control(
      'Metadata',
      async () => {
        if (++asked === 2) open()
        await opened
        return answerAs('x')
      },
      { times: 1 },
    )
    const connections = [await connect(kafka), await connect(kafka)]
    const answers = await Promise.all(connections.map((one) => one.send(metadata, 12, askTopic)))
    const ids = answers.map(({ decoded }) => decoded!.clusterId)
    expect(ids.filter((id) => id === 'x')).toHaveLength(1)
  })

  it('holds for one broker, one connection or one client alone', async () => {
    const kafka = await start({ brokers: 2 })
    const mark = (id: string) => () => answerAs(id)
    const first = await connect(kafka)
    await topicCode(first)
    const connectionId = kafka.requests.all('Metadata')[0]!.connectionId
    const cluster = async (connection: RawConnection) =>
      (await connection.send(metadata, 12, askTopic)).decoded!.clusterId

    const byBroker = kafka.control('Metadata', mark('broker'), { brokerId: 2 })
    const other = await connect(kafka, { brokerId: 2 })
    expect([await cluster(first), await cluster(other)]).toEqual([kafka.cluster.clusterId, 'broker'])
    byBroker.remove()
    const byConnection = kafka.control('Metadata', mark('connection'), { connectionId })
    expect([await cluster(first), await cluster(other)]).toEqual(['connection', kafka.cluster.clusterId])
    byConnection.remove()
    kafka.control('Metadata', mark('client'), { clientId: 'somebody' })
    const third = await connect(kafka, { clientId: 'somebody' })
    expect([await cluster(first), await cluster(third)]).toEqual([kafka.cluster.clusterId, 'client'])
  })

  it('that was added last is asked first', async () => {
    const kafka = await start()
    kafka.control('*', ({ api }) => failWith(api === 'Metadata' ? 'UNKNOWN_SERVER_ERROR' : 'INVALID_REQUEST'))
    const second = kafka.control('Metadata', () => failWith('LEADER_NOT_AVAILABLE'))
    const connection = await connect(kafka)
    expect(await topicCode(connection)).toBe(errors.LEADER_NOT_AVAILABLE)
    second.remove()
    expect(await topicCode(connection)).toBe(errors.UNKNOWN_SERVER_ERROR)
    kafka.cluster.controls.removeAll()
    expect(await topicCode(connection)).toBe(0)
  })

  it('that fails is told, and ends the connection', async () => {
    const told: Error[] = []
    const kafka = await start({ onError: (error) => void told.push(error) })
    kafka.control(
      'Metadata',
      () => {
        throw new Error('a mistake in the test')
      },
      { times: 1 },
    )
    const connection = await connect(kafka)
    expect(await failureOf(topicCode(connection))).toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect(told.map(({ message }) => message)).toEqual(['a mistake in the test'])
  })

  it('that answers what cannot be written is told, and ends the connection', async () => {
    const told: Error[] = []
    const kafka = await start({ onError: (error) => void told.push(error) })
    kafka.control('Metadata', () => respond({ topics: 'none' }))
    const connection = await connect(kafka)
    expect(await failureOf(topicCode(connection))).toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect(told.map(({ message }) => message)).toMatchObject([expect.stringContaining('topics')])
  })

  it('that cannot be is refused', async () => {
    const kafka = await start()
    expect(() => kafka.control('Nothing', () => undefined)).toThrow(/"Nothing" is not known/)
    expect(() => kafka.control('Fetch', () => undefined, { times: 0 })).toThrow(/times is 0; allowed/)
    expect(() => failWith('NOTHING' as never)).toThrow(/there is no error NOTHING/)
    expect(() => delay(-1)).toThrow(/delayMs is -1; allowed/)
    expect(() => throttle(1.5)).toThrow(/throttleTimeMs is 1.5; allowed/)
  })

  it('makes a producer of ours try again', async () => {
    const kafka = await start()
    const failing = kafka.control('Produce', () => failWith('NOT_LEADER_OR_FOLLOWER'), { times: 2 })
    const lost = kafka.control('Produce', () => disconnect('after'), { times: 1 })
    const client = new Kafka({ bootstrapServers: kafka.bootstrapServers, retryBackoffMs: 1 })
    const producer = client.producer({ enableIdempotence: true })
    running.push(producer)
    expect(await producer.send({ topic: 't', value: 'once' })).toMatchObject({ offset: 0 })
    expect([failing.count, lost.count]).toEqual([2, 1])
    expect(kafka.cluster.topics.partition('t', 0)!.log.highWatermark).toBe(1)
  })
})
