import { setTimeout } from 'node:timers/promises'
import { alterPartitionReassignments } from '../../../src/protocol/apis/alter-partition-reassignments.ts'
import { createPartitions } from '../../../src/protocol/apis/create-partitions.ts'
import { createTopics } from '../../../src/protocol/apis/create-topics.ts'
import { deleteRecords } from '../../../src/protocol/apis/delete-records.ts'
import { deleteTopics } from '../../../src/protocol/apis/delete-topics.ts'
import { describeTopicPartitions } from '../../../src/protocol/apis/describe-topic-partitions.ts'
import { electLeaders } from '../../../src/protocol/apis/elect-leaders.ts'
import { listOffsets } from '../../../src/protocol/apis/list-offsets.ts'
import { listPartitionReassignments } from '../../../src/protocol/apis/list-partition-reassignments.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/apis/offset-for-leader-epoch.ts'
import type { AskedBroker } from '../support/same-answers.ts'

/** What one broker is asked in turn; the answers of two brokers are to be the same. */
export type Case = (broker: AskedBroker) => Promise<unknown[]>

const timeoutMs = 10_000
const unknownId = 'bm9uZSBvZiB0aGVpcnMuLg'

interface Wanted {
  readonly numPartitions?: number
  readonly replicationFactor?: number
  readonly assignments?: { partitionIndex: number; brokerIds: number[] }[]
  readonly configs?: { name: string; value: string | null }[]
}

const topic = (name: string, wanted: Wanted = {}) => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  ...wanted,
})
const assigned = (name: string, ...replicas: number[][]) =>
  topic(name, {
    numPartitions: -1,
    replicationFactor: -1,
    assignments: replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
  })

/** After CreateTopics of a real Kafka, whose brokers learn of topics a little later. */
async function ready(broker: AskedBroker, ...names: string[]): Promise<void> {
  const topics = names.map((name) => ({
    name,
    partitions: [{ partitionIndex: 0, timestamp: -1n }],
  }))
  for (;;) {
    const answer = await broker.ask(listOffsets, 9, { topics })
    if (answer.topics.every(({ partitions }) => partitions.every(({ errorCode }) => errorCode === 0))) return
    await setTimeout(20)
  }
}

/** The topic when it has that many partitions. */
async function settled(broker: AskedBroker, name: string, count: number): Promise<unknown> {
  for (;;) {
    const answer = await broker.ask(describeTopicPartitions, 0, { topics: [{ name }] })
    if (answer.topics[0]?.partitions.length === count) return answer
    await setTimeout(20)
  }
}

