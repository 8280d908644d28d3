import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allOrThrow, Kafka } from '../../src/index.ts'
import { protocol } from '../cli/run-cli.ts'
import { runProcess } from '../cli/run-process.ts'
import { describeKafka } from '../support/real-kafka/index.ts'

const firstOf = (servers: string | undefined) => servers?.split(',')[0] ?? ''

describeKafka('the command and a real broker', (kafka) => {
  const topic = `cli-${randomUUID()}`
  const broker = () => ['--bootstrap-server', firstOf(kafka.bootstrapServers)]

  beforeAll(async () => {
    await using admin = new Kafka({ bootstrapServers: kafka.bootstrapServers }).admin()
    allOrThrow(await admin.createTopics([{ name: topic, numPartitions: 2 }]))
  })

  it('send prints the answer of a broker to Metadata v12', async () => {
    const body = JSON.stringify({ topics: [{ name: topic }], allowAutoTopicCreation: false })
    const { code, out, err } = await protocol('send', 'Metadata', 'v12', body, ...broker())
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out)).toMatchObject({ topics: [{ name: topic, errorCode: 0 }] })
    const dump = await protocol('send', 'Metadata', 'v12', body, '--dump', '--strict', ...broker())
    expect(dump.code).toBe(0)
    expect(dump.out).toContain('topics[0].partitions[1].leaderId')
  })

  it('send speaks every version of ApiVersions, and tells of one that the broker refuses', async () => {
    for (const version of ['v0', 'v1', 'v2', 'v3', 'v4']) {
      const body = '{"clientSoftwareName":"cli","clientSoftwareVersion":"1"}'
      const { code, out } = await protocol('send', 'ApiVersions', version, body, '--compact', ...broker())
      expect(code).toBe(0)
      expect(JSON.parse(out)).toMatchObject({ errorCode: 0 })
    }
    const { out: hex } = await protocol('encode', 'ApiVersions', 'v3')
    const version99 = hex.trim().replace(/^(.{8}0012)0003/, '$10063')
    const refused = await protocol('send', 'ApiVersions', 'v3', '--hex', version99, '--compact', ...broker())
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.out)).toMatchObject({ errorCode: 35 })
    expect(refused.err).toContain('35 UNSUPPORTED_VERSION')
  })

  it('records of a producer come back in a Fetch, and are decoded', async () => {
    await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer()
    await producer.send({ topic, partition: 0, key: 'k', value: 'hello' })
    const described = await protocol(
      'send',
      'Metadata',
      'v12',
      `{"topics":[{"name":"${topic}"}]}`,
      ...broker(),
    )
    const { topics, brokers } = JSON.parse(described.out) as {
      topics: { topicId: string; partitions: { partitionIndex: number; leaderId: number }[] }[]
      brokers: { nodeId: number; host: string; port: number }[]
    }
    const [{ topicId, partitions }] = topics as [(typeof topics)[0]]
    const leader = partitions.find(({ partitionIndex }) => partitionIndex === 0)!.leaderId
    const { host, port } = brokers.find(({ nodeId }) => nodeId === leader)!
    const body = {
      maxWaitMs: 1000,
      minBytes: 1,
      topics: [{ topicId, partitions: [{ partition: 0, fetchOffset: '0', partitionMaxBytes: 100_000 }] }],
    }
    const server = ['--bootstrap-server', `${host}:${port}`]
    const fetched = await protocol('send', 'Fetch', 'v13', JSON.stringify(body), ...server)
    expect({ code: fetched.code, err: fetched.err }).toEqual({ code: 0, err: '' })
    const { responses } = JSON.parse(fetched.out) as {
      responses: { partitions: { records: string }[] }[]
    }
    const records = Buffer.from(responses[0]!.partitions[0]!.records, 'base64').toString('hex')
    const { code, out } = await protocol('decode', '--records', '--json', '--strict', records)
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      baseOffset: '0',
      records: [{ key: Buffer.from('k').toString('base64'), value: Buffer.from('hello').toString('base64') }],
    })
  })

  it('versions has a line for each API, and none that only the broker has', async () => {
    const { code, out, err } = await protocol('versions', ...broker())
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^3 +Metadata +\S+ +0-13 +\d+$/m)
    expect(out).toMatch(/^4 +LeaderAndIsr .*kafkawire only$/m)
    expect(out).not.toContain('broker only')
  })

  it('as a process it ends by itself, with the exit code of what happened', async () => {
    const send = (...args: string[]) => runProcess(['protocol', 'send', ...args, ...broker()])
    const fine = await send('Metadata', 'v12', '--compact', '--timeout', '20000')
    expect(fine).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(fine.out)).toHaveProperty('clusterId')
    const failed = await send('FindCoordinator', 'v3', '{"key":"g","keyType":99}')
    expect(failed.code).toBe(1)
    expect(await send('Metadata', 'v99')).toMatchObject({ code: 2, out: '' })
  })
})

describeKafka(
  'the command and a broker that wants to know who it is',
  (kafka) => {
    let folder = ''
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'kafkawire-cli-'))
      writeFileSync(join(folder, 'ca.pem'), kafka.ca!)
      writeFileSync(join(folder, 'user'), `alice:${kafka.users!.alice}\n`)
    })
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    describe('versions', () => {
      const versions = (servers: string | undefined, ...args: string[]) =>
        protocol('versions', '--bootstrap-server', firstOf(servers), '--timeout', '10000', ...args)

      it('goes through TLS and SASL', async () => {
        const trust = ['--tls-ca', join(folder, 'ca.pem')]
        const user = ['--sasl-plain', `alice:${kafka.users!.alice}`]
        const fromFile = ['--sasl-plain', `@${join(folder, 'user')}`]
        expect((await versions(kafka.tlsBootstrapServers, ...trust)).code).toBe(0)
        expect((await versions(kafka.saslBootstrapServers, ...user)).code).toBe(0)
        expect((await versions(kafka.saslTlsBootstrapServers, ...trust, ...fromFile)).code).toBe(0)
      })

      it('exits with 3 for a certificate that is not trusted, with 1 for a wrong password', async () => {
        const untrusted = await versions(kafka.tlsBootstrapServers, '--tls')
        expect(untrusted.code).toBe(3)
        expect(untrusted.err).toMatch(/^error: .*certificate/)
        const refused = await versions(kafka.saslBootstrapServers, '--sasl-plain', 'alice:wrong')
        expect(refused.code).toBe(1)
        expect(refused.err).toMatch(/^error: .*PLAIN: /)
      })
    })
  },
  { needs: 'listeners' },
)
