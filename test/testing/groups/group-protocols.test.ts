import { describe, expect, it } from 'vitest'
import { connectRaw, type RawConnection } from '../../../src/network/raw-connection.ts'
import { alterShareGroupOffsets } from '../../../src/protocol/apis/alter-share-group-offsets.ts'
import { consumerGroupDescribe } from '../../../src/protocol/apis/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../../../src/protocol/apis/consumer-group-heartbeat.ts'
import { deleteShareGroupOffsets } from '../../../src/protocol/apis/delete-share-group-offsets.ts'
import { describeShareGroupOffsets } from '../../../src/protocol/apis/describe-share-group-offsets.ts'
import { findCoordinator } from '../../../src/protocol/apis/find-coordinator.ts'
import { shareAcknowledge } from '../../../src/protocol/apis/share-acknowledge.ts'
import { shareFetch } from '../../../src/protocol/apis/share-fetch.ts'
import { shareGroupDescribe } from '../../../src/protocol/apis/share-group-describe.ts'
import { shareGroupHeartbeat } from '../../../src/protocol/apis/share-group-heartbeat.ts'
import type { Api } from '../../../src/protocol/message.ts'
import type { FieldMap, StructInput, StructOf } from '../../../src/protocol/schema.ts'
import type { StartKafkaOptions } from '../../../src/testing/options.ts'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import type { TestKafka } from '../../../src/testing/test-kafka.ts'
import { nameOf } from '../support/raw-group.ts'
import { loginPlain } from '../support/sasl-client.ts'

class Client implements AsyncDisposable {
  readonly kafka: TestKafka
  readonly #connection: RawConnection

  constructor(kafka: TestKafka, connection: RawConnection) {
    this.kafka = kafka
    this.#connection = connection
  }

  /** A Kafka, and a connection to it of alice, where it asks who it is. */
  static async start(options: StartKafkaOptions): Promise<Client> {
    const kafka = await startKafka({ topics: ['t', 'hidden'], ...options })
    const [host, port] = kafka.bootstrapServers.split(':')
    const connection = await connectRaw({ host: host!, port: Number(port) })
    if (options.sasl !== undefined) await loginPlain(connection, 'alice', 'a')
    await connection.send(findCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] })
    return new Client(kafka, connection)
  }

  async send<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    version: number,
    body: StructInput<Q>,
  ): Promise<StructOf<S>> {
    const { decoded, error } = await this.#connection.send(api, version, body)
    if (decoded === null) throw error!
    return decoded
  }

  /** What comes of joining a group as a consumer. */
  async consume(groupId: string, topic: string, version = 1): Promise<string> {
    const { errorCode } = await this.send(consumerGroupHeartbeat, version, {
      groupId,
      memberId: 'a',
      memberEpoch: 0,
      rebalanceTimeoutMs: 1000,
      subscribedTopicNames: [topic],
      topicPartitions: [],
    })
    return nameOf(errorCode)
  }

  /** What comes of joining a group as a share consumer. */
  async share(groupId: string, topic: string): Promise<string> {
    const { errorCode } = await this.send(shareGroupHeartbeat, 1, {
      groupId,
      memberId: 'a',
      memberEpoch: 0,
      subscribedTopicNames: [topic],
    })
    return nameOf(errorCode)
  }

  /** What all other APIs of share groups answer, as a whole or for the group. */
  async shareAnswers(groupId: string): Promise<string[]> {
    const member = { groupId, memberId: 'a', shareSessionEpoch: 0, topics: [] }
    const topics = [{ topicName: 't', partitions: [] }]
    const codes = [
      (await this.send(shareFetch, 2, member)).errorCode,
      (await this.send(shareAcknowledge, 2, member)).errorCode,
      (await this.send(shareGroupDescribe, 1, { groupIds: [groupId] })).groups[0]!.errorCode,
      (await this.send(describeShareGroupOffsets, 1, { groups: [{ groupId, topics: null }] })).groups[0]!
        .errorCode,
      (await this.send(alterShareGroupOffsets, 0, { groupId, topics })).errorCode,
      (await this.send(deleteShareGroupOffsets, 0, { groupId, topics: [{ topicName: 't' }] })).errorCode,
    ]
    return codes.map(nameOf)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close()
    await this.kafka.close()
  }
}

describe('the newer group protocols', () => {
  it('are off in 3.9 until the feature group.version is switched on', async () => {
    await using client = await Client.start({ version: '3.9' })

    expect(await client.consume('g', 't', 0)).toBe('UNSUPPORTED_VERSION')
    const { groups } = await client.send(consumerGroupDescribe, 0, { groupIds: ['g'] })
    expect(nameOf(groups[0]!.errorCode)).toBe('UNSUPPORTED_VERSION')
    client.kafka.cluster.features.set('group.version', 1)
    expect(await client.consume('g', 't', 0)).toBe('NONE')
    const { groups: described } = await client.send(consumerGroupDescribe, 0, { groupIds: ['g'] })
    expect(described[0]).toMatchObject({ groupState: 'Stable', groupEpoch: 1 })
  })

  it('can be switched off', async () => {
    await using client = await Client.start({
      configs: { 'group.coordinator.rebalance.protocols': 'classic' },
    })
    client.kafka.cluster.features.set('share.version', 0)

    expect(await client.consume('g', 't')).toBe('UNSUPPORTED_VERSION')
    expect(await client.share('g', 't')).toBe('UNSUPPORTED_VERSION')
    expect(new Set(await client.shareAnswers('g'))).toEqual(new Set(['UNSUPPORTED_VERSION']))
  })

  it('are for those who may read the group, and know of the topics', async () => {
    await using client = await Client.start({
      sasl: { users: { alice: 'a' } },
      acls: {
        rules: [
          { principal: 'User:alice', operation: 'READ', resourceType: 'GROUP', resourceName: 'g' },
          { principal: 'User:alice', operation: 'DESCRIBE', resourceType: 'TOPIC', resourceName: 't' },
        ],
      },
    })

    expect(await client.consume('other', 't')).toBe('GROUP_AUTHORIZATION_FAILED')
    expect(await client.consume('g', 'hidden')).toBe('TOPIC_AUTHORIZATION_FAILED')
    expect(await client.consume('g', 't')).toBe('NONE')
    expect(await client.share('other', 't')).toBe('GROUP_AUTHORIZATION_FAILED')
    expect(await client.share('g', 'hidden')).toBe('TOPIC_AUTHORIZATION_FAILED')
    expect(new Set(await client.shareAnswers('other'))).toEqual(new Set(['GROUP_AUTHORIZATION_FAILED']))
    const { groups } = await client.send(consumerGroupDescribe, 1, { groupIds: ['g', 'other'] })
    expect(groups.map(({ groupId, errorCode }) => [groupId, nameOf(errorCode)])).toEqual([
      ['other', 'GROUP_AUTHORIZATION_FAILED'],
      ['g', 'NONE'],
    ])
  })
})
