import { describe, expect, it } from 'vitest'
import { Kafka } from '../../../src/index.ts'
import { connectRaw } from '../../../src/network/raw-connection.ts'
import { alterPartitionReassignments } from '../../../src/protocol/apis/alter-partition-reassignments.ts'
import { alterReplicaLogDirs } from '../../../src/protocol/apis/alter-replica-log-dirs.ts'
import { apiVersions } from '../../../src/protocol/apis/api-versions.ts'
import { createPartitions } from '../../../src/protocol/apis/create-partitions.ts'
import { createTopics } from '../../../src/protocol/apis/create-topics.ts'
import { deleteRecords } from '../../../src/protocol/apis/delete-records.ts'
import { deleteTopics } from '../../../src/protocol/apis/delete-topics.ts'
import { describeConfigs } from '../../../src/protocol/apis/describe-configs.ts'
import { describeLogDirs } from '../../../src/protocol/apis/describe-log-dirs.ts'
import { electLeaders } from '../../../src/protocol/apis/elect-leaders.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/apis/incremental-alter-configs.ts'
import { listPartitionReassignments } from '../../../src/protocol/apis/list-partition-reassignments.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/apis/offset-for-leader-epoch.ts'
import { unregisterBroker } from '../../../src/protocol/apis/unregister-broker.ts'
import { updateFeatures } from '../../../src/protocol/apis/update-features.ts'
import type { Api } from '../../../src/protocol/message.ts'
import type { FieldMap, StructInput, StructOf } from '../../../src/protocol/schema.ts'
import { errors } from '../../../src/testing/error-codes.ts'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import type { TestKafka } from '../../../src/testing/test-kafka.ts'

/** Asks the broker of that id. */
async function ask<Q extends FieldMap, S extends FieldMap>(
  kafka: TestKafka,
  brokerId: number,
  api: Api<Q, S>,
  version: number,
  body: StructInput<Q>,
): Promise<StructOf<S>> {
  const { host, port } = kafka.cluster.brokers.get(brokerId)!.addressFor('default')
  await using connection = await connectRaw({ host, port })
  const { decoded } = await connection.send(api, version, body)
  return decoded!
}

/** A topic of one partition with its replicas, the leader first. */
function topicOn(kafka: TestKafka, name: string, replicas: number[]) {
  return kafka.cluster.topics.create({ name, assignment: [replicas] }).partitions[0]!
}

const partitions = [0]

describe('reassignments', () => {
  const move = (kafka: TestKafka, replicas: number[] | null) =>
    ask(kafka, 1, alterPartitionReassignments, 0, {
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, replicas }] }],
    })
  const listed = async (kafka: TestKafka) =>
    (await ask(kafka, 2, listPartitionReassignments, 0, { topics: null })).topics

  it('add the new replicas first, are listed meanwhile, and take the old ones away', async () => {
    await using kafka = await startKafka({ brokers: 3 })
    const partition = topicOn(kafka, 't', [1, 2])
    expect((await move(kafka, [3, 2])).responses[0]?.partitions[0]).toMatchObject({ errorCode: 0 })
    expect(await listed(kafka)).toEqual([
      {
        name: 't',
        partitions: [{ partitionIndex: 0, replicas: [3, 2, 1], addingReplicas: [3], removingReplicas: [1] }],
      },
    ])
    await kafka.advanceClock(1000)
    expect(await listed(kafka)).toEqual([])
    expect(partition).toMatchObject({ replicas: [3, 2], isr: [3, 2], leader: 3, leaderEpoch: 1 })
  })

  it('go back to the replicas of before when they are stopped', async () => {
    await using kafka = await startKafka({ brokers: 3 })
    await kafka.stopBroker(3)
    const partition = topicOn(kafka, 't', [1, 2])
    await move(kafka, [3])
    await kafka.advanceClock(60_000)
    expect(await listed(kafka)).toHaveLength(1)
    const { responses } = await move(kafka, null)
    expect(responses[0]?.partitions[0]?.errorCode).toBe(errors.NONE)
    expect(partition).toMatchObject({ replicas: [1, 2], isr: [1, 2], leader: 1 })
    expect((await move(kafka, null)).responses[0]?.partitions[0]?.errorCode).toBe(
      errors.NO_REASSIGNMENT_IN_PROGRESS,
    )
  })

  it('wait for a broker that does not run, and go on when it does', async () => {
    await using kafka = await startKafka({ brokers: 2 })
    await kafka.stopBroker(2)
    const partition = topicOn(kafka, 't', [1])
    await move(kafka, [2])
    await kafka.advanceClock(60_000)
    expect(partition).toMatchObject({ replicas: [2, 1], leader: 1 })
    await kafka.startBroker(2)
    expect(partition).toMatchObject({ replicas: [2], leader: 2, addingReplicas: [], removingReplicas: [] })
  })
})

