import { describe, expect, it } from 'vitest'
import { connectRaw } from '../../../src/network/raw-connection.ts'
import { api as registered } from '../../../src/protocol/registry.ts'
import type { FieldMap, StructInput } from '../../../src/protocol/schema.ts'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import type { TestKafka } from '../../../src/testing/test-kafka.ts'
import { kafkaVersions } from '../../../src/testing/versions/kafka-version.ts'

type Body = (version: number) => StructInput<FieldMap>

const partitions = [{ partitionIndex: 0 }]
const resources = [
  { resourceType: 2, resourceName: 't', configurationKeys: null, configs: [] },
  { resourceType: 2, resourceName: 'nope', configurationKeys: null, configs: [] },
  { resourceType: 4, resourceName: '1', configurationKeys: null, configs: [] },
]
const toDescribe = resources.map(({ configs, ...rest }) => rest)
const toAlter = resources.map(({ configurationKeys, ...rest }) => rest)
const topicPartitions = ['t', 'nope'].map((topic) => ({ topic, partitions: [0, 3] }))

/** One request to each API that goes well in part and fails in part, in every version of it. */
const requests: Readonly<Record<string, Body>> = {
  CreateTopics: (version) => ({
    topics: [
      { name: `v${version}`, numPartitions: 1, replicationFactor: 1 },
      { name: 'a b', numPartitions: 1, replicationFactor: 1 },
    ],
  }),
  DeleteTopics: (version) => ({
    timeoutMs: 1000,
    ...(version < 6 ? { topicNames: ['nope', 'nope'] } : { topics: [{ name: 'nope' }, { name: null }] }),
  }),
  CreatePartitions: () => ({
    topics: ['t', 'nope'].map((name) => ({ name, count: 1, assignments: null })),
    timeoutMs: 1000,
  }),
  DeleteRecords: () => ({
    topics: ['t', 'nope'].map((name) => ({ name, partitions: [{ partitionIndex: 0, offset: 0n }] })),
  }),
  OffsetForLeaderEpoch: () => ({
    topics: ['t', 'nope'].map((topic) => ({ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] })),
  }),
  DescribeConfigs: () => ({ resources: toDescribe }),
  AlterConfigs: () => ({ resources: toAlter }),
  IncrementalAlterConfigs: () => ({ resources: toAlter }),
  DescribeLogDirs: () => ({ topics: null }),
  AlterReplicaLogDirs: () => ({ dirs: [{ path: '/nope', topics: [{ name: 't', partitions: [0] }] }] }),
  ElectLeaders: () => ({ topicPartitions }),
  AlterPartitionReassignments: () => ({ topics: [{ name: 't', partitions }] }),
  ListPartitionReassignments: () => ({ topics: null }),
  DescribeCluster: () => ({ includeClusterAuthorizedOperations: true }),
  DescribeTopicPartitions: () => ({ topics: [{ name: 't' }, { name: 'nope' }], responsePartitionLimit: 1 }),
  DescribeQuorum: () => ({ topics: [{ topicName: '__cluster_metadata', partitions }] }),
  DescribeClientQuotas: () => ({ components: [], strict: false }),
  AlterClientQuotas: () => ({ entries: [{ entity: [], ops: [] }] }),
  ListConfigResources: () => ({}),
  UpdateFeatures: () => ({ featureUpdates: [{ feature: 'nope', maxVersionLevel: 1 }] }),
  UnregisterBroker: () => ({ brokerId: 9 }),
  AddRaftVoter: () => ({ voterId: 9, clusterId: null, timeoutMs: 1000 }),
  RemoveRaftVoter: () => ({ voterId: 9, clusterId: null }),
}

/** Versions of an API that the brokers offer, lowest first. */
function offered(kafka: TestKafka, key: number): number[] {
  const range = kafka.cluster.brokers.get(1)!.offered.get(key)
  return range === undefined ? [] : Array.from({ length: range.max - range.min + 1 }, (_, i) => range.min + i)
}

describe.each(kafkaVersions)('a Kafka %s', (version) => {
  it.each(Object.entries(requests))('answers %s in each version that it offers', async (name, body) => {
    await using kafka = await startKafka({ version, topics: ['t'] })
    const api = registered(name)
    expect(offered(kafka, api.key).length > 0).toBe(kafka.cluster.profile.apis.has(api.key))
    const [host = '', port] = kafka.bootstrapServers.split(':')
    await using connection = await connectRaw({ host, port: Number(port), timeoutMs: 5000 })
    for (const one of offered(kafka, api.key)) {
      const answer = await connection.send(api, one, body(one))
      expect(answer).toMatchObject({ error: null, trailingBytes: 0, version: one })
    }
  })

  it('refuses all of it to those who may do nothing, in each version', async () => {
    await using kafka = await startKafka({ version, topics: ['t'], acls: {} })
    const [host = '', port] = kafka.bootstrapServers.split(':')
    await using connection = await connectRaw({ host, port: Number(port), timeoutMs: 5000 })
    for (const [name, body] of Object.entries(requests)) {
      const api = registered(name)
      for (const one of offered(kafka, api.key)) {
        const answer = await connection.send(api, one, body(one))
        expect(answer).toMatchObject({ error: null, trailingBytes: 0, version: one })
      }
    }
    expect([...kafka.cluster.topics].map((topic) => topic.name)).toEqual(['t'])
  })
})
