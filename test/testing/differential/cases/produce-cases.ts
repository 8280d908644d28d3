import { initProducerId } from '../../../../src/protocol/apis/init-producer-id.ts'
import { listOffsets } from '../../../../src/protocol/apis/list-offsets.ts'
import { produce } from '../../../../src/protocol/apis/produce.ts'
import { encodeRecordBatch } from '../../../../src/protocol/records/encode-record-batch.ts'
import { batchOf, damaged, produceTo, someTimeMs, zstdBatchOf } from '../batches.ts'
import type { Conversation, CreatedTopic } from '../conversation.ts'
import { allVersions, casesOf } from '../differential-case.ts'

const nowhere = '7Cf6nFYZTdq5vzVLlxGtBA'

export const produceCases = [
  ...casesOf(
    produce,
    {
      'batches one after the other': async (kafka) => {
        const topic = await kafka.topic('topic', 2)
        await kafka.ask(produce, produceTo(topic, batchOf(['a', 'b'])))
        await kafka.ask(produce, produceTo(topic, batchOf(['c'])))
        await kafka.ask(produce, { ...produceTo(topic, batchOf(['d']), 1), acks: 1 })
      },
      'an older format of messages': async (kafka) => {
        const topic = await kafka.topic()
        await kafka.ask(produce, produceTo(topic, batchOf(['a', 'b'], { magic: 1 })))
        await kafka.ask(produce, produceTo(topic, batchOf(['a', 'b'], { magic: 0 })))
      },
      'a batch of zstd': async (kafka) => {
        const topic = await kafka.topic()
        await kafka.ask(produce, produceTo(topic, zstdBatchOf(['a', 'b'])))
      },
    },
    allVersions(produce),
  ),
  ...casesOf(produce, {
    'topics and partitions that do not exist': async (kafka) => {
      const topic = await kafka.topic()
      await kafka.ask(produce, produceTo(topic, batchOf(['a']), 1))
      await kafka.ask(produce, produceTo(topic, batchOf(['a']), -1))
      await kafka.ask(produce, produceTo({ name: kafka.named('none'), id: nowhere }, batchOf(['a'])))
      await kafka.ask(produce, produceTo({ name: 'not a name!', id: nowhere }, batchOf(['a'])))
      await kafka.ask(produce, { acks: -1, timeoutMs: 1000, topicData: [] })
    },
    'one good and one bad partition': async (kafka) => {
      const { name, id } = await kafka.topic()
      const partitionData = [
        { index: 0, records: batchOf(['a']) },
        { index: 7, records: batchOf(['b']) },
      ]
      await kafka.ask(produce, {
        acks: -1,
        timeoutMs: 1000,
        topicData: [{ name, topicId: id, partitionData }],
      })
    },
    'acks that do not exist': async (kafka) => {
      const topic = await kafka.topic()
      for (const acks of [2, -2, 7]) await kafka.ask(produce, { ...produceTo(topic, batchOf(['a'])), acks })
    },
    'acks=0, which is only heard of when it fails': async (kafka) => {
      const topic = await kafka.topic()
      await kafka.tell(produce, { ...produceTo(topic, batchOf(['a', 'b'])), acks: 0 })
      await kafka.ask(produce, produceTo(topic, batchOf(['c'])))
      await kafka.tell(produce, { ...produceTo(topic, batchOf(['d']), 9), acks: 0 })
      await kafka.ask(produce, produceTo(topic, batchOf(['e'])))
    },
    'no records, or none that make sense': async (kafka) => {
      const topic = await kafka.topic()
      await kafka.ask(produce, produceTo(topic, new Uint8Array(0)))
      await kafka.ask(produce, produceTo(topic, new Uint8Array(10)))
      await kafka.ask(produce, produceTo(topic, new Uint8Array(100)))
      await kafka.ask(produce, produceTo(topic, batchOf([])))
      await kafka.ask(produce, produceTo(topic, batchOf(['a']).subarray(0, 65)))
    },
    'damaged batches': async (kafka) => {
      const topic = await kafka.topic()
      const whole = batchOf(['abcdefgh', 'b'])
      // The value of the first record, the magic, the attributes, the count of records, the length.
      for (const at of [whole.length - 12, 16, 22, 60, 11]) {
        await kafka.ask(produce, produceTo(topic, damaged(whole, at)))
      }
    },
    'two batches where one is allowed': async (kafka) => {
      const topic = await kafka.topic()
      await kafka.ask(produce, produceTo(topic, Buffer.concat([batchOf(['a']), batchOf(['b'])])))
    },
    'a control batch from a client': async (kafka) => {
      const topic = await kafka.topic()
      await kafka.ask(produce, produceTo(topic, batchOf(['a'], { isControl: true })))
    },
    'transactional records without a transaction': async (kafka) => {
      const topic = await kafka.topic()
      const options = { isTransactional: true, producerId: 1n, producerEpoch: 0, baseSequence: 0 }
      await kafka.ask(produce, produceTo(topic, batchOf(['a'], options)))
      const transactionalId = kafka.named('nobody')
      await kafka.coordinator(transactionalId, 1)
      await kafka.ask(produce, { ...produceTo(topic, batchOf(['a'], options)), transactionalId })
      await kafka.ask(produce, { ...produceTo(topic, batchOf(['a'])), transactionalId })
    },
    'sequences of an idempotent producer': async (kafka) => {
      const topic = await kafka.topic()
      const send = await idempotent(kafka, topic)
      for (const [sequence, epoch] of [
        [0, 0],
        [2, 0],
        [0, 0],
        [2, 0],
        [5, 0],
        [4, 0],
        [4, 1],
        [0, 1],
        [2, 0],
        [2, 1],
      ] as const) {
        await send(['a', 'b'], sequence, epoch)
      }
    },
    'an idempotent producer that nobody knows': async (kafka) => {
      const topic = await kafka.topic()
      const send = await idempotent(kafka, topic)
      await send(['a'], 7, 3)
      await send(['a'], 8, 3)
      await send(['a'], -1, 3)
      await send(['a'], 9, -1)
    },
    'duplicates further back than is remembered': async (kafka) => {
      const topic = await kafka.topic()
      const send = await idempotent(kafka, topic)
      for (let i = 0; i < 7; i++) await send(['a'], i, 0)
      await send(['a'], 6, 0)
      await send(['a'], 2, 0)
      await send(['a'], 1, 0)
      await send(['a'], 0, 0)
    },
    'limits of a topic': async (kafka) => {
      const topic = await kafka.topic('small', 1, { 'max.message.bytes': '200' })
      await kafka.ask(produce, produceTo(topic, batchOf(['x'.repeat(300)])))
      await kafka.ask(produce, produceTo(topic, batchOf(['x'])))
    },
    'a compacted topic': async (kafka) => {
      const topic = await kafka.topic('compacted', 1, { 'cleanup.policy': 'compact' })
      await kafka.ask(produce, produceTo(topic, batchOf(['x'])))
      await kafka.ask(produce, produceTo(topic, withoutKeys()))
    },
    'timestamps that the topic sets or limits': async (kafka) => {
      const stamped = await kafka.topic('stamped', 1, { 'message.timestamp.type': 'LogAppendTime' })
      await kafka.ask(produce, produceTo(stamped, batchOf(['a', 'b'])))
      const late = await kafka.topic('late', 1, { 'message.timestamp.before.max.ms': '1000' })
      await kafka.ask(produce, produceTo(late, batchOf(['a'])))
      await kafka.ask(listOffsets, {
        replicaId: -1,
        topics: [{ name: late.name, partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
      })
    },
    'the same partition twice': async (kafka) => {
      const { name, id } = await kafka.topic()
      const partitionData = [
        { index: 0, records: batchOf(['a']) },
        { index: 0, records: batchOf(['b']) },
      ]
      await kafka.ask(produce, {
        acks: -1,
        timeoutMs: 1000,
        topicData: [{ name, topicId: id, partitionData }],
      })
    },
  }),
]

async function idempotent(kafka: Conversation, topic: CreatedTopic) {
  let producerId = -1n
  // A broker that has just started has no ids to give out yet.
  await kafka.prepareUntil(
    initProducerId,
    { transactionalId: null, transactionTimeoutMs: 1000 },
    (answer) => {
      producerId = answer.producerId
      return producerId !== -1n
    },
  )
  kafka.know(producerId, '<the producer>')
  return (values: readonly string[], baseSequence: number, producerEpoch: number) =>
    kafka.ask(produce, produceTo(topic, batchOf(values, { producerId, producerEpoch, baseSequence })))
}

function withoutKeys(): Uint8Array {
  const record = { offset: 0n, timestamp: BigInt(someTimeMs), key: null, value: 'x' }
  return encodeRecordBatch({}, [record, { ...record, offset: 1n, key: 'k' }])
}
