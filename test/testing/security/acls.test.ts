import { afterEach, describe, expect, it } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { connectRaw, type RawConnection } from '../../../src/network/raw-connection.ts'
import { createAcls } from '../../../src/protocol/apis/create-acls.ts'
import { createTopics } from '../../../src/protocol/apis/create-topics.ts'
import { deleteAcls } from '../../../src/protocol/apis/delete-acls.ts'
import { describeAcls } from '../../../src/protocol/apis/describe-acls.ts'
import { fetch } from '../../../src/protocol/apis/fetch.ts'
import { findCoordinator } from '../../../src/protocol/apis/find-coordinator.ts'
import { listOffsets } from '../../../src/protocol/apis/list-offsets.ts'
import { metadata } from '../../../src/protocol/apis/metadata.ts'
import { offsetFetch } from '../../../src/protocol/apis/offset-fetch.ts'
import { produce } from '../../../src/protocol/apis/produce.ts'
import { errors } from '../../../src/testing/error-codes.ts'
import { type AclOption, type AclsOption, startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { failureOf } from '../../support/promises.ts'
import { loginPlain } from '../support/sasl-client.ts'

const running: AsyncDisposable[] = []

afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

const users = { admin: 'a', alice: 'a' }

async function start(acls: AclsOption): Promise<TestKafka> {
  const kafka = await startKafka({
    topics: ['t', 'hidden'],
    sasl: { users },
    acls: { superUsers: ['User:admin'], ...acls },
  })
  running.push(kafka)
  return kafka
}

async function connect(kafka: TestKafka, user: keyof typeof users): Promise<RawConnection> {
  const [host, port] = kafka.bootstrapServers.split(':')
  const connection = await connectRaw({ host: host!, port: Number(port), timeoutMs: 5_000 })
  running.push(connection)
  await loginPlain(connection, user, users[user])
  return connection
}

function allow(
  resourceType: AclOption['resourceType'],
  operation: AclOption['operation'],
  resourceName = 't',
) {
  return { resourceType, resourceName, operation, principal: 'User:alice' } as const
}

/** What alice is told by each API about the topic `t` or the group `g`. */
async function codes(...rules: AclOption[]): Promise<Record<string, number>> {
  const connection = await connect(await start({ rules }), 'alice')
  const described = await connection.send(metadata, 12, { topics: [{ name: 't' }] })
  const written = await connection.send(produce, 9, {
    acks: 1,
    topicData: [{ name: 't', partitionData: [{ index: 0, records: null }] }],
  })
  const partitions = [{ partition: 0, partitionMaxBytes: 100 }]
  const read = await connection.send(fetch, 11, { maxWaitMs: 0, topics: [{ topic: 't', partitions }] })
  const listed = await connection.send(listOffsets, 7, {
    replicaId: -1,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1n }] }],
  })
  const found = await connection.send(findCoordinator, 3, { key: 'g' })
  const fetched = await connection.send(offsetFetch, 7, { groupId: 'g', topics: null })
  const created = await connection.send(createTopics, 7, {
    topics: [{ name: 'new', numPartitions: 1, replicationFactor: 1 }],
  })
  return {
    metadata: described.decoded!.topics[0]!.errorCode,
    produce: written.decoded!.responses[0]!.partitionResponses[0]!.errorCode,
    fetch: read.decoded!.responses[0]!.partitions[0]!.errorCode,
    listOffsets: listed.decoded!.topics[0]!.partitions[0]!.errorCode,
    findCoordinator: found.decoded!.errorCode,
    offsetFetch: fetched.decoded!.errorCode,
    createTopics: created.decoded!.topics[0]!.errorCode,
  }
}

const { TOPIC_AUTHORIZATION_FAILED, GROUP_AUTHORIZATION_FAILED } = errors