export const topicCases: Readonly<Record<string, Case>> = {
  'requests whose time is over when they come': async (broker) => {
    const [name, other] = [`${broker.prefix}x`, `${broker.prefix}y`]
    await broker.ask(createTopics, 7, { topics: [topic(name)] })
    await ready(broker, name)
    const partitions = [0]
    const late = { timeoutMs: 0 }
    const assignments = null
    return [
      await broker.ask(createTopics, 7, { ...late, topics: [topic(other), topic(other)] }),
      await broker.ask(createTopics, 7, { ...late, topics: [topic(other)], validateOnly: true }),
      await broker.ask(createTopics, 2, { timeoutMs: -1, topics: [topic(other), topic('')] }),
      await broker.ask(createPartitions, 1, { ...late, topics: [{ name, count: 2, assignments }] }),
      await broker.ask(createPartitions, 1, { ...late, topics: [{ name: other, count: 2, assignments }] }),
      await broker.ask(deleteTopics, 1, { ...late, topicNames: [name, name, other] }),
      await broker.ask(deleteTopics, 6, { ...late, topics: [{ name }, { name: null }] }),
      await broker.ask(electLeaders, 2, { ...late, topicPartitions: [{ topic: name, partitions }] }),
      await broker.ask(alterPartitionReassignments, 0, {
        ...late,
        topics: [{ name, partitions: [{ partitionIndex: 0, replicas: [1] }] }],
      }),
      await broker.ask(listPartitionReassignments, 0, {
        ...late,
        topics: [{ name, partitionIndexes: partitions }],
      }),
      await broker.ask(describeTopicPartitions, 0, { topics: [{ name }, { name: other }] }),
    ]
  },

  'CreateTopics in each version': async (broker) => {
    const answers: unknown[] = []
    for (const version of [2, 3, 4, 5, 6, 7]) {
      const topics = [topic(`${broker.prefix}v${version}`, { numPartitions: 3 })]
      answers.push(await broker.ask(createTopics, version, { topics }))
      answers.push(await broker.ask(createTopics, version, { topics }))
    }
    return answers
  },

  'CreateTopics with what cannot be': async (broker) => {
    const p = broker.prefix
    const wrong = [
      topic(''),
      topic('.'),
      topic('..'),
      topic('a b'),
      topic('x'.repeat(250)),
      topic(`${p}none`, { numPartitions: 0 }),
      topic(`${p}less`, { numPartitions: -2 }),
      topic(`${p}factor-0`, { replicationFactor: 0 }),
      topic(`${p}factor-less`, { replicationFactor: -2 }),
      topic(`${p}factor-9`, { replicationFactor: 9 }),
      topic(`${p}both`, { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
      topic(`${p}both-too`, { replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
      assigned(`${p}empty`, []),
      assigned(`${p}stranger`, [77]),
      assigned(`${p}same`, [1, 1]),
      assigned(`${p}uneven`, [1], []),
      topic(`${p}gap`, {
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 2, brokerIds: [1] },
        ],
      }),
      topic(`${p}repeated`, {
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 0, brokerIds: [1] },
        ],
      }),
      topic(`${p}config`, { configs: [{ name: 'nope', value: '1' }] }),
      topic(`${p}value`, { configs: [{ name: 'retention.ms', value: 'x' }] }),
      topic(`${p}null`, { configs: [{ name: 'retention.ms', value: null }] }),
      topic(`${p}config-and-count`, { numPartitions: 0, configs: [{ name: 'retention.ms', value: '-9' }] }),
      topic('__cluster_metadata'),
      topic(`${p}twice`),
      topic(`${p}twice`),
      topic(`${p}fine`),
    ]
    return [
      await broker.ask(createTopics, 7, { topics: wrong, validateOnly: true }),
      await broker.ask(createTopics, 4, { topics: wrong }),
      await broker.ask(createTopics, 7, { topics: [] }),
    ]
  },

  'CreateTopics with names that collide': async (broker) => {
    const p = broker.prefix
    return [
      await broker.ask(createTopics, 7, { topics: [topic(`${p}a.b`)] }),
      await broker.ask(createTopics, 7, { topics: [topic(`${p}a_b`)] }),
      await broker.ask(createTopics, 7, { topics: [topic(`${p}a-b`)] }),
      // Those of one request do not.
      await broker.ask(createTopics, 7, { topics: [topic(`${p}c.d`), topic(`${p}c_d`)] }),
    ]
  },

  'CreateTopics with configs, and with replicas of their own': async (broker) => {
    const configs = [
      { name: 'retention.ms', value: '1000' },
      { name: 'cleanup.policy', value: 'compact,delete' },
    ]
    return [
      await broker.ask(createTopics, 7, { topics: [topic(`${broker.prefix}c`, { configs })] }),
      await broker.ask(createTopics, 7, { topics: [assigned(`${broker.prefix}r`, [1], [1])] }),
      await broker.ask(createTopics, 7, {
        topics: [topic(`${broker.prefix}d`, { numPartitions: -1, replicationFactor: -1 })],
      }),
    ]
  },

  'DeleteTopics by name and by id': async (broker) => {
    const p = broker.prefix
    const names = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => p + name)
    const created = await broker.ask(createTopics, 7, { topics: names.map((name) => topic(name)) })
    const [a, b, c, d, e, f] = created.topics.map(({ name, topicId }) => ({ name, topicId }))
    return [
      await broker.ask(deleteTopics, 1, { topicNames: [a!.name, `${p}nope`, b!.name, b!.name], timeoutMs }),
      await broker.ask(deleteTopics, 5, { topicNames: [b!.name, ''], timeoutMs }),
      await broker.ask(deleteTopics, 6, {
        topics: [
          { name: null, topicId: c!.topicId },
          { name: null, topicId: unknownId },
          { name: d!.name },
          { name: d!.name, topicId: d!.topicId },
          { name: null },
          { name: null, topicId: e!.topicId },
          { name: null, topicId: e!.topicId },
        ],
        timeoutMs,
      }),
      await broker.ask(deleteTopics, 6, {
        topics: [{ name: null, topicId: f!.topicId }, { name: f!.name }],
        timeoutMs,
      }),
      await broker.ask(deleteTopics, 6, { topics: [{ name: e!.name }, { name: f!.name }], timeoutMs }),
    ]
  },

  CreatePartitions: async (broker) => {
    const name = `${broker.prefix}grows`
    await broker.ask(createTopics, 7, { topics: [topic(name, { numPartitions: 2 })] })
    const grow = (count: number, assignments: number[][] | null = null, validateOnly = false) =>
      broker.ask(createPartitions, 3, {
        topics: [{ name, count, assignments: assignments?.map((brokerIds) => ({ brokerIds })) ?? null }],
        validateOnly,
        timeoutMs,
      })
    return [
      await grow(2),
      await grow(1),
      await grow(0),
      await grow(-1),
      await grow(4, [[1]]),
      await grow(3, []),
      await grow(3, [[1], [1]]),
      await grow(3, [[]]),
      await grow(3, [[7]]),
      await grow(3, [[1, 1]]),
      await grow(4, null, true),
      await grow(3),
      await grow(5, [[1], [1]]),
      await broker.ask(createPartitions, 0, {
        topics: [
          { name: `${broker.prefix}nope`, count: 3, assignments: null },
          { name, count: 6, assignments: null },
          { name, count: 7, assignments: null },
        ],
        timeoutMs,
      }),
      await settled(broker, name, 5),
    ]
  },

  'DescribeTopicPartitions page by page': async (broker) => {
    const [a, b] = [`${broker.prefix}a`, `${broker.prefix}b`]
    await broker.ask(createTopics, 7, {
      topics: [topic(a, { numPartitions: 3 }), topic(b, { numPartitions: 2 })],
    })
    await ready(broker, a, b)
    const topics = [{ name: b }, { name: a }, { name: `${broker.prefix}c` }, { name: 'a b' }]
    const page = (
      responsePartitionLimit: number,
      cursor: { topicName: string; partitionIndex: number } | null,
    ) => broker.ask(describeTopicPartitions, 0, { topics, responsePartitionLimit, cursor })
    return [
      await page(2000, null),
      await page(2, null),
      await page(3, null),
      await page(0, null),
      await page(-4, { topicName: a, partitionIndex: 2 }),
      await page(2, { topicName: a, partitionIndex: 1 }),
      await page(2, { topicName: b, partitionIndex: 0 }),
      await page(2, { topicName: b, partitionIndex: 9 }),
      await page(2, { topicName: b, partitionIndex: -1 }),
      await page(2, { topicName: 'not asked for', partitionIndex: 0 }),
    ]
  },

  'DeleteRecords of what has none': async (broker) => {
    const [name, compacted] = [`${broker.prefix}d`, `${broker.prefix}c`]
    await broker.ask(createTopics, 7, {
      topics: [topic(name), topic(compacted, { configs: [{ name: 'cleanup.policy', value: 'compact' }] })],
    })
    await ready(broker, name, compacted)
    const answers: unknown[] = []
    for (const offset of [-1n, 0n, 1n, -2n]) {
      answers.push(
        await broker.ask(deleteRecords, 2, {
          topics: [
            {
              name,
              partitions: [
                { partitionIndex: 0, offset },
                { partitionIndex: 1, offset },
              ],
            },
            { name: compacted, partitions: [{ partitionIndex: 0, offset }] },
            { name: `${broker.prefix}nope`, partitions: [{ partitionIndex: 0, offset }] },
          ],
          timeoutMs,
        }),
      )
    }
    return answers
  },

  'OffsetForLeaderEpoch of what has no records': async (broker) => {
    const name = `${broker.prefix}e`
    await broker.ask(createTopics, 7, { topics: [topic(name)] })
    await ready(broker, name)
    const ask = (version: number, leaderEpoch: number, currentLeaderEpoch: number, partition = 0) =>
      broker.ask(offsetForLeaderEpoch, version, {
        replicaId: -1,
        topics: [{ topic: name, partitions: [{ partition, leaderEpoch, currentLeaderEpoch }] }],
      })
    return [
      await ask(2, 0, -1),
      await ask(3, 0, 0),
      await ask(4, 0, 0),
      await ask(4, 1, 0),
      await ask(4, -1, 0),
      await ask(4, 0, 9),
      await ask(4, 0, -1, 5),
      await broker.ask(offsetForLeaderEpoch, 4, {
        replicaId: -1,
        topics: [{ topic: `${broker.prefix}nope`, partitions: [{ partition: 0, leaderEpoch: 0 }] }],
      }),
    ]
  },

  'ElectLeaders where one broker leads all': async (broker) => {
    const name = `${broker.prefix}l`
    await broker.ask(createTopics, 7, { topics: [topic(name)] })
    const topicPartitions = [
      { topic: name, partitions: [0, 5] },
      { topic: `${broker.prefix}nope`, partitions: [0] },
    ]
    return [
      await broker.ask(electLeaders, 0, { topicPartitions }),
      await broker.ask(electLeaders, 1, { topicPartitions }),
      await broker.ask(electLeaders, 2, { topicPartitions, electionType: 1 }),
      await broker.ask(electLeaders, 2, { topicPartitions, electionType: 5 }),
    ]
  },

  'reassignments where there is one broker': async (broker) => {
    const name = `${broker.prefix}m`
    await broker.ask(createTopics, 7, { topics: [topic(name)] })
    const alter = (replicas: number[] | null, partitionIndex = 0, allowReplicationFactorChange = true) =>
      broker.ask(alterPartitionReassignments, 1, {
        topics: [{ name, partitions: [{ partitionIndex, replicas }] }],
        allowReplicationFactorChange,
      })
    return [
      await alter(null),
      await alter([1]),
      await alter([]),
      await alter([7]),
      await alter([1, 1]),
      await alter([1], 4),
      await alter([1, 7], 0, false),
      await broker.ask(alterPartitionReassignments, 0, {
        topics: [{ name: `${broker.prefix}nope`, partitions: [{ partitionIndex: 0, replicas: [1] }] }],
      }),
      await broker.ask(listPartitionReassignments, 0, { topics: null }),
      await broker.ask(listPartitionReassignments, 0, {
        topics: [
          { name, partitionIndexes: [0, 7] },
          { name: `${broker.prefix}nope`, partitionIndexes: [0] },
        ],
      }),
    ]
  },
}
