import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'
import {
  consoleOptions,
  describeClient,
  kafkaTools,
  runKafkaTool,
  startJavaConsumer,
} from '../support/interop/index.ts'

await describeClient('java', "Java's clients and a Kafka in memory", () => {
  const failures: Error[] = []
  let kafka: TestKafka
  beforeAll(async () => {
    kafka = await startKafka({
      onError: (error) => failures.push(error),
      brokers: 3,
      configs: {
        'group.consumer.heartbeat.interval.ms': 200,
        'group.consumer.min.heartbeat.interval.ms': 100,
      },
    })
  })
  afterAll(async () => {
    await kafka.close()
    expect(failures).toEqual([])
  })

  function topicOf(numPartitions: number): string {
    const name = `java-${randomUUID()}`
    kafka.createTopics([{ name, numPartitions, replicationFactor: 2 }])
    return name
  }

  async function run(tool: keyof typeof kafkaTools, args: readonly string[], stdin = ''): Promise<string> {
    const { bootstrapServers } = kafka
    const all = ['--bootstrap-server', bootstrapServers, ...args]
    const { code, stdout, stderr } = await runKafkaTool(kafkaTools[tool], all, { stdin })
    expect({ code, stderr, stdout }).toMatchObject({ code: 0 })
    return stdout
  }

  /** The events that a verifiable client printed, one JSON object a line. */
  function eventsOf(output: string): { name: string; [field: string]: unknown }[] {
    return output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
  }

  it('write on the console and read there, in groups of both protocols', async () => {
    const topic = topicOf(1)
    const lines = Array.from({ length: 50 }, (_, i) => `key-${i},value ${i} ${'x'.repeat(i * 20)}`)
    const options = ['parse.key=true', 'key.separator=,'].flatMap((text) => [consoleOptions.reader, text])
    await run(
      'consoleProducer',
      ['--topic', topic, '--compression-codec', 'gzip', ...options],
      `${lines.join('\n')}\n`,
    )
    const read = (protocol: string) =>
      run('consoleConsumer', [
        ...['--topic', topic, '--from-beginning', '--max-messages', '50', '--group', `${topic}-${protocol}`],
        ...[consoleOptions.client, `group.protocol=${protocol}`],
        ...[consoleOptions.client, 'isolation.level=read_committed'],
        ...['print.key=true', 'key.separator=,'].flatMap((text) => [consoleOptions.formatter, text]),
      ])
    const outputs = await Promise.all(['classic', 'consumer'].map(read))
    for (const output of outputs) expect(output.trimEnd().split('\n')).toEqual(lines)
  })

  it('verify what they wrote, in groups of both protocols', async () => {
    const topic = topicOf(3)
    const max = ['--max-messages', '600']
    const sent = eventsOf(await run('verifiableProducer', ['--topic', topic, '--acks', '-1', ...max]))
    expect(sent.at(-1)).toMatchObject({ name: 'tool_data', sent: 600, acked: 600 })
    expect(sent.filter(({ name }) => name === 'producer_send_success')).toHaveLength(600)
    const groupOf = (protocol: string) => `${topic}-${protocol}`
    const read = async (protocol: string) => {
      const group = ['--group-id', groupOf(protocol), '--group-protocol', protocol]
      const args = ['--topic', topic, ...group, '--reset-policy', 'earliest', ...max]
      return eventsOf(await run('verifiableConsumer', args))
    }
    const all = await Promise.all(['classic', 'consumer'].map(read))
    for (const events of all) {
      const consumed = events.filter(({ name }) => name === 'records_consumed')
      expect(consumed.reduce((sum, { count }) => sum + Number(count), 0)).toBe(600)
      const commits = events.filter(({ name }) => name === 'offsets_committed')
      expect(commits.map(({ success }) => success)).toEqual(commits.map(() => true))
    }
    for (const protocol of ['classic', 'consumer']) {
      const { offsets } = kafka.cluster.groups.get(groupOf(protocol))!
      const committed = [0, 1, 2].map((partition) => offsets.get(topic, partition)?.offset ?? 0)
      expect(committed.reduce((sum, offset) => sum + offset, 0)).toBe(600)
    }
  })

  it('write with idempotence, and in one transaction after the other', async () => {
    const topic = topicOf(2)
    const records = ['--num-records', '2000', '--record-size', '100', '--throughput', '-1']
    const properties = (...list: string[]) => list.flatMap((text) => [consoleOptions.client, text])
    const plain = run('producerPerformance', [
      ...['--topic', topic, ...records],
      ...properties('enable.idempotence=true', 'compression.type=lz4'),
    ])
    const transactional = run('producerPerformance', [
      ...['--topic', topic, ...records, '--transactional-id', topic, '--transaction-duration-ms', '20'],
    ])
    for (const output of await Promise.all([plain, transactional])) {
      expect(output).toContain('2000 records sent')
    }
    const stored = kafka.records(topic)
    expect(stored).toHaveLength(4000)
    expect(stored.filter(({ isTransactional }) => isTransactional)).toHaveLength(2000)
    expect(stored.every(({ producerId }) => producerId >= 0n)).toBe(true)
    // Markers take offsets too.
    const ends = kafka.cluster.topics.get(topic)!.partitions.map(({ log }) => log.logEndOffset)
    expect(ends.reduce((sum, end) => sum + end, 0)).toBeGreaterThan(4000)
    const { bootstrapServers } = kafka
    await using reader = await startJavaConsumer({
      bootstrapServers,
      groupId: topic,
      topics: [topic],
      properties: { 'isolation.level': 'read_committed' },
    })
    await reader.waitUntil((one) => one.records.length === 4000)
  })

  it.each(['RangeAssignor', 'CooperativeStickyAssignor'])(
    'share a topic as classic members with the %s, and hand it over',
    async (assignor) => {
      const topic = topicOf(4)
      const names = (...partitions: number[]) => partitions.map((partition) => `${topic}-${partition}`)
      const join = () =>
        startJavaConsumer({
          bootstrapServers: kafka.bootstrapServers,
          groupId: topic,
          topics: [topic],
          properties: {
            'partition.assignment.strategy': `org.apache.kafka.clients.consumer.${assignor}`,
            'heartbeat.interval.ms': '100',
          },
        })
      await using first = await join()
      await first.assigned(names(0, 1, 2, 3))
      await using second = await join()
      await second.waitUntil(({ assignment }) => assignment.length === 2)
      await first.waitUntil(({ assignment }) => assignment.length === 2)
      expect([...first.assignment, ...second.assignment].sort()).toEqual(names(0, 1, 2, 3))
      const described = await run('consumerGroups', [
        '--describe',
        '--members',
        '--verbose',
        '--group',
        topic,
      ])
      expect(described.match(/ \/127\.0\.0\.1 +\S+ +2 /g)).toHaveLength(2)
      await first.stop()
      await second.assigned(names(0, 1, 2, 3))
      await second.stop()
      expect(kafka.cluster.groups.get(topic)?.state).toBe('Empty')
    },
  )
})
