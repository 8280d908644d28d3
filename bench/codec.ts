/**
 * Common requests and responses to bytes and back on one core, no sockets: `npm run bench -- codec`.
 * Prints nanoseconds a message, from the median run.
 */
import { Bench } from 'tinybench'
import { fetch, heartbeat, type Message, metadata, produce } from '../src/protocol/index.ts'
import type { FieldMap, StructInput } from '../src/protocol/schema.ts'

const records = Buffer.alloc(16_384, 'r')
const topicId = '5tTfZFZOQVi3TvhI1TxTXA'
const bench = new Bench({ time: 300 })
const sizes = new Map<string, number>()

function add<F extends FieldMap>(
  name: string,
  message: Message<F>,
  version: number,
  value: StructInput<F>,
): void {
  const bytes = message.encode(version, value)
  for (const [direction, run] of [
    ['encode', () => message.encode(version, value)],
    ['decode', () => message.decode(version, bytes)],
  ] as const) {
    const task = `${direction} ${name}`
    sizes.set(task, bytes.length)
    bench.add(task, run)
  }
}

function range<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i))
}

add('HeartbeatRequest', heartbeat.request, 4, {
  groupId: 'billing',
  generationId: 7,
  memberId: 'consumer-1-0b6c2f1e-7f0c-4a3e-9a53-0d2f7f6f8a11',
})
add('ProduceRequest, 10 partitions', produce.request, 12, {
  acks: -1,
  timeoutMs: 30_000,
  topicData: [{ name: 'orders', partitionData: range(10, (index) => ({ index, records })) }],
})
add('ProduceResponse, 10 partitions', produce.response, 12, {
  responses: [
    { name: 'orders', partitionResponses: range(10, (index) => ({ index, baseOffset: 123_456_789n })) },
  ],
})
add('FetchRequest, 100 partitions', fetch.request, 13, {
  maxWaitMs: 500,
  minBytes: 1,
  topics: [
    {
      topicId,
      partitions: range(100, (partition) => ({
        partition,
        fetchOffset: 123_456_789n,
        partitionMaxBytes: 1_048_576,
      })),
    },
  ],
})
add('FetchResponse, 100 partitions', fetch.response, 13, {
  responses: [
    {
      topicId,
      partitions: range(100, (partitionIndex) => ({ partitionIndex, highWatermark: 123_456_789n, records })),
    },
  ],
})
add('MetadataResponse, 100 topics, 10 partitions each', metadata.response, 12, {
  brokers: range(3, (nodeId) => ({ nodeId, host: `broker-${nodeId}.example`, port: 9092 })),
  topics: range(100, (i) => ({
    name: `topic-${i}`,
    topicId,
    partitions: range(10, (partitionIndex) => ({
      partitionIndex,
      leaderId: partitionIndex % 3,
      leaderEpoch: 5,
      replicaNodes: [0, 1, 2],
      isrNodes: [0, 1, 2],
    })),
  })),
})

await bench.run()
console.table(
  Object.fromEntries(
    bench.tasks.map(({ name, result }) => [
      name,
      {
        bytes: sizes.get(name),
        ns: 'latency' in result ? Math.round(result.latency.p50 * 1e6) : Number.NaN,
      },
    ]),
  ),
)
