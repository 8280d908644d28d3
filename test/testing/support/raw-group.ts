import { connectRaw, type RawConnection } from '../../../src/network/raw-connection.ts'
import { createTopics } from '../../../src/protocol/apis/create-topics.ts'
import { findCoordinator } from '../../../src/protocol/apis/find-coordinator.ts'
import { heartbeat } from '../../../src/protocol/apis/heartbeat.ts'
import { joinGroup } from '../../../src/protocol/apis/join-group.ts'
import { leaveGroup } from '../../../src/protocol/apis/leave-group.ts'
import { metadata } from '../../../src/protocol/apis/metadata.ts'
import { offsetFetch } from '../../../src/protocol/apis/offset-fetch.ts'
import { syncGroup } from '../../../src/protocol/apis/sync-group.ts'
import type { Api } from '../../../src/protocol/message.ts'
import type { FieldMap, StructInput, StructOf } from '../../../src/protocol/schema.ts'
import { type ErrorName, errors } from '../../../src/testing/error-codes.ts'

const names = new Map<number, ErrorName>(
  Object.entries(errors).map(([name, code]) => [code, name as ErrorName]),
)

/** An error code by Kafka's name. */
export function nameOf(code: number): ErrorName {
  return names.get(code)!
}

/** A connection to the first of the addresses that sends whatever it is told to. */
export class RawClient implements AsyncDisposable {
  readonly #connection: RawConnection

  constructor(connection: RawConnection) {
    this.#connection = connection
  }

  static async connect(bootstrapServers: string): Promise<RawClient> {
    const [host, port] = bootstrapServers.split(',')[0]!.split(':')
    return new RawClient(
      await connectRaw({ host: host!, port: Number(port), clientId: 'raw', timeoutMs: 60_000 }),
    )
  }

  /** To the coordinator of that group, once it is one: a Kafka that has just started makes the topic of offsets first. */
  static async toCoordinator(bootstrapServers: string, groupId: string): Promise<RawClient> {
    await using first = await RawClient.connect(bootstrapServers)
    for (;;) {
      const { coordinators } = await first.send(findCoordinator, 4, {
        keyType: 0,
        coordinatorKeys: [groupId],
      })
      const { host, port, errorCode } = coordinators[0]!
      if (nameOf(errorCode) === 'COORDINATOR_NOT_AVAILABLE') continue
      const client = await RawClient.connect(`${host}:${port}`)
      const { errorCode: notReady } = await client.send(offsetFetch, 5, { groupId, topics: [] })
      if (notReady === 0) return client
      await client[Symbol.asyncDispose]()
    }
  }

  /** The answer's body. */
  async send<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    version: number,
    body: StructInput<Q>,
  ): Promise<StructOf<S>> {
    const { decoded, error, trailingBytes } = await this.#connection.send(api, version, body)
    if (decoded === null) throw error!
    if (trailingBytes > 0) throw new Error(`${api.name} version ${version} left ${trailingBytes} bytes`)
    return decoded
  }

  /** Creates a topic and gives its id, once it can be used. */
  async createTopic(name: string, numPartitions = 1): Promise<string> {
    await this.send(createTopics, 5, {
      topics: [{ name, numPartitions, replicationFactor: 1 }],
      timeoutMs: 30_000,
    })
    for (;;) {
      const { topics } = await this.send(metadata, 12, { topics: [{ name }], allowAutoTopicCreation: false })
      const [topic] = topics
      const ready = topic!.partitions.filter(({ errorCode }) => errorCode === 0)
      if (topic!.errorCode === 0 && ready.length === numPartitions) return topic!.topicId
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close()
  }
}

export type JoinAnswer = StructOf<typeof joinGroup.response.fields>

/** One member of a classic group, on a connection of its own, that does only what it is told to. */
export class RawMember implements AsyncDisposable {
  readonly client: RawClient
  readonly groupId: string
  readonly groupInstanceId: string | null
  memberId = ''
  generationId = -1
  leader = ''

  constructor(client: RawClient, groupId: string, groupInstanceId: string | null) {
    this.client = client
    this.groupId = groupId
    this.groupInstanceId = groupInstanceId
  }

  static async connect(
    { bootstrapServers }: { readonly bootstrapServers: string },
    groupId: string,
    groupInstanceId: string | null = null,
  ): Promise<RawMember> {
    const client = await RawClient.toCoordinator(bootstrapServers, groupId)
    return new RawMember(client, groupId, groupInstanceId)
  }

  /** Sends JoinGroup as the member it is, with one protocol `range` where nothing else is said. */
  async join(
    version: number,
    fields: StructInput<typeof joinGroup.request.fields> = {},
  ): Promise<JoinAnswer> {
    const answer = await this.client.send(joinGroup, version, {
      groupId: this.groupId,
      memberId: this.memberId,
      ...(this.groupInstanceId === null ? {} : { groupInstanceId: this.groupInstanceId }),
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [protocol('range')],
      ...fields,
    })
    if (answer.memberId !== '') this.memberId = answer.memberId
    if (answer.errorCode === 0) {
      this.generationId = answer.generationId
      this.leader = answer.leader
    }
    return answer
  }

  /** Joins for good: with the id that it is given on the way. */
  async enter(version = 9, fields: StructInput<typeof joinGroup.request.fields> = {}): Promise<JoinAnswer> {
    const first = await this.join(version, fields)
    const answer = nameOf(first.errorCode) === 'MEMBER_ID_REQUIRED' ? await this.join(version, fields) : first
    if (answer.errorCode !== 0) throw new Error(`joining failed: ${nameOf(answer.errorCode)}`)
    return answer
  }

  async sync(
    assignments: Readonly<Record<string, string>> = {},
    fields: StructInput<typeof syncGroup.request.fields> = {},
    version = 5,
  ): Promise<{ error: ErrorName; assignment: string }> {
    const { errorCode, assignment } = await this.client.send(syncGroup, version, {
      groupId: this.groupId,
      memberId: this.memberId,
      generationId: this.generationId,
      ...(this.groupInstanceId === null ? {} : { groupInstanceId: this.groupInstanceId }),
      ...(version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}),
      assignments: Object.entries(assignments).map(([memberId, text]) => ({
        memberId,
        assignment: Buffer.from(text),
      })),
      ...fields,
    })
    return { error: nameOf(errorCode), assignment: Buffer.from(assignment).toString() }
  }

  async heartbeat(
    fields: StructInput<typeof heartbeat.request.fields> = {},
    version = 4,
  ): Promise<ErrorName> {
    const { errorCode } = await this.client.send(heartbeat, version, {
      groupId: this.groupId,
      memberId: this.memberId,
      generationId: this.generationId,
      ...(this.groupInstanceId === null ? {} : { groupInstanceId: this.groupInstanceId }),
      ...fields,
    })
    return nameOf(errorCode)
  }

  /** The code of the answer, or of the one member in it. */
  async leave(version = 5): Promise<ErrorName> {
    const { groupId, memberId, groupInstanceId } = this
    const body = version < 3 ? { groupId, memberId } : { groupId, members: [{ memberId, groupInstanceId }] }
    const { errorCode, members } = await this.client.send(leaveGroup, version, body)
    return nameOf(members[0]?.errorCode ?? errorCode)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]()
  }
}

/** A protocol of JoinGroup with any text for metadata. */
export function protocol(name: string, metadata = ''): { name: string; metadata: Uint8Array } {
  return { name, metadata: Buffer.from(metadata) }
}