describe('ElectLeaders', () => {
  const elect = async (kafka: TestKafka, electionType: number) => {
    const topicPartitions = [{ topic: 't', partitions }]
    const answer = await ask(kafka, 1, electLeaders, 2, { electionType, topicPartitions })
    return answer.replicaElectionResults[0]?.partitionResult[0]?.errorCode
  }

  it('gives the lead back to the preferred replica once it runs', async () => {
    await using kafka = await startKafka({ brokers: 2 })
    const partition = topicOn(kafka, 't', [2, 1])
    await kafka.stopBroker(2)
    expect(await elect(kafka, 0)).toBe(errors.PREFERRED_LEADER_NOT_AVAILABLE)
    await kafka.startBroker(2)
    expect(partition.leader).toBe(1)
    expect(await elect(kafka, 0)).toBe(errors.NONE)
    expect(partition.leader).toBe(2)
    expect(await elect(kafka, 0)).toBe(errors.ELECTION_NOT_NEEDED)
    const all = await ask(kafka, 1, electLeaders, 2, { topicPartitions: null })
    expect(all.replicaElectionResults).toEqual([{ topic: 't', partitionResult: [] }])
  })

  it('elects a replica that is not in sync only when told so', async () => {
    await using kafka = await startKafka({ brokers: 3 })
    const partition = topicOn(kafka, 't', [2, 3])
    await kafka.stopBroker(3)
    await kafka.stopBroker(2)
    expect(await elect(kafka, 1)).toBe(errors.ELIGIBLE_LEADERS_NOT_AVAILABLE)
    await kafka.startBroker(3)
    expect(partition).toMatchObject({ leader: -1, isr: [2] })
    expect(await elect(kafka, 1)).toBe(errors.NONE)
    expect(partition).toMatchObject({ leader: 3, isr: [3] })
    expect(await elect(kafka, 1)).toBe(errors.ELECTION_NOT_NEEDED)
  })
})

