import { deleteRecords } from '../../../../src/protocol/apis/delete-records.ts'
import { fetch } from '../../../../src/protocol/apis/fetch.ts'
import { filled } from '../batches.ts'
import type { CreatedTopic } from '../conversation.ts'
import { allVersions, casesOf } from '../differential-case.ts'

interface Wanted {
  partition?: number
  fetchOffset?: bigint
  partitionMaxBytes?: number
  currentLeaderEpoch?: number
  lastFetchedEpoch?: number
}

function from(topic: CreatedTopic, ...wanted: Wanted[]) {
  return {
    topic: topic.name,
    topicId: topic.id,
    partitions: (wanted.length === 0 ? [{}] : wanted).map((one: Wanted) => ({
      partition: 0,
      fetchOffset: 0n,
      partitionMaxBytes: 1 << 20,
      ...one,
    })),
  }
}

const atOnce = { maxWaitMs: 0, minBytes: 1 }
const nowhere = { name: 'nowhere-to-be-found', id: '7Cf6nFYZTdq5vzVLlxGtBA' }

export const fetchCases = [
  ...casesOf(
    fetch,
    {
      'records from an offset on': async (kafka) => {
        const topic = await kafka.topic('topic', 2)
        await filled(kafka, topic, ['a', 'b'], ['c'], ['d', 'e'])
        for (const fetchOffset of [0n, 1n, 2n, 4n, 5n]) {
          await kafka.ask(fetch, { ...atOnce, topics: [from(topic, { fetchOffset })] })
        }
        await kafka.ask(fetch, { ...atOnce, topics: [from(topic, { partition: 1 }, { partition: 0 })] })
      },
      'what does not exist': async (kafka) => {
        const topic = await kafka.topic()
        await filled(kafka, topic, ['a'])
        await kafka.ask(fetch, { ...atOnce, topics: [from(topic, { partition: 1 })] })
        await kafka.ask(fetch, { ...atOnce, topics: [from(topic, { partition: -1 })] })
        await kafka.ask(fetch, { ...atOnce, topics: [from(topic, { fetchOffset: 2n })] })
        await kafka.ask(fetch, { ...atOnce, topics: [from(topic, { fetchOffset: -1n })] })
        await kafka.ask(fetch, { ...atOnce, topics: [from(nowhere)] })
        await kafka.ask(fetch, { ...atOnce, topics: [from(topic), from(nowhere)] })
        await kafka.ask(fetch, { ...atOnce, topics: [] })
      },
    },
    allVersions(fetch),
  ),
  ...casesOf(fetch, {
    'no more bytes than asked for': async (kafka) => {
      const topic = await kafka.topic('topic', 2)
      await filled(kafka, topic, ['a'.repeat(500)], ['b'.repeat(500)], ['c'.repeat(500)])
      for (const partitionMaxBytes of [0, 1, 700, 1200, -1]) {
        await kafka.ask(fetch, { ...atOnce, topics: [from(topic, { partitionMaxBytes })] })
      }
      for (const maxBytes of [0, 1, 700, 1200, -1]) {
        await kafka.ask(fetch, { ...atOnce, maxBytes, topics: [from(topic)] })
      }
    },
    'waiting for what does not come': async (kafka) => {
      const topic = await kafka.topic()
      await filled(kafka, topic, ['a'])
      await kafka.ask(fetch, { maxWaitMs: 20, minBytes: 1, topics: [from(topic, { fetchOffset: 1n })] })
      await kafka.ask(fetch, { maxWaitMs: 20, minBytes: 10_000, topics: [from(topic)] })
      await kafka.ask(fetch, { maxWaitMs: -1, minBytes: 10_000, topics: [from(topic)] })
      await kafka.ask(fetch, { maxWaitMs: 20, minBytes: -1, topics: [from(topic, { fetchOffset: 1n })] })
    },
    'leader epochs': async (kafka) => {
      const topic = await kafka.topic()
      await filled(kafka, topic, ['a'])
      for (const currentLeaderEpoch of [-1, 0, 1, 7, -2]) {
        await kafka.ask(fetch, { ...atOnce, topics: [from(topic, { currentLeaderEpoch })] })
      }
      for (const lastFetchedEpoch of [0, 1, 7]) {
        await kafka.ask(fetch, { ...atOnce, topics: [from(topic, { lastFetchedEpoch, fetchOffset: 1n })] })
      }
    },
    'isolation levels': async (kafka) => {
      const topic = await kafka.topic()
      await filled(kafka, topic, ['a'])
      for (const isolationLevel of [0, 1]) {
        await kafka.ask(fetch, { ...atOnce, isolationLevel, topics: [from(topic)] })
      }
    },
    'below the start of the log': async (kafka) => {
      const topic = await kafka.topic()
      await filled(kafka, topic, ['a', 'b', 'c'])
      await kafka.prepare(deleteRecords, {
        topics: [{ name: topic.name, partitions: [{ partitionIndex: 0, offset: 2n }] }],
        timeoutMs: 5000,
      })
      for (const fetchOffset of [0n, 1n, 2n]) {
        await kafka.ask(fetch, { ...atOnce, topics: [from(topic, { fetchOffset })] })
      }
    },
    'the same partition twice': async (kafka) => {
      const topic = await kafka.topic()
      await filled(kafka, topic, ['a'], ['b'])
      await kafka.ask(fetch, { ...atOnce, topics: [from(topic, {}, { fetchOffset: 1n })] })
    },
    'a rack, and a cluster id': async (kafka) => {
      const topic = await kafka.topic()
      await filled(kafka, topic, ['a'])
      await kafka.ask(fetch, { ...atOnce, rackId: 'elsewhere', topics: [from(topic)] })
      await kafka.ask(fetch, { ...atOnce, clusterId: 'another-one', topics: [from(topic)] })
    },
  }),
  ...casesOf(
    fetch,
    {
      'a session (KIP-227)': async (kafka) => {
        const topic = await kafka.topic('topic', 3)
        await filled(kafka, topic, ['a'])
        const partitions = [{ partition: 0 }, { partition: 1 }, { partition: 2 }]
        const first = await kafka.ask(fetch, {
          ...atOnce,
          sessionId: 0,
          sessionEpoch: 0,
          topics: [from(topic, ...partitions)],
        })
        const sessionId = first!.sessionId
        const next = (sessionEpoch: number, more: object = {}) =>
          kafka.ask(fetch, { ...atOnce, sessionId, sessionEpoch, topics: [], ...more })
        await next(1)
        await next(2, { topics: [from(topic, { fetchOffset: 1n })] })
        await next(3)
        await filled(kafka, topic, ['b'])
        await next(4)
        await next(5, {
          topics: [from(topic, { fetchOffset: 2n })],
          forgottenTopicsData: [{ topic: topic.name, topicId: topic.id, partitions: [1] }],
        })
        await next(7)
        await next(6, { topics: [from(topic, { partition: 8 })] })
        await next(7)
        await next(8, { topics: [from(nowhere)] })
        await next(9)
        await next(-1, { topics: [from(topic)] })
        await next(10)
      },
      'sessions that do not exist': async (kafka) => {
        const topic = await kafka.topic()
        await filled(kafka, topic, ['a'])
        for (const [sessionId, sessionEpoch] of [
          [0x7ffffff0, 1],
          [0x7ffffff0, -1],
          [0x7ffffff0, 0],
          [0, -1],
          [0, 1],
          [-5, 1],
          [0, -2],
        ] as const) {
          await kafka.ask(fetch, { ...atOnce, sessionId, sessionEpoch, topics: [from(topic)] })
        }
      },
    },
    [7, 12, 13, 18],
  ),
]
