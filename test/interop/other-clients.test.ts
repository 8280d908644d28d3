import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { type ConsumerRecord, Kafka, type TopicPartition } from '../../src/index.ts'
import {
  consoleOptions,
  kafkaTools,
  kcatPath,
  runKafkaTool,
  runKcat,
  startJavaConsumer,
} from '../support/interop/index.ts'
import { describeKafka } from '../support/real-kafka/index.ts'

const kcat = await kcatPath()

const first = Date.parse('2024-02-29T12:00:00Z')

/** Everything that a record can have, and what stands on the edge of it. */
const samples = [
  { key: 'plain', value: 'text', headers: { trace: 'a1' }, timestamp: first },
  { key: null, value: 'no key', headers: {}, timestamp: first + 1 },
  { key: 'tombstone', value: null, headers: {}, timestamp: first - 86_400_000 },
  { key: '', value: '', headers: { empty: '' }, timestamp: 0 },
  {
    key: 'snow \u2603 \u{1f4a7}',
    value: '\u00e4\u00f6\u00fc\t|',
    headers: { 'k\u00e9y': 'v\u00e4lue' },
    timestamp: first + 3,
  },
  { key: 'long', value: 'x'.repeat(20_000), headers: { a: '1', b: '2' }, timestamp: first + 2 },
] as const

describeKafka(
  'other clients',
  (kafka) => {
    async function topicOf(partitions: number): Promise<{ client: Kafka; topic: string }> {
      const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
      const topic = `interop-${randomUUID()}`
      await using admin = client.admin()
      const [created] = await admin.createTopics([
        { name: topic, numPartitions: partitions, replicationFactor: 1 },
      ])
      expect(created?.error).toBe(null)
      return { client, topic }
    }

    for (const compressionType of ['none', 'gzip'] as const) {
      it(`Java reads what we wrote with compression ${compressionType}`, async () => {
        const { client, topic } = await topicOf(1)
        await using producer = client.producer({ compressionType })
        await producer.sendMany(samples.map((sample) => ({ topic, ...sample })))
        await using java = await startJavaConsumer({
          bootstrapServers: kafka.bootstrapServers,
          groupId: `java-${randomUUID()}`,
          topics: [topic],
        })
        await java.waitUntil(({ records }) => records.length >= samples.length)
        expect(java.records).toEqual(
          samples.map(({ key, value, headers, timestamp }, offset) => ({
            partition: 0,
            offset,
            timestamp,
            timestampType: 'CreateTime',
            key,
            value,
            headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: text })),
          })),
        )
      })

      it.skipIf(kcat === null)(`kcat reads what we wrote with compression ${compressionType}`, async () => {
        const { client, topic } = await topicOf(1)
        await using producer = client.producer({ compressionType })
        await producer.sendMany(samples.map((sample) => ({ topic, ...sample })))
        const format = '%o;%T;%K;%k;%S;%s;%h\\n'
        const args = [
          '-C',
          '-q',
          '-e',
          '-b',
          kafka.bootstrapServers,
          '-t',
          topic,
          '-X',
          'check.crcs=true',
          '-f',
          format,
        ]
        const { stdout, code } = await runKcat(args)
        expect(code).toBe(0)
        expect(stdout.trimEnd().split('\n')).toEqual(
          samples.map(({ key, value, headers, timestamp }, offset) => {
            const bytes = (text: string | null) => (text === null ? -1 : Buffer.byteLength(text))
            const list = Object.entries(headers).map(([name, text]) => `${name}=${text}`)
            return [offset, timestamp, bytes(key), key ?? '', bytes(value), value ?? '', list.join(',')].join(
              ';',
            )
          }),
        )
      })
    }

    /** The first `count` records of a topic of one partition. */
    async function read(client: Kafka, topic: string, count: number): Promise<ConsumerRecord[]> {
      await using consumer = client.consumer()
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      const records: ConsumerRecord[] = []
      for await (const record of consumer) {
        records.push(record.copy())
        if (records.length === count) break
      }
      return records
    }

    for (const compressionType of ['none', 'gzip']) {
      it(`we read what Java wrote with compression ${compressionType}`, async () => {
        const { client, topic } = await topicOf(1)
        const stdin = 'h1=a,h2=b;k1;v1\nh1=c;<null>;v\u00e4lue\nNULL-HEADERS;k3;<null>\n'
        const property = (text: string) => [consoleOptions.reader, text]
        const produced = await runKafkaTool(
          kafkaTools.consoleProducer,
          [
            ...['--bootstrap-server', kafka.bootstrapServers, '--topic', topic],
            ...['--compression-codec', compressionType],
            ...property('parse.headers=true'),
            ...property('parse.key=true'),
            ...property('headers.delimiter=;'),
            ...property('key.separator=;'),
            ...property('headers.key.separator=='),
            ...property('null.marker=<null>'),
          ].flat(),
          { stdin: stdin.replace('NULL-HEADERS', 'h=') },
        )
        expect(produced).toMatchObject({ code: 0 })
        const records = await read(client, topic, 3)
        expect(
          records.map(({ offset, key, value, headers, timestampType }) => ({
            offset,
            key: key?.toString() ?? null,
            value: value?.toString() ?? null,
            headers: headers.map((header) => `${header.key}=${header.value}`),
            timestampType,
          })),
        ).toEqual([
          { offset: 0, key: 'k1', value: 'v1', headers: ['h1=a', 'h2=b'], timestampType: 'CreateTime' },
          { offset: 1, key: null, value: 'v\u00e4lue', headers: ['h1=c'], timestampType: 'CreateTime' },
          { offset: 2, key: 'k3', value: null, headers: ['h='], timestampType: 'CreateTime' },
        ])
        for (const { timestamp } of records) expect(Math.abs(Date.now() - timestamp)).toBeLessThan(120_000)
      })

      it.skipIf(kcat === null)(`we read what kcat wrote with compression ${compressionType}`, async () => {
        const { client, topic } = await topicOf(1)
        const args = ['-P', '-b', kafka.bootstrapServers, '-t', topic, '-K', '|', '-Z', '-z', compressionType]
        const lines = Array.from({ length: 500 }, (_, i) => `k${i}|value ${i} ${'x'.repeat(i)}`)
        const produced = await runKcat([...args, '-H', 'trace=a:b'], { stdin: `${lines.join('\n')}\n|\n` })
        expect(produced).toMatchObject({ code: 0 })
        const records = await read(client, topic, 501)
        expect(records.slice(0, 500).map(({ key, value }) => `${key}|${value}`)).toEqual(lines)
        expect(records[500]).toMatchObject({ offset: 500, key: null, value: null })
        for (const { headers } of records)
          expect(headers).toEqual([{ key: 'trace', value: Buffer.from('a:b') }])
      })
    }

    it('one of our members and one of Java share a topic by range, and each goes on when the other leaves', async () => {
      const { client, topic } = await topicOf(4)
      const groupId = `mixed-${randomUUID()}`
      const strategy = 'org.apache.kafka.clients.consumer.RangeAssignor'
      const joinJava = () =>
        startJavaConsumer({
          bootstrapServers: kafka.bootstrapServers,
          groupId,
          topics: [topic],
          properties: { 'partition.assignment.strategy': strategy },
        })
      const joinUs = () => startOurs(client, groupId, topic)
      await using producer = client.producer()
      const sendToAll = (value: string) =>
        producer.sendMany(
          [0, 1, 2, 3].map((partition) => ({ topic, partition, value: `${value}-${partition}` })),
        )
      const names = (partitions: number[]) => partitions.map((partition) => `${topic}-${partition}`)

      // Java leads, as it was there first.
      await using java = await joinJava()
      await java.assigned(names([0, 1, 2, 3]))
      await using ours = joinUs()
      await ours.holds(2)
      await java.waitUntil(({ assignment }) => assignment.length === 2)
      const mine = ours.partitions()
      expect([...mine.map((partition) => `${topic}-${partition}`), ...java.assignment].sort()).toEqual(
        names([0, 1, 2, 3]),
      )
      // Range gives neighbours.
      expect(mine).toEqual(mine.includes(0) ? [0, 1] : [2, 3])

      await sendToAll('both')
      const expected = (value: string, partitions: readonly number[]) =>
        partitions.map((p) => `${value}-${p}`).sort()
      await ours.reads(expected('both', mine))
      const javas = [0, 1, 2, 3].filter((partition) => !mine.includes(partition))
      await java.waitUntil(({ records }) => records.length >= 2)
      expect(java.records.map(({ value }) => value).sort()).toEqual(expected('both', javas))

      // Java leaves: we take over all, and read nothing twice.
      await java.stop()
      await ours.holds(4)
      await sendToAll('ours')
      await ours.reads([...expected('both', mine), ...expected('ours', [0, 1, 2, 3])].sort())

      // Another Java member comes; now we lead.
      await using second = await joinJava()
      await second.waitUntil(({ assignment }) => assignment.length === 2)
      await ours.holds(2)

      // We leave: Java takes over all.
      await ours.leave()
      await second.assigned(names([0, 1, 2, 3]))
      await sendToAll('java')
      await second.waitUntil(({ records }) => records.length >= 4)
      expect(second.records.map(({ value }) => value).sort()).toEqual(expected('java', [0, 1, 2, 3]))
    }, 120_000)
  },
  { needs: 'listeners' },
)

