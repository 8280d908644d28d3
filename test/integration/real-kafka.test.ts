import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { expect, it } from 'vitest'
import { kafkaTools, kcatPath, runKafkaTool, runKcat, startJavaConsumer } from '../support/interop/index.ts'
import { parseJavaConsumerLine } from '../support/interop/java-consumer.ts'
import { describeKafka, sharedKafka, startRealKafka } from '../support/real-kafka/index.ts'
import { aliveBrokers } from '../support/real-kafka/metadata-probe.ts'

const kcat = await kcatPath()

function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID()}`
}

async function createTopic(bootstrapServers: string, topic: string, ...args: string[]): Promise<void> {
  const create = ['--bootstrap-server', bootstrapServers, '--create', '--topic', topic, ...args]
  expect(await runKafkaTool(kafkaTools.topics, create)).toMatchObject({ code: 0 })
}

/** Java's producer, with acks=all. */
async function produce(bootstrapServers: string, topic: string, values: string[]): Promise<void> {
  const args = ['--bootstrap-server', bootstrapServers, '--topic', topic]
  const stdin = values.map((value) => `${value}\n`).join('')
  expect(await runKafkaTool(kafkaTools.consoleProducer, args, { stdin })).toMatchObject({ code: 0 })
}

/** The first `count` values of a topic of one partition, in order. */
async function consume(bootstrapServers: string, topic: string, count: number): Promise<(string | null)[]> {
  const groupId = uniqueName('readers')
  await using consumer = await startJavaConsumer({ bootstrapServers, groupId, topics: [topic] })
  await consumer.waitUntil(({ records }) => records.length >= count)
  return consumer.records.map(({ value }) => value)
}

async function handshake(server: string | undefined, options: ConnectionOptions): Promise<TLSSocket> {
  const [host = '', port = ''] = server?.split(':') ?? []
  const socket = connect({ host, port: Number(port), servername: host, ...options })
  try {
    await once(socket, 'secureConnect')
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

describeKafka(
  'the shared Kafka',
  (kafka) => {
    it('is the same for everybody who asks', async () => {
      expect((await sharedKafka({ listeners: true }))?.bootstrapServers).toBe(kafka.bootstrapServers)
    })

    it('has the topics that its own tools create', async () => {
      const topic = uniqueName('made-by-java')
      await createTopic(kafka.bootstrapServers, topic, '--partitions', '3')
      const list = await runKafkaTool(kafkaTools.topics, [
        '--bootstrap-server',
        kafka.bootstrapServers,
        '--list',
      ])
      expect(list.stdout.split('\n')).toContain(topic)
    })

    it('creates no topic that nobody created', async () => {
      const topic = uniqueName('never-made')
      const describe = ['--bootstrap-server', kafka.bootstrapServers, '--describe', '--topic', topic]
      const { code, stdout, stderr } = await runKafkaTool(kafkaTools.topics, describe)
      expect(code).toBe(1)
      expect(stdout + stderr).toContain(`Topic '${topic}' does not exist`)
    })

    it.skipIf(kcat === null)('gives to a Java consumer what kcat produced', async () => {
      const topic = uniqueName('kcat-to-java')
      await createTopic(kafka.bootstrapServers, topic, '--partitions', '2')
      const args = [
        '-P',
        '-b',
        kafka.bootstrapServers,
        '-t',
        topic,
        '-p',
        '1',
        '-K',
        '|',
        '-H',
        'trace=a:b',
        '-Z',
      ]
      expect(await runKcat(args, { stdin: 'k1|tab\there\nk2|\n' })).toMatchObject({ code: 0 })

      const groupId = uniqueName('group')
      await using consumer = await startJavaConsumer({
        bootstrapServers: kafka.bootstrapServers,
        groupId,
        topics: [topic],
      })
      await consumer.assigned([`${topic}-0`, `${topic}-1`])
      await consumer.waitUntil(({ records }) => records.length >= 2)
      const common = {
        partition: 1,
        timestamp: expect.any(Number),
        timestampType: 'CreateTime',
        headers: [{ key: 'trace', value: 'a:b' }],
      }
      expect(consumer.records).toEqual([
        { ...common, offset: 0, key: 'k1', value: 'tab\there' },
        { ...common, offset: 1, key: 'k2', value: null },
      ])
    })

    it.each(['classic', 'consumer'])(
      'moves partitions between Java members of a %s group',
      async (protocol) => {
        const topic = uniqueName('shared-by-two')
        const { bootstrapServers } = kafka
        await createTopic(bootstrapServers, topic, '--partitions', '2')
        const options = {
          bootstrapServers,
          groupId: uniqueName('group'),
          topics: [topic],
          properties: { 'group.protocol': protocol },
        }
        await using first = await startJavaConsumer(options)
        await first.assigned([`${topic}-0`, `${topic}-1`])
        await using second = await startJavaConsumer(options)
        await Promise.all(
          [first, second].map((one) => one.waitUntil(({ assignment }) => assignment.length === 1)),
        )
        expect(first.assignment).not.toEqual(second.assignment)
        await first.stop()
        await second.assigned([`${topic}-0`, `${topic}-1`])
      },
    )

    it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
      'lets its users in by %s over TLS',
      async (mechanism) => {
        const { saslTlsBootstrapServers: servers = '', users = {}, ca = '' } = kafka
        const [[username, password] = []] = Object.entries(users)
        const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
        const login = `org.apache.kafka.common.security.${module} required username="${username}" password="${password}";`
        const properties = {
          'security.protocol': 'SASL_SSL',
          'sasl.mechanism': mechanism,
          'sasl.jaas.config': login,
          'ssl.truststore.type': 'PEM',
          'ssl.truststore.certificates': ca.replaceAll('\n', '\\n'),
        }
        const folder = await mkdtemp(join(tmpdir(), 'kafkawire-test-'))
        try {
          const file = join(folder, 'client.properties')
          await writeFile(
            file,
            Object.entries(properties)
              .map(([key, value]) => `${key}=${value}\n`)
              .join(''),
          )
          const list = ['--bootstrap-server', servers, '--list', '--command-config', file]
          expect(await runKafkaTool(kafkaTools.topics, list)).toMatchObject({ code: 0 })
        } finally {
          await rm(folder, { recursive: true })
        }
      },
    )

    it('shows a certificate that its CA vouches for', async () => {
      const socket = await handshake(kafka.tlsBootstrapServers, { ca: kafka.ca })
      expect(socket.authorized).toBe(true)
      socket.destroy()
      await expect(handshake(kafka.tlsBootstrapServers, {})).rejects.toMatchObject({
        code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      })
    })

    it('has a listener whose certificate is for another host', async () => {
      await expect(handshake(kafka.wrongHostTlsBootstrapServers, { ca: kafka.ca })).rejects.toMatchObject({
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      })
    })

    it('has a listener that refuses clients without a certificate', async () => {
      // With TLS 1.3 the client is through before the server has looked at its certificate: the refusal comes after.
      const anonymous = await handshake(kafka.mutualTlsBootstrapServers, { ca: kafka.ca })
      await expect(once(anonymous, 'data')).rejects.toMatchObject({
        code: expect.stringMatching(/ALERT|ECONNRESET/),
      })

      const { ca, clientCertificate: cert, clientKey: key } = kafka
      const known = await handshake(kafka.mutualTlsBootstrapServers, { ca, cert, key })
      // ApiVersions version 0: an answer shows that the broker goes on after the handshake.
      known.write(Buffer.from('0000000a00120000000000070000', 'hex'))
      const [answer] = (await once(known, 'data')) as [Buffer]
      expect(answer.readInt32BE(4)).toBe(7)
      known.destroy()
    })
  },
  { needs: 'listeners' },
)

describeKafka(
  'a Kafka of its own',
  () => {
    it('keeps its data through kill -9 and a restart', async () => {
      await using kafka = await startRealKafka()
      const topic = uniqueName('survivor')
      await createTopic(kafka.bootstrapServers, topic)
      await produce(kafka.bootstrapServers, topic, ['before'])
      await kafka.kill(1)
      await expect(aliveBrokers(kafka.nodes[0]!.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
      await kafka.restart(1)
      await produce(kafka.bootstrapServers, topic, ['after'])
      expect(await consume(kafka.bootstrapServers, topic, 2)).toEqual(['before', 'after'])
    })

    it('goes on with two of three nodes', async () => {
      await using kafka = await startRealKafka({ nodes: 3 })
      const topic = uniqueName('replicated')
      await createTopic(kafka.bootstrapServers, topic, '--replication-factor', '3')
      await produce(kafka.bootstrapServers, topic, ['three'])
      await kafka.kill(1)
      await produce(kafka.bootstrapServers, topic, ['two'])
      expect(await consume(kafka.bootstrapServers, topic, 2)).toEqual(['three', 'two'])
      await kafka.restart(1)
      expect((await aliveBrokers(kafka.nodes[0]!.port)).sort()).toEqual([1, 2, 3])
    })

    it('can be frozen and thawed', async () => {
      await using kafka = await startRealKafka()
      const { port } = kafka.nodes[0]!
      kafka.freeze(1)
      await expect(aliveBrokers(port)).rejects.toMatchObject({ name: 'AbortError' })
      kafka.thaw(1)
      expect(await aliveBrokers(port)).toEqual([1])
    })

    it('says why it does not start', async () => {
      const options = { brokerProperties: { 'num.io.threads': 'many' } }
      await expect(startRealKafka(options)).rejects.toThrow(/num\.io\.threads/)
    })

    it('refuses what it cannot write into a properties file', async () => {
      await expect(startRealKafka({ users: { alice: 'a"b' } })).rejects.toThrow(/a"b/)
      await expect(startRealKafka({ nodes: 0 })).rejects.toThrow(/nodes is 0/)
    })
  },
  { needs: 'own' },
)

it('reads null and missing headers in what a Java consumer prints', () => {
  expect(
    parseJavaConsumerLine('NO_TIMESTAMP\u001fPartition:3\u001fOffset:9\u001fNO_HEADERS\u001f\u001a\u001f'),
  ).toEqual({
    partition: 3,
    offset: 9,
    timestamp: -1,
    timestampType: 'NoTimestampType',
    headers: [],
    key: null,
    value: '',
  })
  expect(() => parseJavaConsumerLine('a warning')).toThrow(/a warning/)
})
