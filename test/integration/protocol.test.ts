import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import { decodeResponseFrame, encodeRequestFrame } from '../../src/protocol/headers.ts'
import type { Api } from '../../src/protocol/message.ts'
import { api } from '../../src/protocol/registry.ts'
import { highestCommonVersion } from '../../src/protocol/version-range.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'

type Value = Record<string, unknown>

/** A socket and the codecs, nothing else of ours: one request at a time. */
class Wire {
  readonly #socket: Socket
  readonly #reader = new FrameReader(100_000_000)
  #correlationId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  static async open(bootstrapServers: string): Promise<Wire> {
    const [host = '', port] = bootstrapServers.split(',')[0]!.split(':')
    const socket = createConnection({ host, port: Number(port) })
    await once(socket, 'connect')
    return new Wire(socket)
  }

  frame(to: Api, version: number, body: Value): Promise<Uint8Array> {
    this.#correlationId++
    for (const chunk of encodeRequestFrame(to, version, this.#correlationId, 'wire', body)) {
      this.#socket.write(chunk)
    }
    return new Promise((resolve, reject) => {
      const settled = (settle: () => void) => {
        this.#socket.off('data', take).off('close', closed)
        settle()
      }
      const take = (chunk: Uint8Array) => this.#reader.push(chunk, (frame) => settled(() => resolve(frame)))
      const closed = () =>
        settled(() => reject(new Error(`${to.name} v${version}: the broker has closed the connection`)))
      this.#socket.on('data', take).on('close', closed)
    })
  }

  async request(to: Api, version: number, body: Value): Promise<Value> {
    return decodeResponseFrame(to, version, await this.frame(to, version, body)) as Value
  }

  close(): void {
    this.#socket.destroy()
  }
}

const topic = `protocol-${randomUUID()}`

const unsupportedVersion = 35
const invalidRequest = 42

/** Requests that change nothing, by Kafka's name of the API; those of other versions leave fields out. */
const harmless: Readonly<Record<string, (version: number) => Value>> = {
  ApiVersions: () => ({ clientSoftwareName: 'kafkawire', clientSoftwareVersion: '1' }),
  Metadata: () => ({ topics: [{ name: topic }] }),
  DescribeCluster: () => ({}),
  DescribeTopicPartitions: () => ({ topics: [{ name: topic }] }),
  DescribeConfigs: () => ({ resources: [{ resourceType: 2, resourceName: topic, configurationKeys: null }] }),
  DescribeLogDirs: () => ({ topics: null }),
  DescribeAcls: () => ({
    resourceTypeFilter: 1,
    resourceNameFilter: null,
    principalFilter: null,
    hostFilter: null,
    operation: 1,
    permissionType: 1,
  }),
  DescribeClientQuotas: () => ({ components: [{ entityType: 'user', matchType: 2, match: null }] }),
  DescribeUserScramCredentials: () => ({ users: null }),
  DescribeDelegationToken: () => ({ owners: null }),
  DescribeQuorum: () => ({
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  }),
  DescribeProducers: () => ({ topics: [{ name: topic, partitionIndexes: [0] }] }),
  DescribeGroups: () => ({ groups: [topic] }),
  ConsumerGroupDescribe: () => ({ groupIds: [topic] }),
  ListGroups: () => ({}),
  ListTransactions: () => ({}),
  ListPartitionReassignments: () => ({ topics: null }),
  ListConfigResources: () => ({}),
  ListOffsets: (version) => ({
    replicaId: -1,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: version === 0 ? -1n : -2n }] }],
  }),
  OffsetForLeaderEpoch: (version) => ({
    ...(version >= 3 && { replicaId: -1 }),
    topics: [{ topic, partitions: [{ partition: 0, leaderEpoch: 0 }] }],
  }),
  FindCoordinator: (version) => (version < 4 ? { key: topic } : { coordinatorKeys: [topic] }),
  CreateTopics: () => ({
    topics: [{ name: `${topic}-2`, numPartitions: 1, replicationFactor: 1 }],
    timeoutMs: 10_000,
    validateOnly: true,
  }),
  IncrementalAlterConfigs: () => ({
    resources: [
      {
        resourceType: 2,
        resourceName: topic,
        configs: [{ name: 'retention.ms', configOperation: 0, value: '1' }],
      },
    ],
    validateOnly: true,
  }),
  AlterConfigs: () => ({
    resources: [{ resourceType: 2, resourceName: topic, configs: [{ name: 'retention.ms', value: '1' }] }],
    validateOnly: true,
  }),
  DeleteRecords: () => ({
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset: 0n }] }],
    timeoutMs: 10_000,
  }),
}

describeAnyKafka('the declarations, against a broker', (kafka) => {
  let wire: Wire
  /** What the broker says that it speaks. */
  let spoken: { apiKey: number; minVersion: number; maxVersion: number }[]

  beforeAll(async () => {
    wire = await Wire.open(kafka.bootstrapServers)
    const answer = await wire.request(api('ApiVersions'), 3, harmless.ApiVersions!(3))
    spoken = answer.apiKeys as typeof spoken
    const created = await wire.request(api('CreateTopics'), 7, {
      ...harmless.CreateTopics!(7),
      topics: [{ name: topic, numPartitions: 1, replicationFactor: 1 }],
      validateOnly: false,
    })
    expect(created.topics).toMatchObject([{ name: topic, errorCode: 0 }])
  })

  afterAll(async () => {
    await wire.request(api('DeleteTopics'), 4, { topicNames: [topic], timeoutMs: 10_000 })
    wire.close()
  })

  test('every API that it speaks is declared, in a version that both have', () => {
    expect(spoken.length).toBeGreaterThan(50)
    const strange = spoken.filter(({ apiKey, minVersion: min, maxVersion: max }) => {
      return highestCommonVersion(api(apiKey).versions, { min, max }) === null
    })
    expect(strange).toEqual([])
  })

  test.for(Object.keys(harmless))(
    '%s is answered at every version, and read to the last byte',
    async (name) => {
      const known = api(name)
      const range = spoken.find(({ apiKey }) => apiKey === known.key)!
      for (let version = range.minVersion; version <= range.maxVersion; version++) {
        const frame = await wire.frame(known, version, harmless[name]!(version))
        const answer = decodeResponseFrame(known, version, frame)
        const body = known.response.encode(version, answer)
        const rest = frame.subarray(frame.length - body.length)
        expect(Buffer.from(rest).equals(body), `${name} v${version}`).toBe(true)
        // The header: a correlation id, and no tagged fields where it is flexible.
        expect(frame.length - body.length, `${name} v${version}`).toBeOneOf([4, 5])
        // What else may be wrong, say SECURITY_DISABLED, is the affair of that cluster.
        const { errorCode = 0 } = answer as Value
        expect(errorCode, `${name} v${version}`).not.toBeOneOf([unsupportedVersion, invalidRequest])
      }
    },
  )
})