describe('a broker with ACLs', () => {
  it('refuses everything to who may do nothing', async () => {
    expect(await codes()).toEqual({
      metadata: TOPIC_AUTHORIZATION_FAILED,
      produce: TOPIC_AUTHORIZATION_FAILED,
      fetch: TOPIC_AUTHORIZATION_FAILED,
      listOffsets: TOPIC_AUTHORIZATION_FAILED,
      findCoordinator: GROUP_AUTHORIZATION_FAILED,
      offsetFetch: GROUP_AUTHORIZATION_FAILED,
      createTopics: TOPIC_AUTHORIZATION_FAILED,
    })
  })

  it('lets each do what the rules allow', async () => {
    expect(await codes(allow('TOPIC', 'READ'), allow('GROUP', 'READ', 'g'))).toMatchObject({
      metadata: 0,
      produce: TOPIC_AUTHORIZATION_FAILED,
      fetch: 0,
      listOffsets: 0,
      findCoordinator: 0,
      createTopics: TOPIC_AUTHORIZATION_FAILED,
    })
    const writing = await codes(allow('TOPIC', 'WRITE'))
    expect(writing).toMatchObject({ metadata: 0, fetch: TOPIC_AUTHORIZATION_FAILED, listOffsets: 0 })
    expect(writing.produce).not.toBe(TOPIC_AUTHORIZATION_FAILED)
    expect(await codes(allow('CLUSTER', 'CREATE', 'kafka-cluster'))).toMatchObject({ createTopics: 0 })
    expect(await codes(allow('TOPIC', 'CREATE', 'new'))).toMatchObject({ createTopics: 0 })
  })

  it('lists to each the topics that he may know of', async () => {
    const kafka = await start({ rules: [allow('TOPIC', 'DESCRIBE')] })
    const names = async (user: 'admin' | 'alice') => {
      const { decoded } = await (await connect(kafka, user)).send(metadata, 12, { topics: null })
      return decoded!.topics.map(({ name }) => name)
    }
    expect(await names('alice')).toEqual(['t'])
    expect(await names('admin')).toEqual(['t', 'hidden'])
  })

  it('tells what each may do with a topic (KIP-430)', async () => {
    const kafka = await start({ rules: [allow('TOPIC', 'READ'), allow('TOPIC', 'ALTER_CONFIGS')] })
    const connection = await connect(kafka, 'alice')
    const request = { topics: [{ name: 't' }], includeTopicAuthorizedOperations: true }
    const { decoded } = await connection.send(metadata, 12, request)
    // READ 3, DESCRIBE 8, DESCRIBE_CONFIGS 10, ALTER_CONFIGS 11
    expect(decoded!.topics[0]!.topicAuthorizedOperations).toBe((1 << 3) | (1 << 8) | (1 << 10) | (1 << 11))
  })

  it('refuses a producer of ours what it may not write', async () => {
    const kafka = await start({ rules: [allow('TOPIC', 'WRITE')] })
    const sasl = { mechanism: 'PLAIN', username: 'alice', password: 'a' } as const
    const client = new Kafka({ bootstrapServers: kafka.bootstrapServers, sasl })
    const producer = client.producer({ enableIdempotence: false })
    running.push(producer)
    expect(await producer.send({ topic: 't', value: 'x' })).toMatchObject({ offset: 0 })
    expect(await failureOf(producer.send({ topic: 'hidden', value: 'x' }))).toMatchObject({
      code: 'TOPIC_AUTHORIZATION_FAILED',
    })
  })

  it('takes rules that are created into account, and forgets those that are deleted', async () => {
    const kafka = await start({})
    const admin = await connect(kafka, 'admin')
    const alice = await connect(kafka, 'alice')
    const code = async () =>
      (await alice.send(metadata, 12, { topics: [{ name: 't' }] })).decoded!.topics[0]!.errorCode
    expect(await code()).toBe(TOPIC_AUTHORIZATION_FAILED)
    const acl = { principal: 'User:alice', host: '127.0.0.1', operation: 8, permissionType: 3 }
    await admin.send(createAcls, 2, {
      creations: [{ ...acl, resourceType: 2, resourceName: 't' }],
    })
    expect(await code()).toBe(0)
    const filter = {
      resourceTypeFilter: 2,
      resourceNameFilter: 'table',
      patternTypeFilter: 2,
      principalFilter: null,
      hostFilter: null,
      operation: 1,
      permissionType: 1,
    }
    const none = await admin.send(describeAcls, 3, filter)
    expect(none.decoded!.resources).toEqual([])
    const one = await admin.send(describeAcls, 3, { ...filter, resourceNameFilter: 't' })
    expect(one.decoded!.resources).toEqual([
      { resourceType: 2, resourceName: 't', patternType: 3, acls: [acl] },
    ])
    const deleted = await admin.send(deleteAcls, 3, { filters: [{ ...filter, resourceNameFilter: 't' }] })
    expect(deleted.decoded!.filterResults[0]!.matchingAcls).toHaveLength(1)
    expect(await code()).toBe(TOPIC_AUTHORIZATION_FAILED)
  })

  it('is where rules can be; without them they are refused', async () => {
    await using kafka = await startKafka()
    const [host, port] = kafka.bootstrapServers.split(':')
    await using connection = await connectRaw({ host: host!, port: Number(port) })
    const any = { resourceNameFilter: null, principalFilter: null, hostFilter: null }
    const filter = { ...any, resourceTypeFilter: 1, patternTypeFilter: 1, operation: 1, permissionType: 1 }
    const acl = { principal: 'User:a', host: '*', operation: 8, permissionType: 3 }
    const creations = [{ ...acl, resourceType: 2, resourceName: 't' }]
    const code = errors.SECURITY_DISABLED
    expect((await connection.send(describeAcls, 3, filter)).decoded).toMatchObject({
      errorCode: code,
      errorMessage: 'No Authorizer is configured on the broker',
    })
    expect((await connection.send(createAcls, 3, { creations })).decoded!.results).toEqual([
      { errorCode: code, errorMessage: 'No Authorizer is configured.' },
    ])
    expect(
      (await connection.send(deleteAcls, 3, { filters: [filter] })).decoded!.filterResults,
    ).toMatchObject([{ errorCode: code, errorMessage: 'No Authorizer is configured.' }])
  })
})
