import { addOffsetsToTxn } from '../../../../src/protocol/apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../../../src/protocol/apis/add-partitions-to-txn.ts'
import { describeProducers } from '../../../../src/protocol/apis/describe-producers.ts'
import { describeTransactions } from '../../../../src/protocol/apis/describe-transactions.ts'
import { endTxn } from '../../../../src/protocol/apis/end-txn.ts'
import { fetch } from '../../../../src/protocol/apis/fetch.ts'
import { initProducerId } from '../../../../src/protocol/apis/init-producer-id.ts'
import { listTransactions } from '../../../../src/protocol/apis/list-transactions.ts'
import { produce } from '../../../../src/protocol/apis/produce.ts'
import { txnOffsetCommit } from '../../../../src/protocol/apis/txn-offset-commit.ts'
import { writeTxnMarkers } from '../../../../src/protocol/apis/write-txn-markers.ts'
import { batchOf, produceTo } from '../batches.ts'
import type { Conversation, CreatedTopic } from '../conversation.ts'
import { allVersions, casesOf } from '../differential-case.ts'

interface Producer {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

async function begun(kafka: Conversation, label = 'tx'): Promise<Producer> {
  const transactionalId = kafka.named(label)
  await kafka.coordinator(transactionalId, 1)
  const { producerId, producerEpoch } = await kafka.prepare(initProducerId, {
    transactionalId,
    transactionTimeoutMs: 60_000,
  })
  kafka.know(producerId, `<producer ${label}>`)
  return { transactionalId, producerId, producerEpoch }
}

/** In the shape of each version. */
function adding(producer: Producer, ...topics: { name: string; partitions: number[] }[]) {
  const { transactionalId, producerId, producerEpoch } = producer
  return {
    transactions: [{ ...producer, verifyOnly: false, topics }],
    v3AndBelowTransactionalId: transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: topics,
  }
}

function transactional(topic: CreatedTopic, producer: Producer, values: string[], baseSequence: number) {
  const { transactionalId, producerId, producerEpoch } = producer
  const options = { isTransactional: true, producerId, producerEpoch, baseSequence }
  return { ...produceTo(topic, batchOf(values, options)), transactionalId }
}

/** Reads a partition once `count` offsets of it are stable: what the coordinator writes takes a moment. */
async function readAll(kafka: Conversation, topic: CreatedTopic, count: number): Promise<void> {
  const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1 << 20 }]
  const body = {
    maxWaitMs: 0,
    minBytes: 0,
    isolationLevel: 1,
    topics: [{ topic: topic.name, topicId: topic.id, partitions }],
  }
  await kafka.prepareUntil(fetch, body, ({ responses }) => {
    return responses[0]!.partitions[0]!.lastStableOffset >= BigInt(count)
  })
  await kafka.ask(fetch, body)
}

const settled = (errorCode: number) => errorCode !== 51

