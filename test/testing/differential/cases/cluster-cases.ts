import { apiVersions } from '../../../../src/protocol/apis/api-versions.ts'
import { describeCluster } from '../../../../src/protocol/apis/describe-cluster.ts'
import { describeTopicPartitions } from '../../../../src/protocol/apis/describe-topic-partitions.ts'
import { findCoordinator } from '../../../../src/protocol/apis/find-coordinator.ts'
import { listOffsets } from '../../../../src/protocol/apis/list-offsets.ts'
import { metadata } from '../../../../src/protocol/apis/metadata.ts'
import { offsetForLeaderEpoch } from '../../../../src/protocol/apis/offset-for-leader-epoch.ts'
import { filled, someTimeMs } from '../batches.ts'
import { allVersions, casesOf } from '../differential-case.ts'

const nowhere = '7Cf6nFYZTdq5vzVLlxGtBA'

export const clusterCases = [
  ...casesOf(apiVersions, {
    'who the client is': async (kafka) => {
      const software = { clientSoftwareName: 'differential', clientSoftwareVersion: '1.0' }
      await kafka.ask(apiVersions, software)
      await kafka.ask(apiVersions, { ...software, clientSoftwareName: '' })
      await kafka.ask(apiVersions, { ...software, clientSoftwareName: 'with spaces' })
      await kafka.ask(apiVersions, { ...software, clientSoftwareVersion: '-1-' })
    },
  }),
  ...casesOf(
    apiVersions,
    {
      'what is no request': async (kafka) => {
        const frame = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
        // ApiVersions in a version that does not exist yet, and in one below 0.
        await kafka.askBytes('ApiVersions v9', frame('0000000b 0012 0009 00000007 ffff 00'))
        await kafka.askBytes('ApiVersions v9 with half a header', frame('0000000a 0012 0009 00000007 ffff'))
        await kafka.askBytes('ApiVersions v-1', frame('0000000a 0012 ffff 00000007 ffff'))
        await kafka.askBytes('an API that does not exist', frame('0000000a 03e7 0000 00000007 ffff'))
        await kafka.askBytes('Metadata v99', frame('0000000a 0003 0063 00000007 ffff'))
        await kafka.askBytes('LeaderAndIsr, not for clients', frame('0000000a 0004 0000 00000007 ffff'))
        await kafka.askBytes('no more than a size', frame('00000000'))
        await kafka.askBytes('a negative size', frame('ffffffff'))
        await kafka.askBytes('a size above the limit', frame('7fffffff'))
        await kafka.askBytes('Metadata v1 cut short', frame('0000000b 0003 0001 00000007 ffff 00'))
        await kafka.askBytes('Metadata v1 of -2 topics', frame('0000000e 0003 0001 00000007 ffff fffffffe'))
        await kafka.askBytes('HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'))
      },
    },
    [0],
  ),
  ...casesOf(
    metadata,
    {
      'topics by name': async (kafka) => {
        const one = await kafka.topic('one', 2)
        const two = await kafka.topic('two')
        await kafka.ask(metadata, { topics: [{ name: one.name }, { name: two.name }] })
        await kafka.ask(metadata, { topics: [{ name: kafka.named('none') }] })
        await kafka.ask(metadata, { topics: [{ name: kafka.named('none') }], allowAutoTopicCreation: false })
        await kafka.ask(metadata, { topics: [{ name: one.name }, { name: one.name }] })
        for (const name of ['', '.', '..', 'with spaces', 'x'.repeat(250), 'x'.repeat(249)]) {
          await kafka.ask(metadata, { topics: [{ name }] })
        }
      },
    },
    allVersions(metadata),
  ),
  ...casesOf(
    metadata,
    {
      'no topics': async (kafka) => {
        await kafka.ask(metadata, { topics: [] })
      },
      'operations that are allowed': async (kafka) => {
        const { name } = await kafka.topic()
        await kafka.ask(metadata, { topics: [{ name }], includeTopicAuthorizedOperations: true })
        await kafka.ask(metadata, { topics: [], includeClusterAuthorizedOperations: true })
      },
      'topics by id': async (kafka) => {
        const { name, id } = await kafka.topic()
        await kafka.ask(metadata, { topics: [{ topicId: id, name: null }] })
        await kafka.ask(metadata, { topics: [{ topicId: nowhere, name: null }] })
        await kafka.ask(metadata, { topics: [{ topicId: id, name }] })
        await kafka.ask(metadata, { topics: [{ name: null }] })
        await kafka.ask(metadata, { topics: [{ topicId: id, name: null }, { name }] })
      },
    },
    [10, 12, 13],
  ),
  ...casesOf(findCoordinator, {
    'of groups, transactions and what does not exist': async (kafka) => {
      for (const keyType of [0, 1]) {
        const key = kafka.named('key')
        await kafka.coordinator(key, keyType)
        await kafka.ask(findCoordinator, { keyType, key, coordinatorKeys: [key, key] })
        await kafka.ask(findCoordinator, { keyType, key: '', coordinatorKeys: [''] })
        await kafka.ask(findCoordinator, { keyType, key, coordinatorKeys: [] })
      }
      for (const keyType of [3, 7, -1]) {
        await kafka.ask(findCoordinator, { keyType, key: 'x', coordinatorKeys: ['x', 'y'] })
      }
    },
    'of share groups': async (kafka) => {
      await kafka.coordinator(`group:${nowhere}:0`, 2)
      for (const key of ['x', 'group:topic:0', `group:${nowhere}:0`, `group:${nowhere}:-1`, '::']) {
        await kafka.ask(findCoordinator, { keyType: 2, key, coordinatorKeys: [key] })
      }
    },
  }),
  ...casesOf(
    listOffsets,
    {
      'by time': async (kafka) => {
        const topic = await kafka.topic('topic', 2)
        await filled(kafka, topic, ['a', 'b', 'c'], ['d'])
        const of = (timestamp: bigint, partitionIndex = 0) => ({
          replicaId: -1,
          topics: [{ name: topic.name, partitions: [{ partitionIndex, timestamp, maxNumOffsets: 1 }] }],
        })
        for (const timestamp of [
          -1n,
          -2n,
          -3n,
          -4n,
          -5n,
          -6n,
          -7n,
          0n,
          BigInt(someTimeMs + 1500),
          2n ** 62n,
        ]) {
          await kafka.ask(listOffsets, of(timestamp))
        }
        for (const timestamp of [-1n, -2n, -3n, 0n]) await kafka.ask(listOffsets, of(timestamp, 1))
      },
      'what does not exist': async (kafka) => {
        const { name } = await kafka.topic()
        const of = (topic: string, ...partitions: number[]) => ({
          replicaId: -1,
          topics: [
            {
              name: topic,
              partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp: -1n })),
            },
          ],
        })
        await kafka.ask(listOffsets, of(name, 1))
        await kafka.ask(listOffsets, of(name, -1, 0))
        await kafka.ask(listOffsets, of(kafka.named('none'), 0))
        await kafka.ask(listOffsets, of('not a name', 0))
        await kafka.ask(listOffsets, of(name, 0, 0))
        await kafka.ask(listOffsets, { ...of(name, 0), replicaId: 5 })
        await kafka.ask(listOffsets, { ...of(name, 0), replicaId: -2 })
        await kafka.ask(listOffsets, { ...of(name, 0), isolationLevel: 7 })
        await kafka.ask(listOffsets, { replicaId: -1, topics: [] })
      },
      'leader epochs': async (kafka) => {
        const { name } = await kafka.topic()
        for (const currentLeaderEpoch of [0, 1, -2]) {
          const partitions = [{ partitionIndex: 0, timestamp: -1n, currentLeaderEpoch }]
          await kafka.ask(listOffsets, { replicaId: -1, topics: [{ name, partitions }] })
        }
      },
    },
    allVersions(listOffsets),
  ),
  ...casesOf(offsetForLeaderEpoch, {
    'epochs that are, were and never will be': async (kafka) => {
      const topic = await kafka.topic()
      await filled(kafka, topic, ['a', 'b'])
      const ask = (leaderEpoch: number, more: object = {}, name = topic.name) =>
        kafka.ask(offsetForLeaderEpoch, {
          replicaId: -1,
          topics: [{ topic: name, partitions: [{ partition: 0, leaderEpoch, ...more }] }],
        })
      for (const epoch of [0, 1, -1, -2]) await ask(epoch)
      for (const currentLeaderEpoch of [0, 1, -2]) await ask(0, { currentLeaderEpoch })
      await ask(0, { partition: 4 })
      await ask(0, {}, kafka.named('none'))
      await kafka.ask(offsetForLeaderEpoch, { replicaId: -1, topics: [] })
    },
  }),
  ...casesOf(describeCluster, {
    'brokers and controllers': async (kafka) => {
      await kafka.ask(describeCluster, {})
      await kafka.ask(describeCluster, { includeClusterAuthorizedOperations: true })
      await kafka.ask(describeCluster, { endpointType: 2 })
      await kafka.ask(describeCluster, { endpointType: 7 })
      await kafka.ask(describeCluster, { includeFencedBrokers: true })
    },
  }),
  ...casesOf(describeTopicPartitions, {
    'topics, pages of them, and none': async (kafka) => {
      const { name } = await kafka.topic('topic', 3)
      await kafka.ask(describeTopicPartitions, { topics: [{ name }] })
      await kafka.ask(describeTopicPartitions, { topics: [{ name }], responsePartitionLimit: 2 })
      const cursor = { topicName: name, partitionIndex: 1 }
      await kafka.ask(describeTopicPartitions, { topics: [{ name }], cursor })
      await kafka.ask(describeTopicPartitions, {
        topics: [{ name }],
        cursor: { ...cursor, partitionIndex: -1 },
      })
      await kafka.ask(describeTopicPartitions, {
        topics: [{ name }],
        cursor: { ...cursor, partitionIndex: 9 },
      })
      await kafka.ask(describeTopicPartitions, { topics: [{ name }], responsePartitionLimit: 0 })
      await kafka.ask(describeTopicPartitions, {
        topics: [{ name: kafka.named('none') }, { name: 'not a name' }],
      })
      await kafka.ask(describeTopicPartitions, { topics: [{ name }, { name }] })
    },
  }),
]