describe('topics', () => {
  it('are created by our own admin client, enlarged and deleted', async () => {
    await using kafka = await startKafka({ brokers: 3 })
    await using admin = new Kafka({ bootstrapServers: kafka.bootstrapServers }).admin()
    const [created] = await admin.createTopics([{ name: 't', numPartitions: 2, replicationFactor: 3 }])
    expect(created).toMatchObject({ error: null, numPartitions: 2, replicationFactor: 3 })
    const [grown] = await admin.createPartitions([{ topic: 't', totalCount: 5 }])
    expect(grown?.error).toBeNull()
    const [described] = await admin.describeTopics(['t'])
    expect(described).toMatchObject({ error: null, name: 't' })
    expect(kafka.cluster.topics.get('t')?.partitions).toHaveLength(5)
    const [again] = await admin.createTopics([{ name: 't' }])
    expect(again?.error?.code).toBe('TOPIC_ALREADY_EXISTS')
    const [deleted] = await admin.deleteTopics(['t'])
    expect(deleted?.error).toBeNull()
    expect(await admin.listTopics()).toEqual([])
  })

  it('have a leader that runs, whatever replicas were asked for', async () => {
    await using kafka = await startKafka({ brokers: 3 })
    await kafka.stopBroker(3)
    const assigned = (name: string, ...brokerIds: number[]) => ({
      name,
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [{ partitionIndex: 0, brokerIds }],
    })
    const { topics } = await ask(kafka, 1, createTopics, 7, {
      topics: [
        assigned('with', 3, 2),
        assigned('without', 3),
        { name: 'chosen', numPartitions: 4, replicationFactor: 3 },
      ],
    })
    expect(topics.map(({ errorCode }) => errorCode)).toEqual([0, errors.INVALID_REPLICA_ASSIGNMENT, 0])
    expect(kafka.cluster.topics.partition('with', 0)).toMatchObject({ leader: 2, isr: [2], replicas: [3, 2] })
    for (const partition of kafka.cluster.topics.get('chosen')!.partitions) {
      expect(partition.replicas.toSorted()).toEqual([1, 2, 3])
      expect(partition.isr).not.toContain(3)
      expect([1, 2]).toContain(partition.leader)
    }
    const { results } = await ask(kafka, 1, createPartitions, 3, {
      topics: [{ name: 'with', count: 2, assignments: [{ brokerIds: [3, 3] }] }],
    })
    expect(results[0]?.errorCode).toBe(errors.REQUEST_TIMED_OUT)
  })

  it('are not deleted where that is switched off', async () => {
    await using kafka = await startKafka({ topics: ['t'], configs: { 'delete.topic.enable': false } })
    const codeOf = async (version: number) => {
      const asked = version < 6 ? { topicNames: ['t'] } : { topics: [{ name: 't' }] }
      const answer = await ask(kafka, 1, deleteTopics, version, { ...asked, timeoutMs: 1000 })
      return answer.responses[0]?.errorCode
    }
    expect(await codeOf(1)).toBe(errors.INVALID_REQUEST)
    expect(await codeOf(6)).toBe(errors.TOPIC_DELETION_DISABLED)
    expect(kafka.cluster.topics.get('t')).toBeDefined()
  })

  it('are made by the controller alone in a Kafka with ZooKeeper', async () => {
    await using kafka = await startKafka({ brokers: 2, version: '2.8' })
    const topics = [{ name: 't', numPartitions: 1, replicationFactor: 1 }]
    const codeAt = async (brokerId: number) =>
      (await ask(kafka, brokerId, createTopics, 7, { topics })).topics[0]?.errorCode
    expect(await codeAt(2)).toBe(errors.NOT_CONTROLLER)
    expect(await codeAt(1)).toBe(errors.NONE)
  })
})

describe('configs', () => {
  const change = (
    kafka: TestKafka,
    at: number,
    resourceType: number,
    resourceName: string,
    name: string,
    value: string,
  ) =>
    ask(kafka, at, incrementalAlterConfigs, 1, {
      resources: [{ resourceType, resourceName, configs: [{ name, configOperation: 0, value }] }],
    })
  const read = async (kafka: TestKafka, at: number, resourceName: string, name: string) => {
    const resources = [{ resourceType: 4, resourceName, configurationKeys: [name] }]
    const { results } = await ask(kafka, at, describeConfigs, 4, { resources })
    return results[0]?.configs[0] ?? null
  }

  it('of a topic and of all brokers take effect at once', async () => {
    await using kafka = await startKafka({ topics: ['a', 'b'] })
    await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer({ lingerMs: 0 })
    const send = (topic: string) => producer.send({ topic, value: 'x'.repeat(500) })
    await expect(send('a')).resolves.toMatchObject({ offset: 0 })
    await change(kafka, 1, 2, 'a', 'max.message.bytes', '300')
    await expect(send('a')).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
    await expect(send('b')).resolves.toMatchObject({ offset: 0 })
    await change(kafka, 1, 4, '', 'message.max.bytes', '300')
    await expect(send('b')).rejects.toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
    await change(kafka, 1, 2, 'a', 'max.message.bytes', '1000')
    await expect(send('a')).resolves.toMatchObject({ offset: 1 })
  })

  it("of one broker are its own, those of all are everybody's", async () => {
    await using kafka = await startKafka({ brokers: 2, racks: ['left', 'right'] })
    await change(kafka, 2, 4, '2', 'background.threads', '7')
    await change(kafka, 1, 4, '', 'background.threads', '5')
    expect(await read(kafka, 2, '2', 'background.threads')).toMatchObject({ value: '7', configSource: 2 })
    expect(await read(kafka, 1, '1', 'background.threads')).toMatchObject({ value: '5', configSource: 3 })
    expect(await read(kafka, 2, '', 'background.threads')).toMatchObject({ value: '5', configSource: 3 })
    expect(await read(kafka, 2, '2', 'broker.rack')).toMatchObject({ value: 'right', configSource: 4 })
    const { responses } = await change(kafka, 1, 4, '2', 'background.threads', '7')
    expect(responses[0]).toMatchObject({
      errorCode: errors.INVALID_REQUEST,
      errorMessage: 'Unexpected broker id, expected 1, but received 2',
    })
  })
})