/** A member of ours that reads until it leaves. */
function startOurs(client: Kafka, groupId: string, topic: string) {
  const values: string[] = []
  const waiters = new Set<() => void>()
  const changed = () => {
    for (const waiter of waiters) waiter()
  }
  const consumer = client.consumer({
    groupId,
    topics: [topic],
    autoOffsetReset: 'earliest',
    heartbeatIntervalMs: 300,
    partitionAssignmentStrategy: ['range'],
    onPartitionsAssigned: changed,
    onPartitionsRevoked: changed,
  })
  const reading = (async () => {
    for await (const { value } of consumer) {
      values.push(String(value))
      changed()
    }
  })()
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        // After the hook, when what it tells of has come to be.
        setImmediate(() => {
          if (!holds()) return
          waiters.delete(look)
          resolve()
        })
      }
      waiters.add(look)
      look()
    })
  const partitions = () =>
    consumer
      .assignment()
      .map(({ partition }: TopicPartition) => partition)
      .sort()
  const leave = async () => {
    await consumer.close()
    await reading
  }
  return {
    partitions,
    holds: (count: number) => until(() => partitions().length === count),
    async reads(wanted: readonly string[]) {
      await until(() => values.length >= wanted.length)
      expect([...values].sort()).toEqual(wanted)
    },
    leave,
    [Symbol.asyncDispose]: leave,
  }
}
