import { randomUUID } from 'node:crypto'
import { afterEach, expect, it } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { committedOffsets } from '../../src/cluster/committed-offsets.ts'
import { listOffsets, offsetSpec } from '../../src/cluster/list-offsets.ts'
import { Deadline } from '../../src/deadline.ts'
import { createTopics } from '../../src/protocol/apis/create-topics.ts'
import { offsetCommit } from '../../src/protocol/apis/offset-commit.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { clusterOptions } from '../support/network-options.ts'
import { failureOf } from '../support/promises.ts'

const clusters: Cluster[] = []

afterEach(() => {
  for (const cluster of clusters.splice(0)) cluster.close()
})

function clusterAt(bootstrapServers: string): Cluster {
  const cluster = new Cluster(clusterOptions(bootstrapServers.split(',')))
  clusters.push(cluster)
  return cluster
}

async function createTopic(cluster: Cluster, numPartitions: number, replicationFactor = 1): Promise<string> {
  const name = `cluster-${randomUUID()}`
  const answer = await cluster.request(
    createTopics,
    { topics: [{ name, numPartitions, replicationFactor }], timeoutMs: 10_000 },
    { to: 'controller', deadline: new Deadline(20_000) },
  )
  expect(answer.topics[0]?.errorCode).toBe(0)
  return name
}

const latest = (topic: string, partition: number) => ({ topic, partition, timestamp: offsetSpec.latest })

describeAnyKafka('the brokers of a cluster', (kafka) => {
  it('create a topic, lead its partitions and tell their offsets', async () => {
    const cluster = clusterAt(kafka.bootstrapServers)
    const name = await createTopic(cluster, 3)
    const topic = await cluster.metadata.topic(name, new Deadline(10_000))
    expect(topic.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2])
    expect(cluster.metadata.nameOf(topic.id!)).toBe(name)
    const queries = [latest(name, 0), latest(name, 1), latest(name, 2)]
    const offsets = await listOffsets(cluster, queries, 'read_committed', new Deadline(10_000))
    expect([...offsets.values()]).toEqual(
      queries.map(() => ({ value: { offset: 0, timestamp: -1, leaderEpoch: expect.any(Number) } })),
    )
  })

  it('do not create a topic because it was asked for', async () => {
    const cluster = clusterAt(kafka.bootstrapServers)
    const topic = `none-${randomUUID()}`
    expect(await failureOf(cluster.metadata.topic(topic, new Deadline(400)))).toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      topic,
    })
  })

  it('keep what a group commits', async () => {
    const cluster = clusterAt(kafka.bootstrapServers)
    const name = await createTopic(cluster, 2)
    const groupId = `group-${randomUUID()}`
    const deadline = new Deadline(30_000)
    const topics = [
      { name, partitions: [{ partitionIndex: 1, committedOffset: 7n, committedMetadata: 'note' }] },
    ]
    await cluster.request(
      offsetCommit,
      { groupId, topics },
      {
        to: { group: groupId },
        deadline,
        groupId,
        maxVersion: 9,
        errorOf: (answer) => answer.topics[0]?.partitions[0]?.errorCode ?? 0,
      },
    )
    const options = { requireStable: true, deadline }
    const found = [{ topic: name, partition: 1, offset: 7, leaderEpoch: -1, metadata: 'note' }]
    expect([...(await committedOffsets(cluster, groupId, null, options)).values()]).toEqual(found)
    const asked = [0, 1].map((partition) => ({ topic: name, partition }))
    expect([...(await committedOffsets(cluster, groupId, asked, options)).values()]).toEqual(found)
  })
})

describeAnyKafka(
  'a cluster that loses a broker',
  ({ start }) => {
    it('is asked on, at the new leader and the new coordinator', async () => {
      await using kafka = await start({ nodes: 3 })
      const cluster = clusterAt(kafka.bootstrapServers)
      const name = await createTopic(cluster, 6, 3)
      const queries = Array.from({ length: 6 }, (_, partition) => latest(name, partition))
      const ask = () => listOffsets(cluster, queries, 'read_uncommitted', new Deadline(30_000))
      await ask()
      const groupId = `group-${randomUUID()}`
      const coordinator = await (async () => {
        const deadline = new Deadline(30_000)
        await committedOffsets(cluster, groupId, null, { requireStable: true, deadline })
        return await cluster.coordinator('group', groupId)
      })()
      await kafka.kill(coordinator)
      const found = await ask()
      expect(
        [...found.values()].map((outcome) => ('value' in outcome ? outcome.value.offset : outcome)),
      ).toEqual(queries.map(() => 0))
      expect(cluster.metadata.get(name)?.partitions.map(({ leader }) => leader)).not.toContain(coordinator)
      const deadline = new Deadline(30_000)
      expect(await committedOffsets(cluster, groupId, null, { requireStable: true, deadline })).toEqual(
        new Map(),
      )
      expect(await cluster.coordinator('group', groupId)).not.toBe(coordinator)
    })
  },
  { needs: 'own' },
)
