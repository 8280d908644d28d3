import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Admin, allOrThrow, type GroupLagRow } from '../../src/admin/admin.ts'
import { Cluster } from '../../src/cluster/cluster.ts'
import { Deadline } from '../../src/deadline.ts'
import { dial } from '../../src/network/dial.ts'
import type { Connect } from '../../src/network/transport.ts'
import { clientOptions } from '../../src/options/client-options.ts'
import { clusterOptions } from '../../src/options/cluster-options.ts'
import { parseOptions } from '../../src/options/parse-options.ts'
import { listOffsets } from '../../src/protocol/apis/list-offsets.ts'
import { offsetCommit } from '../../src/protocol/apis/offset-commit.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import { encodeRecordBatch } from '../../src/protocol/records/encode-record-batch.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { kafkaTools, runKafkaTool, startJavaConsumer } from '../support/interop/index.ts'
import { javaIsAvailable } from '../support/real-kafka/availability.ts'

const withJava = javaIsAvailable()

function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID()}`
}

/** Writes records and commits, for what the admin client is to find. */
class Actor implements AsyncDisposable {
  readonly #cluster: Cluster

  constructor(bootstrapServers: string) {
    const options = parseOptions('test', clientOptions, { bootstrapServers })
    this.#cluster = new Cluster(clusterOptions(options, { allowAutoTopicCreation: false }))
  }

  async produce(topic: string, partition: number, count: number): Promise<void> {
    const deadline = new Deadline(20_000)
    const { partitions } = await this.#cluster.metadata.topic(topic, deadline)
    const list = Array.from({ length: count }, (_, at) => ({
      offset: BigInt(at),
      timestamp: BigInt(Date.now()),
      key: null,
      value: `${at}`,
    }))
    const partitionData = [{ index: partition, records: encodeRecordBatch({}, list) }]
    const response = await this.#cluster.request(
      produce,
      { acks: -1, timeoutMs: 10_000, topicData: [{ name: topic, partitionData }] },
      {
        to: { node: partitions[partition]!.leader },
        deadline,
        maxVersion: 12,
        // A broker is told that it leads a new partition a moment after the others know of it.
        errorOf: ({ responses }) => responses[0]?.partitionResponses[0]?.errorCode ?? 0,
      },
    )
    expect(response.responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: 0 })
  }

  /** From outside of the group, which must be empty. */
  async commit(groupId: string, topic: string, offsets: Record<number, number>): Promise<void> {
    const partitions = Object.entries(offsets).map(([partition, offset]) => ({
      partitionIndex: Number(partition),
      committedOffset: BigInt(offset),
      committedMetadata: '',
    }))
    const response = await this.#cluster.request(
      offsetCommit,
      { groupId, topics: [{ name: topic, partitions }] },
      {
        to: { group: groupId },
        deadline: new Deadline(20_000),
        maxVersion: 9,
        // The first group of all has a coordinator that is still getting ready.
        errorOf: ({ topics }) => topics[0]?.partitions[0]?.errorCode ?? 0,
      },
    )
    for (const { errorCode } of response.topics[0]!.partitions) expect(errorCode).toBe(0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cluster.close()
  }
}

/** TCP that counts the requests written, by API key. */
function countingConnect(counts: Map<number, number>): Connect {
  return async (target) => {
    const socket = await dial(target)
    const frames = new FrameReader(100_000_000)
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean
    socket.write = (chunk: Uint8Array | string, ...rest: unknown[]) => {
      frames.push(Buffer.from(chunk as Uint8Array), (frame) => {
        const key = (frame[0]! << 8) | frame[1]!
        counts.set(key, (counts.get(key) ?? 0) + 1)
      })
      return write(chunk, ...rest)
    }
    return socket
  }
}

/** What `kafka-consumer-groups --describe` prints, with null for its dash. */
async function javaLag(bootstrapServers: string, groupId: string): Promise<GroupLagRow[]> {
  const args = ['--bootstrap-server', bootstrapServers, '--describe', '--group', groupId]
  const { code, stdout, stderr } = await runKafkaTool(kafkaTools.consumerGroups, args)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const text = (cell: string) => (cell === '-' ? null : cell)
  const number = (cell: string) => (cell === '-' ? null : Number(cell))
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([group]) => group === groupId)
    .map(
      ([
        ,
        topic = '',
        partition = '',
        current = '',
        end = '',
        lag = '',
        id = '',
        host = '',
        client = '',
      ]) => ({
        topic,
        partition: Number(partition),
        currentOffset: number(current),
        logEndOffset: number(end),
        lag: number(lag),
        consumerId: text(id),
        host: text(host),
        clientId: text(client),
      }),
    )
    .sort((a, b) => a.partition - b.partition)
}

describeAnyKafka('the admin client', (kafka) => {
  let admin: Admin

  beforeAll(() => {
    admin = new Admin({ bootstrapServers: kafka.bootstrapServers })
  })

  afterAll(async () => {
    await admin.close()
  })

  async function createTopic(numPartitions: number): Promise<string> {
    const name = uniqueName('admin')
    allOrThrow(await admin.createTopics([{ name, numPartitions }]))
    return name
  }

  describe('for topics', () => {
    it('creates, describes, enlarges, lists and deletes them', async () => {
      const name = uniqueName('admin')
      const configs = { 'retention.ms': '123456' }
      const [created] = allOrThrow(await admin.createTopics([{ name, numPartitions: 2, configs }]))
      expect(created).toMatchObject({ name, numPartitions: 2, replicationFactor: 1, error: null })
      expect(created?.topicId).toMatch(/^[\w-]{22}$/)
      expect(created?.configs).toContainEqual({
        name: 'retention.ms',
        value: '123456',
        source: 'DYNAMIC_TOPIC_CONFIG',
        isReadOnly: false,
        isSensitive: false,
      })

      await expect
        .poll(() => admin.describeTopics([name]))
        .toMatchObject([{ name, topicId: created?.topicId, isInternal: false, partitions: [{}, {}] }])
      const [topic] = allOrThrow(await admin.describeTopics([name]))
      const { nodes } = await admin.describeCluster()
      expect(nodes).toContainEqual(topic?.partitions[1]?.leader)
      expect(topic?.partitions[1]).toMatchObject({
        partition: 1,
        replicas: [topic?.partitions[1]?.leader],
        isr: [topic?.partitions[1]?.leader],
        offlineReplicas: [],
      })

      allOrThrow(await admin.createPartitions([{ topic: name, totalCount: 3 }]))
      await expect
        .poll(async () => allOrThrow(await admin.describeTopics([name]))[0]?.partitions.length)
        .toBe(3)

      expect(await admin.listTopics()).toContainEqual({ name, topicId: created?.topicId, isInternal: false })
      const ids = { ids: [created!.topicId!] }
      expect(await admin.deleteTopics(ids)).toEqual([{ name, topicId: created?.topicId, error: null }])
      await expect
        .poll(() => admin.describeTopics([name]))
        .toMatchObject([{ name, error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } }])
    })

    it('tells item by item what failed', async () => {
      const name = await createTopic(1)
      const fresh = uniqueName('admin')
      const results = await admin.createTopics([{ name }, { name: fresh }, { name: 'not a name' }])
      expect(results).toMatchObject([
        { name, error: { code: 'TOPIC_ALREADY_EXISTS', topic: name } },
        { name: fresh, error: null },
        { name: 'not a name', error: { code: 'INVALID_TOPIC_EXCEPTION' } },
      ])
      expect(() => allOrThrow(results)).toThrow(/TOPIC_ALREADY_EXISTS/)
      expect(await admin.deleteTopics([fresh, uniqueName('none')])).toMatchObject([
        { name: fresh, error: null },
        { error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
      ])
      expect(await admin.createPartitions([{ topic: name, totalCount: 1 }])).toMatchObject([
        { topic: name, error: { code: 'INVALID_PARTITIONS' } },
      ])
    })

    it('changes nothing when it is to validate only', async () => {
      const name = uniqueName('admin')
      const options = { validateOnly: true }
      expect(await admin.createTopics([{ name, numPartitions: 4 }], options)).toMatchObject([
        { name, topicId: null, numPartitions: 4, error: null },
      ])
      expect(await admin.describeTopics([name])).toMatchObject([
        { error: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
      ])
    })

    it.skipIf(!withJava)('makes what kafka-topics sees', async () => {
      const name = uniqueName('admin')
      const { nodes } = await admin.describeCluster()
      const broker = nodes[0]!.id
      const replicasAssignments = { 0: [broker], 1: [broker] }
      const configs = { 'cleanup.policy': 'compact' }
      allOrThrow(await admin.createTopics([{ name, replicasAssignments, configs }]))
      const args = ['--bootstrap-server', kafka.bootstrapServers, '--describe', '--topic', name]
      const { stdout } = await runKafkaTool(kafkaTools.topics, args)
      const [created] = allOrThrow(await admin.describeTopics([name]))
      expect(stdout).toContain(`TopicId: ${created?.topicId}\tPartitionCount: 2\tReplicationFactor: 1`)
      expect(stdout).toContain('cleanup.policy=compact')
      expect(stdout).toMatch(
        new RegExp(`Partition: 1\\s+Leader: ${broker}\\s+Replicas: ${broker}\\s+Isr: ${broker}`),
      )
    })
  })

  it('describes the cluster', async () => {
    const cluster = await admin.describeCluster({ includeAuthorizedOperations: true })
    expect(cluster.clusterId).toEqual(expect.any(String))
    expect(cluster.nodes).toContainEqual(cluster.controller)
    expect(cluster.authorizedOperations).toContain('DESCRIBE')
    expect((await admin.describeCluster()).authorizedOperations).toBeNull()
  })

  describe('for groups', () => {
    it('gives the lag of a group that only commits', async () => {
      const topic = await createTopic(3)
      const groupId = uniqueName('group')
      await using actor = new Actor(kafka.bootstrapServers)
      await actor.produce(topic, 0, 5)
      await actor.produce(topic, 2, 2)
      await actor.commit(groupId, topic, { 2: 2, 0: 1 })
      const nobody = { consumerId: null, host: null, clientId: null }
      const rows = [
        { topic, partition: 0, currentOffset: 1, logEndOffset: 5, lag: 4, ...nobody },
        { topic, partition: 2, currentOffset: 2, logEndOffset: 2, lag: 0, ...nobody },
      ]
      expect(await admin.groupLag(groupId)).toEqual(rows)
      if (withJava) expect(await javaLag(kafka.bootstrapServers, groupId)).toEqual(rows)

      expect(await admin.describeGroups([groupId])).toMatchObject([
        { groupId, state: 'Empty', members: [], error: null },
      ])
      const { groups, errors } = await admin.listGroups({ states: ['Empty'], types: ['classic'] })
      expect(errors).toEqual([])
      expect(groups).toContainEqual(expect.objectContaining({ groupId, state: 'Empty', type: 'classic' }))
      const others = await admin.listGroups({ states: ['Stable'] })
      expect(others.groups.map((group) => group.groupId)).not.toContain(groupId)
    })

    it('asks once for the log ends of all partitions of a leader', async () => {
      const topic = await createTopic(12)
      const groupId = uniqueName('group')
      await using actor = new Actor(kafka.bootstrapServers)
      for (const partition of [0, 7, 11]) await actor.produce(topic, partition, partition + 1)
      const partitions = Array.from({ length: 12 }, (_, at) => at)
      await actor.commit(groupId, topic, Object.fromEntries(partitions.map((at) => [at, 0])))

      const counts = new Map<number, number>()
      const { bootstrapServers } = kafka
      await using counted = new Admin({ bootstrapServers, connect: countingConnect(counts) })
      const { nodes } = await counted.describeCluster()
      expect(nodes).toHaveLength(1)
      expect(counts.get(listOffsets.key)).toBeUndefined()
      const rows = await counted.groupLag(groupId)
      expect(rows.map(({ lag }) => lag)).toEqual([1, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 12])
      expect(counts.get(listOffsets.key)).toBe(1)
    })

    it('keeps the row of a topic that is deleted, with an open end', async () => {
      const topic = await createTopic(1)
      const kept = await createTopic(1)
      const groupId = uniqueName('group')
      await using actor = new Actor(kafka.bootstrapServers)
      await actor.commit(groupId, topic, { 0: 3 })
      await actor.commit(groupId, kept, { 0: 0 })
      expect(await admin.groupLag(groupId)).toHaveLength(2)
      allOrThrow(await admin.deleteTopics([topic]))
      const gone = { topic, partition: 0, currentOffset: 3, logEndOffset: null, lag: null }
      // The broker itself drops the offsets of a deleted topic some time after: then there is no row.
      const rows = async () => (await admin.groupLag(groupId)).filter((row) => row.topic === topic)
      await expect
        .poll(async () => {
          const [row] = await rows()
          return row === undefined || row.logEndOffset === null
        })
        .toBe(true)
      for (const row of await rows()) expect(row).toMatchObject(gone)
      expect(await admin.groupLag(groupId)).toContainEqual(expect.objectContaining({ topic: kept, lag: 0 }))
    })

    it('rejects for a group that does not exist', async () => {
      const groupId = uniqueName('none')
      await expect(admin.groupLag(groupId)).rejects.toMatchObject({
        name: 'BrokerError',
        code: 'GROUP_ID_NOT_FOUND',
        groupId,
      })
      expect(await admin.describeGroups([groupId])).toMatchObject([
        { groupId, error: { code: 'GROUP_ID_NOT_FOUND' } },
      ])
    })

    it.skipIf(!withJava)('agrees with kafka-consumer-groups about a group of Java members', async () => {
      const topic = await createTopic(2)
      const groupId = uniqueName('group')
      const { bootstrapServers } = kafka
      await using actor = new Actor(bootstrapServers)
      await actor.commit(groupId, topic, { 0: 0 })
      const properties = { 'enable.auto.commit': 'false', 'client.id': 'reader' }
      await using consumer = await startJavaConsumer({
        bootstrapServers,
        groupId,
        topics: [topic],
        properties,
      })
      await consumer.assigned([`${topic}-0`, `${topic}-1`])
      await actor.produce(topic, 0, 3)
      await actor.produce(topic, 1, 1)
      const rows = await admin.groupLag(groupId)
      expect(rows).toMatchObject([
        { partition: 0, currentOffset: 0, logEndOffset: 3, lag: 3, clientId: 'reader' },
        { partition: 1, currentOffset: null, logEndOffset: 1, lag: null, clientId: 'reader' },
      ])
      expect(await javaLag(bootstrapServers, groupId)).toEqual(rows)
      const [group] = allOrThrow(await admin.describeGroups([groupId]))
      expect(group).toMatchObject({ state: 'Stable', protocolType: 'consumer', protocol: 'range' })
      expect(group?.members).toMatchObject([
        {
          memberId: rows[0]?.consumerId,
          clientId: 'reader',
          host: rows[0]?.host,
          groupInstanceId: null,
          assignment: [
            { topic, partition: 0 },
            { topic, partition: 1 },
          ],
        },
      ])
    })

    it.skipIf(!withJava)(
      'lists a group of the new protocol, and knows its commits but not its members',
      async () => {
        const topic = await createTopic(1)
        const groupId = uniqueName('group')
        const { bootstrapServers } = kafka
        await using actor = new Actor(bootstrapServers)
        await actor.produce(topic, 0, 2)
        const properties = { 'group.protocol': 'consumer', 'auto.commit.interval.ms': '100' }
        await using consumer = await startJavaConsumer({
          bootstrapServers,
          groupId,
          topics: [topic],
          properties,
        })
        await consumer.waitUntil(({ records }) => records.length >= 2)
        expect((await admin.listGroups({ types: ['consumer'] })).groups).toContainEqual(
          expect.objectContaining({ groupId, type: 'consumer' }),
        )
        expect(await admin.describeGroups([groupId])).toMatchObject([
          { groupId, error: { code: 'GROUP_ID_NOT_FOUND' } },
        ])
        await expect
          .poll(() => admin.groupLag(groupId).catch(() => []), { timeout: 10_000 })
          .toMatchObject([
            { topic, partition: 0, currentOffset: 2, logEndOffset: 2, lag: 0, consumerId: null },
          ])
      },
    )
  })
})

describeAnyKafka(
  'the admin client and three brokers',
  ({ start }) => {
    it('finds groups, leaders and coordinators on each, and goes on when one has died', async () => {
      await using kafka = await start({ nodes: 3 })
      await using admin = new Admin({ bootstrapServers: kafka.bootstrapServers })
      const topic = uniqueName('admin')
      const partitions = { numPartitions: 6, replicationFactor: 3 }
      allOrThrow(await admin.createTopics([{ name: topic, ...partitions }]))
      const groupIds = Array.from({ length: 8 }, () => uniqueName('group')).sort()
      {
        await using actor = new Actor(kafka.bootstrapServers)
        for (const groupId of groupIds)
          await actor.commit(groupId, topic, { 0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0 })
      }
      const before = allOrThrow(await admin.describeGroups(groupIds))
      const coordinators = new Set(before.map(({ coordinator }) => coordinator?.id))
      expect(coordinators.size).toBeGreaterThan(1)
      const listed = async () => {
        const { groups, errors } = await admin.listGroups()
        expect(errors).toEqual([])
        return groups.map(({ groupId }) => groupId)
      }
      expect(await listed()).toEqual(groupIds)

      await kafka.kill(1)
      // Not at once: between two coordinators a group is in nobody's list.
      await expect.poll(listed, { timeout: 20_000 }).toEqual(groupIds)
      expect(allOrThrow(await admin.describeGroups(groupIds))).toHaveLength(groupIds.length)
      const rows = await admin.groupLag(groupIds[0]!)
      expect(rows.map(({ lag }) => lag)).toEqual([0, 0, 0, 0, 0, 0])
      allOrThrow(await admin.createTopics([{ name: uniqueName('admin'), replicationFactor: 2 }]))
    })
  },
  { needs: 'own' },
)
