import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { offsetFetch } from '../../../src/protocol/apis/offset-fetch.ts'
import { brokerErrorInfo } from '../../../src/protocol/broker-errors.ts'
import { describeEitherKafka } from '../support/describe-either-kafka.ts'
import { TransactionClient } from '../support/transaction-client.ts'

describeEitherKafka('offsets in transactions', (kafka) => {
  async function setUp() {
    const client = await TransactionClient.connect(kafka.bootstrapServers)
    const topic = `orders-${randomUUID()}`
    const id = `tx-${randomUUID()}`
    const groupId = `group-${randomUUID()}`
    await client.createTopic(topic)
    await client.coordinator(groupId, 0)
    const producer = await client.init(id)
    /** Offset, or the name of the error. */
    const committed = async (requireStable = false) => {
      const { groups } = await client.send(offsetFetch, 8, {
        groups: [{ groupId, topics: [{ name: topic, partitionIndexes: [0] }] }],
        requireStable,
      })
      const one = groups[0]!.topics[0]!.partitions[0]!
      return one.errorCode === 0 ? Number(one.committedOffset) : brokerErrorInfo(one.errorCode).name
    }
    const commit = async (offset: number, version = 5, identity = producer) => {
      const offsets = [{ topic, partition: 0, offset }]
      return (await client.commitOffsets(id, identity, groupId, offsets, version))[`${topic}-0`]
    }
    const close = () => client.raw.close()
    return { client, topic, id, groupId, producer, committed, commit, [Symbol.asyncDispose]: close }
  }

  it('count from the commit on, and are unstable before (version 2)', async () => {
    await using test = await setUp()
    const { client, id, producer, committed, commit } = test
    expect(await commit(5)).toBe('NONE')
    expect(await committed()).toBe(-1)
    expect(await committed(true)).toBe('UNSTABLE_OFFSET_COMMIT')
    const { partitions } = await client.describe(id)
    expect(partitions).toEqual([expect.stringMatching(/^__consumer_offsets-\d+$/)])
    await client.end(id, producer, true)
    expect(await committed(true)).toBe(5)
  })

  it('never count when the transaction is aborted', async () => {
    await using test = await setUp()
    const { client, id, producer, committed, commit } = test
    await commit(5)
    const next = await client.end(id, producer, false)
    expect(await committed(true)).toBe(-1)
    expect(await commit(7, 5, next)).toBe('NONE')
    await client.end(id, next, true)
    expect(await committed(true)).toBe(7)
  })

  it('need the group to be added before (version 1)', async () => {
    await using test = await setUp()
    const { client, id, groupId, producer, committed, commit } = test
    expect(await commit(5, 4)).toBe('TRANSACTION_ABORTABLE')
    expect(await commit(5, 3)).toBe('INVALID_TXN_STATE')
    expect(await client.addOffsets(id, producer, groupId)).toBe('NONE')
    expect(await commit(5, 3)).toBe('NONE')
    expect(await committed(true)).toBe('UNSTABLE_OFFSET_COMMIT')
    await client.end(id, producer, true, 4)
    expect(await committed(true)).toBe(5)
  })

  it('are refused from a producer that is fenced or unknown', async () => {
    await using test = await setUp()
    const { client, id, groupId, producer, commit } = test
    const fenced = { ...producer, producerEpoch: 7 }
    for (const version of [3, 4, 5]) expect(await commit(5, version, fenced)).toBe('INVALID_PRODUCER_EPOCH')
    expect(await commit(5, 5, { ...producer, producerId: 1_000_000_000n })).toBe(
      'INVALID_PRODUCER_ID_MAPPING',
    )
    expect(await client.addOffsets(id, fenced, groupId, 2)).toBe('PRODUCER_FENCED')
    expect(await client.addOffsets(id, fenced, groupId, 1)).toBe('INVALID_PRODUCER_EPOCH')
  })

  it('are refused for an unknown partition, for no group, and with too much metadata', async () => {
    await using test = await setUp()
    const { client, id, producer, topic, groupId } = test
    const offsets = [0, 9].map((partition) => ({ topic, partition, offset: 3 }))
    expect(await client.commitOffsets(id, producer, groupId, offsets)).toEqual({
      [`${topic}-0`]: 'NONE',
      [`${topic}-9`]: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
    expect(await client.commitOffsets(id, producer, '', offsets.slice(0, 1))).toEqual({
      [`${topic}-0`]: 'INVALID_GROUP_ID',
    })
    const metadata = 'm'.repeat(4097)
    expect(await client.commitOffsets(id, producer, groupId, offsets.slice(0, 1), 5, { metadata })).toEqual({
      [`${topic}-0`]: 'OFFSET_METADATA_TOO_LARGE',
    })
  })

  it('are refused from a member of a generation that the group does not have (KIP-447)', async () => {
    await using test = await setUp()
    const { client, id, producer, topic, groupId } = test
    const offsets = [{ topic, partition: 0, offset: 3 }]
    const commitAs = async (member: { generationIdOrMemberEpoch?: number; memberId?: string }) =>
      (await client.commitOffsets(id, producer, groupId, offsets, 5, member))[`${topic}-0`]
    expect(await commitAs({ generationIdOrMemberEpoch: 3, memberId: 'somebody' })).toBe('ILLEGAL_GENERATION')
    expect(await commitAs({})).toBe('NONE')
    expect(await commitAs({ generationIdOrMemberEpoch: 3, memberId: 'somebody' })).toBe('UNKNOWN_MEMBER_ID')
  })
})
