import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'
import { describeClient, runPython } from '../support/interop/index.ts'

await describeClient('python', "Python's confluent-kafka and a Kafka in memory", () => {
  const failures: Error[] = []
  let kafka: TestKafka
  beforeAll(async () => {
    kafka = await startKafka({
      onError: (error) => failures.push(error),
      brokers: 3,
      acls: { allowEveryoneIfNoAclFound: true },
      configs: {
        'group.consumer.min.heartbeat.interval.ms': 100,
        'group.consumer.heartbeat.interval.ms': 100,
      },
    })
  })
  afterAll(async () => {
    await kafka.close()
    expect(failures).toEqual([])
  })

  function topicOf(numPartitions: number): string {
    const name = `python-${randomUUID()}`
    kafka.createTopics([{ name, numPartitions }])
    return name
  }

  function python(script: string, input: Record<string, unknown>) {
    return runPython(script, { bootstrapServers: kafka.bootstrapServers, ...input })
  }

  it.each([
    {},
    { 'enable.idempotence': true, 'compression.type': 'gzip' },
    { acks: 1, 'compression.type': 'snappy' },
    { 'compression.type': 'lz4' },
    { 'compression.type': 'zstd' },
  ])('writes and reads with %o', async (config) => {
    const count = 300
    const { left, reports, records, watermarks } = await python('produce', {
      topic: topicOf(3),
      count,
      config,
    })
    const numbers = Array.from({ length: count }, (_, i) => i)
    expect(left).toBe(0)
    expect(reports).toEqual(
      [0, 1, 2].flatMap((partition) => numbers.slice(0, 100).map((offset) => [null, partition, offset])),
    )
    const byNumber = (list: unknown) =>
      [...(list as [string][])].sort(([a], [b]) => Number(a.slice(4)) - Number(b.slice(4)))
    expect(byNumber(records)).toEqual(numbers.map((i) => [`key ${i}`, `value ${i}`, [['i', `${i}`]]]))
    expect(watermarks).toEqual(Array(3).fill([0, 100]))
  })

  it.each([
    { 'group.protocol': 'classic', 'heartbeat.interval.ms': 100 },
    {
      'group.protocol': 'classic',
      'heartbeat.interval.ms': 100,
      'partition.assignment.strategy': 'cooperative-sticky',
    },
    { 'group.protocol': 'consumer' },
  ])('shares a topic in a group with %o', async (config) => {
    const result = await python('group', { topic: topicOf(4), group: `python-${randomUUID()}`, config })
    const all = (value: string) => [0, 1, 2, 3].map((partition) => `${value}-${partition}`)
    expect(result).toMatchObject({ shared: [0, 1, 2, 3], later: all('one'), metadata: true })
    expect(result).toMatchObject({ before: [1, 1, 1, 1], after: [2, 2, 2, 2] })
    const { by_first: byFirst, by_second: bySecond } = result as Record<string, string[]>
    expect([byFirst!.length, bySecond!.length]).toEqual([2, 2])
    expect([...byFirst!, ...bySecond!].sort()).toEqual(all('both'))
  })

  it.each([{ 'group.protocol': 'classic' }, { 'group.protocol': 'consumer' }])(
    'copies in transactions, aborts one and is fenced, with %o',
    async (config) => {
      const result = await python('transactions', {
        source: topicOf(1),
        target: topicOf(1),
        group: `python-${randomUUID()}`,
        transactionalId: `python-${randomUUID()}`,
        config,
      })
      const copied = Array.from({ length: 10 }, (_, i) => `${i}`)
      expect(result).toEqual({
        // -1001: librdkafka's "no offset".
        afterAbort: -1001,
        afterCommit: 10,
        fenced: '_FENCED',
        committed: [...copied, 'last'],
        uncommitted: [...copied, ...copied, 'zombie', 'last'],
      })
    },
  )

  it('does with an AdminClient what one can do', async () => {
    const result = await python('admin', {
      topic: `python-${randomUUID()}`,
      replicas: 2,
      group: `python-${randomUUID()}`,
      user: `python-${randomUUID()}`,
    })
    // null: it worked, and there is nothing to tell.
    expect(result).toEqual({
      create: null,
      createAgain: 'TOPIC_ALREADY_EXISTS',
      badConfig: 'INVALID_CONFIG',
      grow: null,
      partitions: [0, 1, 2].map((partition) => [partition, 2, 2]),
      operations: 'ALTER ALTER_CONFIGS CREATE DELETE DESCRIBE DESCRIBE_CONFIGS READ WRITE'.split(' '),
      nodes: [1, 2, 3],
      listed: true,
      retention: ['60000', 'DYNAMIC_TOPIC_CONFIG'],
      alter: null,
      altered: [
        ['604800000', 'DEFAULT_CONFIG'],
        ['1048576', 'DYNAMIC_TOPIC_CONFIG'],
      ],
      brokerConfigs: true,
      group: [['STABLE', false]],
      described: ['STABLE', 'range'],
      member: ['python', '/127.0.0.1', [0, 1, 2]],
      deleteBusy: 'NON_EMPTY_GROUP',
      offsets: [10, 10, 10],
      offsetsAfter: [1, 10, 10],
      latest: 10,
      deleteRecords: 4,
      earliest: 4,
      maxTimestamp: 9,
      elect: 'ELECTION_NOT_NEEDED',
      deleteGroup: null,
      upsert: null,
      user: [['SCRAM_SHA_256', 4096]],
      createAcl: null,
      acls: [['User:bob', '*', 'READ']],
      deletedAcls: 1,
      delete: null,
      deleteAgain: 'UNKNOWN_TOPIC_OR_PART',
    })
  })
})
