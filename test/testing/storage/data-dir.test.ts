import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allOrThrow, Kafka } from '../../../src/index.ts'
import { startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { newFolder } from '../support/data-folder.ts'

function clientOf({ bootstrapServers }: TestKafka): Kafka {
  return new Kafka({ bootstrapServers })
}

async function write(kafka: TestKafka, topic: string, values: readonly string[]): Promise<void> {
  await using producer = clientOf(kafka).producer()
  for (const value of values) await producer.send({ topic, key: value, value, partition: 0 })
}

function valuesOf(kafka: TestKafka, topic: string): (string | undefined)[] {
  return kafka.records(topic).map(({ value }) => value?.toString())
}

function logSize(dataDir: string, id: string): number {
  return readFileSync(join(dataDir, 'logs', id, '0.log')).length
}

describe('data that is kept in a folder', () => {
  it('has topics with their ids and configs, and records with their offsets', async () => {
    const dataDir = newFolder()
    let before: unknown
    {
      await using kafka = await startKafka({ dataDir })
      kafka.createTopics([{ name: 'orders', numPartitions: 3, configs: { 'retention.ms': '60000' } }])
      await write(kafka, 'orders', ['a', 'b'])
      before = kafka.cluster.topics.get('orders')!.id
      expect(kafka.records('orders')).toMatchObject([{ offset: 0 }, { offset: 1 }])
    }
    await using kafka = await startKafka({ dataDir })
    const topic = kafka.cluster.topics.get('orders')!
    expect(topic.id).toBe(before)
    expect(topic.partitions).toHaveLength(3)
    expect(topic.config.getNumber('retention.ms')).toBe(60_000)
    await write(kafka, 'orders', ['c'])
    expect(kafka.records('orders').map(({ offset, value }) => `${offset} ${value}`)).toEqual([
      '0 a',
      '1 b',
      '2 c',
    ])
  })

  it('belongs to one cluster id and version, which another run keeps to', async () => {
    const dataDir = newFolder()
    const first = await startKafka({ dataDir, version: '3.9' })
    await first.close()
    const second = await startKafka({ dataDir })
    await second.close()
    expect(second.cluster.clusterId).toBe(first.cluster.clusterId)
    expect(second.version).toBe('3.9')
    await expect(startKafka({ dataDir, clusterId: 'other' })).rejects.toThrow(/clusterId is other/)
  })

  it('has what groups have committed', async () => {
    const dataDir = newFolder()
    const rows = async (kafka: TestKafka) => {
      await using admin = clientOf(kafka).admin()
      return await admin.groupLag('billing')
    }
    let before: unknown
    {
      await using kafka = await startKafka({ dataDir, topics: ['orders'] })
      await write(kafka, 'orders', ['a', 'b', 'c'])
      await using consumer = clientOf(kafka).consumer({ groupId: 'billing' })
      await consumer.commit([{ topic: 'orders', partition: 0, offset: 2 }])
      before = await rows(kafka)
    }
    await using kafka = await startKafka({ dataDir, topics: ['orders'] })
    expect(await rows(kafka)).toEqual(before)
    expect(before).toMatchObject([{ currentOffset: 2, logEndOffset: 3, lag: 1 }])
  })

  it('lets an idempotent producer go on with its sequence, and still knows what it repeats', async () => {
    const dataDir = newFolder()
    const first = await startKafka({ dataDir, topics: ['orders'] })
    await write(first, 'orders', ['a', 'b'])
    const known = [...first.cluster.topics.partition('orders', 0)!.log.producers.all()]
    await first.close()
    await using kafka = await startKafka({ dataDir })
    const { producers } = kafka.cluster.topics.partition('orders', 0)!.log
    expect(known).toHaveLength(1)
    const { producerId, epoch, batches } = known[0]!
    expect(producers.get(producerId)).toMatchObject({ epoch, batches })
    // Ids of before are not given out again.
    expect(kafka.cluster.nextProducerId()).toBeGreaterThan(producerId)
  })

  it('begins where records were deleted, also when none are left', async () => {
    const dataDir = newFolder()
    const first = await startKafka({ dataDir, topics: ['some', 'none'] })
    for (const topic of ['some', 'none']) await write(first, topic, ['a', 'b', 'c'])
    first.cluster.topics.partition('some', 0)!.log.deleteBefore(1)
    first.cluster.topics.partition('none', 0)!.log.deleteBefore(3)
    const none = first.cluster.topics.get('none')!
    await first.close()
    expect(logSize(dataDir, none.id)).toBe(0)
    await using kafka = await startKafka({ dataDir })
    expect(valuesOf(kafka, 'some')).toEqual(['b', 'c'])
    expect(kafka.cluster.topics.partition('some', 0)!.log.logStartOffset).toBe(1)
    await write(kafka, 'none', ['d'])
    expect(kafka.records('none')).toMatchObject([{ offset: 3 }])
  })

  it('is compacted as the log is', async () => {
    const dataDir = newFolder()
    const first = await startKafka({
      dataDir,
      topics: [{ name: 'orders', configs: { 'cleanup.policy': 'compact' } }],
    })
    await write(first, 'orders', ['a', 'b', 'a', 'a'])
    first.compact('orders')
    await write(first, 'orders', ['c'])
    const { id } = first.cluster.topics.get('orders')!
    const { sizeInBytes } = first.cluster.topics.partition('orders', 0)!.log
    await first.close()
    expect(logSize(dataDir, id)).toBe(sizeInBytes)
    await using kafka = await startKafka({ dataDir })
    expect(kafka.records('orders').map(({ offset, value }) => `${offset} ${value}`)).toEqual([
      '1 b',
      '3 a',
      '4 c',
    ])
  })

  it('has nothing of a topic that was deleted', async () => {
    const dataDir = newFolder()
    const first = await startKafka({ dataDir, topics: ['orders', 'bills'] })
    await write(first, 'orders', ['a'])
    await write(first, 'bills', ['a'])
    first.cluster.topics.delete(first.cluster.topics.get('orders')!)
    const { id } = first.cluster.topics.get('bills')!
    await first.close()
    expect(readdirSync(join(dataDir, 'logs'))).toEqual([id])
    await using kafka = await startKafka({ dataDir, topics: ['orders'] })
    expect(valuesOf(kafka, 'orders')).toEqual([])
    expect(valuesOf(kafka, 'bills')).toEqual(['a'])
  })

  it('can be used with fewer brokers, and with more', async () => {
    const dataDir = newFolder()
    for (const [run, brokers] of [3, 1, 2].entries()) {
      await using kafka = await startKafka({
        dataDir,
        brokers,
        topics: [{ name: 'orders', numPartitions: 4, replicationFactor: 2 }],
      })
      await write(kafka, 'orders', [`run ${run}`])
      await using admin = clientOf(kafka).admin()
      const [{ partitions = [] } = {}] = [...(await admin.describeTopics(['orders'])).values()].map(
        (one) => one as { partitions?: { leader: number }[] },
      )
      expect(partitions.filter(({ leader }) => leader === -1)).toEqual([])
      expect(kafka.records('orders')).toHaveLength(run + 1)
    }
  })

  it('has ACLs, quotas, SCRAM users and configs that clients have set', async () => {
    const dataDir = newFolder()
    const acl = {
      resourceType: 'TOPIC',
      resourceName: 'orders',
      patternType: 'LITERAL',
      principal: 'User:alice',
      host: '*',
      operation: 'READ',
      permissionType: 'ALLOW',
    } as const
    const credential = {
      iterations: 4096,
      salt: Buffer.from('salt'),
      storedKey: Buffer.from('stored'),
      serverKey: Buffer.from('server'),
    }
    const first = await startKafka({ dataDir, acls: {} })
    {
      const { authorizer, quotas, scramUsers, configs, groupConfigs } = first.cluster
      authorizer.add(acl)
      quotas.alter(
        [{ entityType: 'user', entityName: null }],
        [{ key: 'producer_byte_rate', value: 1000, remove: false }],
        false,
      )
      scramUsers.set('alice', 'SCRAM-SHA-256', credential)
      configs.setOfBroker(null, 'message.max.bytes', '5000')
      configs.setOfBroker(1, 'log.cleaner.threads', '2')
      configs.clientMetrics.set('all', new Map([['interval.ms', '1000']]))
      groupConfigs.get('billing').set('consumer.session.timeout.ms', '50000')
    }
    await first.close()
    await using kafka = await startKafka({ dataDir, acls: {} })
    const { authorizer, quotas, scramUsers, configs, groupConfigs, config } = kafka.cluster
    const alice = { principal: 'User:alice', host: '127.0.0.1' }
    expect(authorizer.allows(alice, 'READ', 'TOPIC', 'orders')).toBe(true)
    expect(authorizer.allows(alice, 'WRITE', 'TOPIC', 'orders')).toBe(false)
    expect(quotas.find([], false)).toEqual([
      { entity: [{ entityType: 'user', entityName: null }], values: new Map([['producer_byte_rate', 1000]]) },
    ])
    expect(await scramUsers.credential('alice', 'SCRAM-SHA-256')).toEqual(credential)
    expect(config.getNumber('message.max.bytes')).toBe(5000)
    expect(configs.broker(1).dynamic('broker')).toEqual(new Map([['log.cleaner.threads', '2']]))
    expect(configs.clientMetrics).toEqual(new Map([['all', new Map([['interval.ms', '1000']])]]))
    expect(groupConfigs.get('billing').getNumber('consumer.session.timeout.ms')).toBe(50_000)
  })

  it('has topics that the admin client created and changed, within 100 ms and without a close', async () => {
    const dataDir = newFolder()
    await using kafka = await startKafka({ dataDir })
    await using admin = clientOf(kafka).admin()
    allOrThrow(await admin.createTopics([{ name: 'orders', numPartitions: 2 }]))
    await expect
      .poll(() => readFileSync(join(dataDir, 'state.json'), 'utf8'), { timeout: 2000 })
      .toContain('"orders"')
  })
})