export const transactionCases = [
  ...casesOf(
    initProducerId,
    {
      'with and without a transactional id': async (kafka) => {
        const transactionalId = kafka.named('tx')
        await kafka.coordinator(transactionalId, 1)
        const init = (more: object = {}) =>
          kafka.ask(initProducerId, { transactionalId, transactionTimeoutMs: 60_000, ...more })
        await kafka.askUntil(
          initProducerId,
          { transactionalId: null, transactionTimeoutMs: 60_000 },
          ({ errorCode }) => errorCode === 0,
        )
        await init({ transactionalId: '' })
        await init()
        await init()
        await init({ transactionTimeoutMs: 0 })
        await init({ transactionTimeoutMs: -1 })
        await init({ transactionTimeoutMs: 0x7fffffff })
      },
      'with the epoch of before': async (kafka) => {
        const producer = await begun(kafka)
        const init = (more: object = {}) =>
          kafka.ask(initProducerId, { ...producer, transactionTimeoutMs: 60_000, ...more })
        await init()
        await init()
        await init({ producerEpoch: 9 })
        await init({ producerId: producer.producerId + 1000n })
        await init({ producerId: -1n })
        await init({ producerEpoch: -1 })
        await init({ transactionalId: null })
      },
    },
    allVersions(initProducerId),
  ),
  ...casesOf(addPartitionsToTxn, {
    'of partitions that are, and that are not': async (kafka) => {
      const topic = await kafka.topic('topic', 2)
      const producer = await begun(kafka)
      const add = (who: Producer, ...topics: { name: string; partitions: number[] }[]) =>
        kafka.ask(addPartitionsToTxn, adding(who, ...topics))
      const { name } = topic
      await add(producer, { name, partitions: [0, 1] })
      await add(producer, { name, partitions: [0] })
      await add(producer, { name, partitions: [0, 9] })
      await add(producer, { name: kafka.named('none'), partitions: [0] })
      await add(producer)
      await add({ ...producer, producerEpoch: 7 }, { name, partitions: [0] })
      await add({ ...producer, producerId: 987_654_321n }, { name, partitions: [0] })
      await add({ ...producer, transactionalId: kafka.named('nobody') }, { name, partitions: [0] })
      await add({ ...producer, transactionalId: '' }, { name, partitions: [0] })
      await kafka.ask(describeTransactions, { transactionalIds: [producer.transactionalId] })
    },
  }),
  ...casesOf(
    endTxn,
    {
      'a transaction from its begin to its end': async (kafka) => {
        const topic = await kafka.topic()
        const groupId = kafka.named('group')
        await kafka.coordinator(groupId)
        let producer = await begun(kafka)
        let sequence = 0
        let offset = 0
        for (const committed of [true, false]) {
          await kafka.prepare(addPartitionsToTxn, adding(producer, { name: topic.name, partitions: [0] }), 3)
          await kafka.ask(produce, transactional(topic, producer, ['a', 'b'], sequence), 11)
          await kafka.ask(addOffsetsToTxn, { ...producer, groupId })
          const topics = [
            {
              name: topic.name,
              topicId: topic.id,
              partitions: [{ partitionIndex: 0, committedOffset: 5n, committedMetadata: null }],
            },
          ]
          await kafka.ask(txnOffsetCommit, { ...producer, groupId, topics })
          await kafka.ask(describeProducers, { topics: [{ name: topic.name, partitionIndexes: [0] }] })
          const ended = await kafka.ask(endTxn, { ...producer, committed })
          offset += 3
          sequence += 2
          await readAll(kafka, topic, offset)
          if (ended!.producerId !== -1n) {
            producer = { ...producer, producerId: ended!.producerId, producerEpoch: ended!.producerEpoch }
            sequence = 0
          }
          await kafka.askUntil(
            describeTransactions,
            { transactionalIds: [producer.transactionalId] },
            (answer) => answer.transactionStates[0]!.transactionState.startsWith('Complete'),
          )
        }
        await kafka.ask(describeProducers, { topics: [{ name: topic.name, partitionIndexes: [0] }] })
      },
      'twice, too late, or of nobody': async (kafka) => {
        const topic = await kafka.topic()
        const producer = await begun(kafka)
        const end = (more: object) =>
          kafka.askUntil(endTxn, { ...producer, committed: true, ...more }, (answer) =>
            settled(answer.errorCode),
          )
        await end({})
        await end({ committed: false })
        await end({ producerEpoch: 7 })
        await end({ producerEpoch: -1 })
        await end({ producerId: 987_654_321n })
        await end({ transactionalId: kafka.named('nobody') })
        await end({ transactionalId: '' })
        const added = adding(await begun(kafka), { name: topic.name, partitions: [0] })
        await kafka.prepare(addPartitionsToTxn, added, 3)
        await end({})
      },
    },
    allVersions(endTxn),
  ),
  ...casesOf(endTxn, {
    'a fenced producer': async (kafka) => {
      const topic = await kafka.topic()
      const old = await begun(kafka)
      await kafka.prepare(addPartitionsToTxn, adding(old, { name: topic.name, partitions: [0] }), 3)
      await kafka.prepare(produce, transactional(topic, old, ['a'], 0), 11)
      await kafka.askUntil(
        initProducerId,
        { transactionalId: old.transactionalId, transactionTimeoutMs: 60_000 },
        (answer) => settled(answer.errorCode),
      )
      await kafka.ask(produce, transactional(topic, old, ['b'], 1), 11)
      await kafka.ask(addPartitionsToTxn, adding(old, { name: topic.name, partitions: [0] }))
      await kafka.ask(endTxn, { ...old, committed: true })
      await readAll(kafka, topic, 2)
    },
  }),
  ...casesOf(addOffsetsToTxn, {
    'of producers that are not': async (kafka) => {
      const producer = await begun(kafka)
      const groupId = kafka.named('group')
      await kafka.coordinator(groupId)
      const add = (more: object) => kafka.ask(addOffsetsToTxn, { ...producer, groupId, ...more })
      await add({})
      await add({ groupId: '' })
      await add({ producerEpoch: 8 })
      await add({ producerId: 987_654_321n })
      await add({ transactionalId: kafka.named('nobody') })
      await add({ transactionalId: '' })
    },
  }),
  ...casesOf(txnOffsetCommit, {
    'outside of a transaction, and of members that are not': async (kafka) => {
      const topic = await kafka.topic()
      const producer = await begun(kafka)
      const groupId = kafka.named('group')
      await kafka.coordinator(groupId)
      const partitions = [{ partitionIndex: 0, committedOffset: 5n, committedMetadata: null }]
      const topics = [{ name: topic.name, topicId: topic.id, partitions }]
      const commit = (more: object) => kafka.ask(txnOffsetCommit, { ...producer, groupId, topics, ...more })
      await commit({})
      await kafka.prepare(addOffsetsToTxn, { ...producer, groupId })
      await commit({})
      await commit({ topics: [] })
      await commit({ groupId: '' })
      await commit({ producerEpoch: 9 })
      await commit({ transactionalId: kafka.named('nobody') })
      if (kafka.version >= 3) {
        await commit({ memberId: 'nobody', generationIdOrMemberEpoch: 4 })
        await commit({ groupInstanceId: 'nobody', generationIdOrMemberEpoch: 4 })
      }
      const none = [{ name: kafka.named('none'), topicId: '7Cf6nFYZTdq5vzVLlxGtBA', partitions }]
      await commit({ topics: none })
      await commit({ topics: [{ ...topics[0], partitions: [{ ...partitions[0], partitionIndex: 9 }] }] })
    },
  }),
  ...casesOf(writeTxnMarkers, {
    'of partitions that are, and are not': async (kafka) => {
      const topic = await kafka.topic()
      const producer = await begun(kafka)
      const write = (name: string, partition: number, more: object = {}) =>
        kafka.ask(writeTxnMarkers, {
          markers: [
            {
              ...{ producerId: producer.producerId, producerEpoch: producer.producerEpoch },
              transactionResult: true,
              coordinatorEpoch: 0,
              topics: [{ name, partitionIndexes: [partition] }],
              ...more,
            },
          ],
        })
      await write(topic.name, 0)
      await write(topic.name, 9)
      await write(kafka.named('none'), 0)
      await write(topic.name, 0, { producerEpoch: 5 })
      await write(topic.name, 0, { producerEpoch: 2 })
      await write(topic.name, 0, { producerEpoch: 6, coordinatorEpoch: -3 })
      await kafka.ask(writeTxnMarkers, { markers: [] })
      await readAll(kafka, topic, 2)
    },
  }),
  ...casesOf(describeTransactions, {
    'that are not': async (kafka) => {
      const { transactionalId } = await begun(kafka)
      const ids = [[transactionalId], [kafka.named('nobody')], [''], [], [transactionalId, transactionalId]]
      for (const transactionalIds of ids) await kafka.ask(describeTransactions, { transactionalIds })
    },
  }),
  ...casesOf(listTransactions, {
    'by states, ids, ages and patterns': async (kafka) => {
      const { transactionalId, producerId } = await begun(kafka)
      const none = { stateFilters: [], producerIdFilters: [] }
      const list = (more: object) =>
        kafka.askFor(listTransactions, { ...none, ...more }, (answer) => ({
          ...answer,
          transactionStates: answer.transactionStates.filter(
            (one) => one.transactionalId === transactionalId,
          ),
        }))
      await list({})
      await list({ stateFilters: ['Empty'] })
      await list({ stateFilters: ['Ongoing'] })
      await list({ stateFilters: ['NoSuchState', 'Empty'] })
      await list({ producerIdFilters: [producerId] })
      await list({ producerIdFilters: [0n] })
      await list({ durationFilter: 100_000_000n })
      await list({ transactionalIdPattern: 'tx-.*' })
      await list({ transactionalIdPattern: 'tx' })
      await list({ transactionalIdPattern: '(' })
    },
  }),
  ...casesOf(describeProducers, {
    'of partitions that are not': async (kafka) => {
      const { name } = await kafka.topic()
      await kafka.ask(describeProducers, { topics: [{ name, partitionIndexes: [0, 5] }] })
      await kafka.ask(describeProducers, { topics: [{ name: kafka.named('none'), partitionIndexes: [0] }] })
      await kafka.ask(describeProducers, { topics: [{ name: 'not a name', partitionIndexes: [0] }] })
      await kafka.ask(describeProducers, { topics: [] })
    },
  }),
]