describe('what lies in logs', () => {
  it('is deleted up to an offset, and its size is told', async () => {
    await using kafka = await startKafka({ topics: ['t'] })
    await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer()
    for (const value of ['a', 'b', 'c']) await producer.send({ topic: 't', value })
    const sizeOf = async () => {
      const { results } = await ask(kafka, 1, describeLogDirs, 4, { topics: null })
      return results[0]?.topics[0]?.partitions[0]?.partitionSize
    }
    const deleteBefore = async (offset: bigint) => {
      const topics = [{ name: 't', partitions: [{ partitionIndex: 0, offset }] }]
      return (await ask(kafka, 1, deleteRecords, 2, { topics, timeoutMs: 1000 })).topics[0]?.partitions[0]
    }
    expect(await sizeOf()).toBeGreaterThan(0n)
    expect(await deleteBefore(2n)).toMatchObject({ errorCode: 0, lowWatermark: 2n })
    expect(await deleteBefore(1n)).toMatchObject({ errorCode: 0, lowWatermark: 2n })
    expect(await deleteBefore(4n)).toMatchObject({ errorCode: errors.OFFSET_OUT_OF_RANGE, lowWatermark: -1n })
    expect(await deleteBefore(-1n)).toMatchObject({ errorCode: 0, lowWatermark: 3n })
    expect(await sizeOf()).toBe(0n)
  })

  it('is moved to another log directory', async () => {
    await using kafka = await startKafka({ topics: ['t'], configs: { 'log.dirs': '/left,/right' } })
    const placeOf = async () => {
      const { results } = await ask(kafka, 1, describeLogDirs, 4, { topics: null })
      return results.filter(({ topics }) => topics.length > 0).map(({ logDir }) => logDir)
    }
    const move = async (path: string) => {
      const dirs = [{ path, topics: [{ name: 't', partitions }] }]
      return (await ask(kafka, 1, alterReplicaLogDirs, 2, { dirs })).results[0]?.partitions[0]?.errorCode
    }
    expect(await placeOf()).toEqual(['/left'])
    expect(await move('/right')).toBe(errors.NONE)
    expect(await placeOf()).toEqual(['/right'])
    expect(await move('/up')).toBe(errors.LOG_DIR_NOT_FOUND)
  })

  it('tells where each leader epoch ends', async () => {
    await using kafka = await startKafka({ brokers: 2 })
    topicOn(kafka, 't', [1, 2])
    await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer()
    await producer.send({ topic: 't', value: 'a' })
    kafka.moveLeader('t', 0, 2)
    await producer.send({ topic: 't', value: 'b' })
    kafka.moveLeader('t', 0, 1)
    const endOf = async (leaderEpoch: number, currentLeaderEpoch = 2, at = 1) => {
      const topics = [{ topic: 't', partitions: [{ partition: 0, leaderEpoch, currentLeaderEpoch }] }]
      return (await ask(kafka, at, offsetForLeaderEpoch, 4, { topics })).topics[0]?.partitions[0]
    }
    expect(await endOf(0)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 1n })
    expect(await endOf(1)).toMatchObject({ errorCode: 0, leaderEpoch: 1, endOffset: 2n })
    expect(await endOf(2)).toMatchObject({ errorCode: 0, leaderEpoch: 2, endOffset: 2n })
    expect(await endOf(2, 1)).toMatchObject({ errorCode: errors.FENCED_LEADER_EPOCH })
    expect(await endOf(2, 3)).toMatchObject({ errorCode: errors.UNKNOWN_LEADER_EPOCH })
    expect(await endOf(2, 2, 2)).toMatchObject({ errorCode: errors.NOT_LEADER_OR_FOLLOWER })
  })
})

