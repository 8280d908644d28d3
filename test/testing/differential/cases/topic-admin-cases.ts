import { alterPartitionReassignments } from '../../../../src/protocol/apis/alter-partition-reassignments.ts'
import { createPartitions } from '../../../../src/protocol/apis/create-partitions.ts'
import { createTopics } from '../../../../src/protocol/apis/create-topics.ts'
import { deleteRecords } from '../../../../src/protocol/apis/delete-records.ts'
import { deleteTopics } from '../../../../src/protocol/apis/delete-topics.ts'
import { electLeaders } from '../../../../src/protocol/apis/elect-leaders.ts'
import { listPartitionReassignments } from '../../../../src/protocol/apis/list-partition-reassignments.ts'
import { filled } from '../batches.ts'
import { casesOf } from '../differential-case.ts'

const nowhere = '7Cf6nFYZTdq5vzVLlxGtBA'

export const topicAdminCases = [
  ...casesOf(createTopics, {
    'good ones and bad ones': async (kafka) => {
      const good = {
        name: kafka.named('new'),
        numPartitions: 2,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      }
      const create = (...topics: object[]) =>
        kafka.ask(createTopics, { topics: topics.map((one) => ({ ...good, ...one })), timeoutMs: 5000 })
      await kafka.ask(createTopics, { topics: [good], validateOnly: true })
      await create({})
      await create({})
      await create({ name: kafka.named('defaults'), numPartitions: -1, replicationFactor: -1 })
      await create({ name: kafka.named('a') }, { name: kafka.named('a') })
      await create()
      const other = kafka.named('other')
      for (const name of ['', '.', '..', 'with spaces', 'x'.repeat(250), '__cluster_metadata'])
        await create({ name })
      for (const numPartitions of [0, -2, 100_000]) await create({ name: other, numPartitions })
      for (const replicationFactor of [0, 3, -2]) await create({ name: other, replicationFactor })
      const given = { numPartitions: -1, replicationFactor: -1 }
      const assigned = (...assignments: [number, number[]][]) =>
        create({
          ...given,
          name: other,
          assignments: assignments.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })),
        })
      await assigned([1, [1]])
      await assigned([0, []])
      await assigned([0, [1, 1]])
      await assigned([0, [77]])
      await assigned([0, [1]], [0, [1]])
      await create({ name: other, assignments: [{ partitionIndex: 0, brokerIds: [1] }] })
      const withConfig = (name: string, value: string | null) =>
        create({ name: other, configs: [{ name, value }] })
      await withConfig('no.such.config', '1')
      await withConfig('retention.ms', 'soon')
      await withConfig('retention.ms', null)
      await withConfig('cleanup.policy', 'shred')
      await withConfig('max.message.bytes', '-1')
      await create({ name: kafka.named('configured'), configs: [{ name: 'retention.ms', value: '1000' }] })
      await create({
        ...given,
        name: kafka.named('by.hand'),
        assignments: [{ partitionIndex: 0, brokerIds: [1] }],
      })
      await create({ name: kafka.named('by_hand') })
    },
  }),
  ...casesOf(deleteTopics, {
    'by name, by id, twice, and none': async (kafka) => {
      const topic = await kafka.topic()
      const remove = (...topics: { name: string | null; topicId?: string }[]) =>
        kafka.ask(deleteTopics, { topics, topicNames: topics.map(({ name }) => name ?? ''), timeoutMs: 5000 })
      await remove({ name: kafka.named('none') })
      await remove({ name: '' })
      await remove()
      await remove({ name: topic.name }, { name: topic.name })
      await remove({ name: topic.name })
      await remove({ name: topic.name })
      if (kafka.version < 6) return
      const other = await kafka.topic('other')
      await remove({ name: null, topicId: nowhere })
      await remove({ name: null })
      await remove({ name: other.name, topicId: other.id })
      await remove({ name: other.name }, { name: null, topicId: other.id })
      await remove({ name: null, topicId: other.id })
    },
  }),
  ...casesOf(createPartitions, {
    'more, fewer, as many, and of nothing': async (kafka) => {
      const { name } = await kafka.topic('topic', 2)
      const create = (count: number, more: object = {}) =>
        kafka.ask(createPartitions, {
          topics: [{ name, count, assignments: null, ...more }],
          timeoutMs: 5000,
          validateOnly: false,
        })
      for (const count of [2, 1, 0, -1]) await create(count)
      await create(3, { name: kafka.named('none') })
      await create(3, { assignments: [] })
      await create(3, { assignments: [{ brokerIds: [77] }] })
      await create(3, { assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] })
      await create(3, { assignments: [{ brokerIds: [] }] })
      await create(3, { assignments: [{ brokerIds: [1] }] })
      await create(3)
      await create(4)
      const two = { name, count: 9, assignments: null }
      await kafka.ask(createPartitions, { topics: [two, two], timeoutMs: 5000 })
      await kafka.ask(createPartitions, { topics: [two], timeoutMs: 5000, validateOnly: true })
      await kafka.ask(createPartitions, { topics: [], timeoutMs: 5000 })
    },
  }),
  ...casesOf(deleteRecords, {
    'up to offsets that are, and are not': async (kafka) => {
      const topic = await kafka.topic()
      await filled(kafka, topic, ['a', 'b', 'c'])
      const remove = (offset: bigint, partitionIndex = 0, name = topic.name) =>
        kafka.ask(deleteRecords, {
          topics: [{ name, partitions: [{ partitionIndex, offset }] }],
          timeoutMs: 5000,
        })
      for (const offset of [0n, 2n, 1n, 4n, -2n, -1n]) await remove(offset)
      await remove(0n, 7)
      await remove(0n, 0, kafka.named('none'))
      await kafka.ask(deleteRecords, { topics: [], timeoutMs: 5000 })
      const compacted = await kafka.topic('compacted', 1, { 'cleanup.policy': 'compact' })
      await remove(0n, 0, compacted.name)
    },
  }),
  ...casesOf(electLeaders, {
    'where there is nobody else': async (kafka) => {
      const { name } = await kafka.topic()
      const elect = (electionType: number, topic: string, ...partitions: number[]) =>
        kafka.ask(electLeaders, { electionType, topicPartitions: [{ topic, partitions }], timeoutMs: 5000 })
      await elect(0, name, 0)
      await elect(1, name, 0)
      await elect(0, name, 8)
      await elect(0, kafka.named('none'), 0)
      await elect(0, name)
      if (kafka.version >= 1) await elect(7, name, 0)
      await kafka.ask(electLeaders, { topicPartitions: [], timeoutMs: 5000 })
    },
  }),
  ...casesOf(alterPartitionReassignments, {
    'with one broker': async (kafka) => {
      const { name } = await kafka.topic()
      const alter = (replicas: number[] | null, partitionIndex = 0, topic = name) =>
        kafka.ask(alterPartitionReassignments, {
          topics: [{ name: topic, partitions: [{ partitionIndex, replicas }] }],
          timeoutMs: 5000,
        })
      await alter([1])
      await alter(null)
      await alter([])
      await alter([1, 1])
      await alter([77])
      await alter([-1])
      await alter([1], 8)
      await alter([1], 0, kafka.named('none'))
      await kafka.ask(listPartitionReassignments, { topics: [{ name, partitionIndexes: [0, 8] }] })
      await kafka.ask(listPartitionReassignments, {
        topics: [{ name: kafka.named('none'), partitionIndexes: [0] }],
      })
      await kafka.ask(listPartitionReassignments, {})
    },
  }),
]