describe('the cluster', () => {
  it('tells of features as they were last switched', async () => {
    await using kafka = await startKafka()
    const finalized = async () => {
      const { finalizedFeatures, finalizedFeaturesEpoch } = await ask(kafka, 1, apiVersions, 4, {
        clientSoftwareName: 'test',
        clientSoftwareVersion: '1',
      })
      const level = finalizedFeatures.find(({ name }) => name === 'transaction.version')?.maxVersionLevel
      return { level, epoch: finalizedFeaturesEpoch }
    }
    expect(await finalized()).toEqual({ level: 2, epoch: 1n })
    const featureUpdates = [{ feature: 'transaction.version', maxVersionLevel: 1, upgradeType: 2 }]
    await ask(kafka, 1, updateFeatures, 2, { featureUpdates, validateOnly: true })
    expect(await finalized()).toEqual({ level: 2, epoch: 1n })
    expect((await ask(kafka, 1, updateFeatures, 2, { featureUpdates })).errorCode).toBe(errors.NONE)
    expect(await finalized()).toEqual({ level: 1, epoch: 2n })
  })

  it('forgets a broker that does not run', async () => {
    await using kafka = await startKafka({ brokers: 2 })
    const forget = async (brokerId: number) =>
      (await ask(kafka, 1, unregisterBroker, 0, { brokerId })).errorCode
    expect(await forget(2)).toBe(errors.NONE)
    expect(kafka.brokerIds).toEqual([1, 2])
    await kafka.stopBroker(2)
    expect(await forget(2)).toBe(errors.NONE)
    expect(kafka.brokerIds).toEqual([1])
    expect(await forget(2)).toBe(errors.BROKER_ID_NOT_REGISTERED)
  })

  it('lets nobody change anything who is not allowed to', async () => {
    await using kafka = await startKafka({ topics: ['t'], acls: {} })
    const topics = [{ name: 'new', numPartitions: 1, replicationFactor: 1 }]
    const created = await ask(kafka, 1, createTopics, 7, { topics })
    expect(created.topics[0]?.errorCode).toBe(errors.TOPIC_AUTHORIZATION_FAILED)
    const deleted = await ask(kafka, 1, deleteTopics, 6, { topics: [{ name: 't' }], timeoutMs: 1000 })
    expect(deleted.responses[0]?.errorCode).toBe(errors.TOPIC_AUTHORIZATION_FAILED)
    const { responses } = await change(kafka, 't')
    expect(responses[0]?.errorCode).toBe(errors.TOPIC_AUTHORIZATION_FAILED)
    const elected = await ask(kafka, 1, electLeaders, 2, { topicPartitions: [{ topic: 't', partitions }] })
    expect(elected.errorCode).toBe(errors.CLUSTER_AUTHORIZATION_FAILED)
    expect([...kafka.cluster.topics].map(({ name }) => name)).toEqual(['t'])
  })
})

function change(kafka: TestKafka, topic: string) {
  return ask(kafka, 1, incrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: 2,
        resourceName: topic,
        configs: [{ name: 'retention.ms', configOperation: 0, value: '1' }],
      },
    ],
  })
}
