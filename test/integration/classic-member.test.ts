import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { afterEach, expect, it } from 'vitest'
import { Cluster, type RequestOptions } from '../../src/cluster/cluster.ts'
import type { PartitionAssignor } from '../../src/consumer/group/assignors/assignor.ts'
import { rangeAssignor } from '../../src/consumer/group/assignors/range.ts'
import { roundRobinAssignor } from '../../src/consumer/group/assignors/roundrobin.ts'
import { ClassicMember, type ClassicMemberOptions } from '../../src/consumer/group/classic-member.ts'
import { Deadline } from '../../src/deadline.ts'
import { ConnectionError, GroupError } from '../../src/errors.ts'
import type { Body } from '../../src/network/connection.ts'
import { dial } from '../../src/network/dial.ts'
import type { ConnectTarget } from '../../src/network/transport.ts'
import { clientOptions } from '../../src/options/client-options.ts'
import { clusterOptions } from '../../src/options/cluster-options.ts'
import { parseOptions } from '../../src/options/parse-options.ts'
import { createPartitions } from '../../src/protocol/apis/create-partitions.ts'
import { createTopics } from '../../src/protocol/apis/create-topics.ts'
import { describeGroups } from '../../src/protocol/apis/describe-groups.ts'
import { leaveGroup } from '../../src/protocol/apis/leave-group.ts'
import { BrokerError } from '../../src/protocol/broker-errors.ts'
import type { Api } from '../../src/protocol/message.ts'
import type { FieldMap, StructOf } from '../../src/protocol/schema.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { startJavaConsumer } from '../support/interop/index.ts'
import { RecordingOwner } from '../support/recording-owner.ts'

const cleanups: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A cluster that speaks no newer version of these APIs. */
class OldCluster extends Cluster {
  maxVersions: Readonly<Record<string, number>> = {}

  override request<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: Body<Q>,
    options: RequestOptions<S>,
  ): Promise<StructOf<S>> {
    const maxVersion = this.maxVersions[api.name]
    return super.request(api, body, maxVersion === undefined ? options : { ...options, maxVersion })
  }
}

/** Sockets that can be cut, all at once, and stay so until mended. */
class Network {
  #isCut = false
  readonly #streams = new Set<Duplex>()

  readonly connect = async (target: ConnectTarget): Promise<Duplex> => {
    if (this.#isCut) throw new ConnectionError('CONNECTION_REFUSED', 'the network is cut')
    const stream = await dial(target)
    this.#streams.add(stream)
    return stream
  }

  cut(): void {
    this.#isCut = true
    for (const stream of this.#streams) stream.destroy()
    this.#streams.clear()
  }

  mend(): void {
    this.#isCut = false
  }
}

interface MemberSettings extends Partial<ClassicMemberOptions> {
  readonly network?: Network
  readonly maxVersions?: Readonly<Record<string, number>>
}

describeAnyKafka('a member of a classic group', (kafka) => {
  function newCluster(network = new Network()): OldCluster {
    const { bootstrapServers } = kafka
    const given = { bootstrapServers, connect: network.connect, metadataMaxAgeMs: 1_000 }
    const options = parseOptions('test', clientOptions, given)
    const cluster = new OldCluster(clusterOptions(options, { allowAutoTopicCreation: false }))
    cleanups.push(() => cluster.close())
    return cluster
  }

  async function makeTopic(numPartitions: number, name = `topic-${randomUUID()}`): Promise<string> {
    const answer = await newCluster().request(
      createTopics,
      { topics: [{ name, numPartitions, replicationFactor: -1 }] },
      { to: 'controller', deadline: new Deadline(10_000) },
    )
    expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual([0])
    return name
  }

  function startMember(groupId: string, owner: RecordingOwner, settings: MemberSettings = {}): ClassicMember {
    const { network, maxVersions = {}, ...options } = settings
    const cluster = newCluster(network)
    cluster.maxVersions = maxVersions
    const member = new ClassicMember(
      cluster,
      {
        groupId,
        groupInstanceId: null,
        clientRack: null,
        sessionTimeoutMs: 10_000,
        heartbeatIntervalMs: 200,
        maxPollIntervalMs: 30_000,
        retryBackoffMs: 50,
        retryBackoffMaxMs: 500,
        assignors: [rangeAssignor],
        ...options,
      },
      owner,
    )
    cleanups.push(() => member.leave(new Deadline(5_000)))
    member.start()
    return member
  }

  async function describeGroup(groupId: string) {
    const { groups } = await newCluster().request(
      describeGroups,
      { groups: [groupId] },
      { to: { group: groupId }, deadline: new Deadline(10_000), errorOf: (one) => one.groups[0]!.errorCode },
    )
    return groups[0]!
  }

  const names = (topic: string, ...partitions: number[]) => partitions.map((one) => `${topic}-${one}`)

  it('has all partitions while it is alone', async () => {
    const topic = await makeTopic(3)
    const owner = new RecordingOwner(topic)
    const member = startMember(randomUUID(), owner)
    await owner.holds(names(topic, 0, 1, 2))

    expect(owner.events).toEqual([
      { kind: 'assigned', partitions: names(topic, 0, 1, 2), added: names(topic, 0, 1, 2) },
    ])
    expect(member.metadata).toMatchObject({ generationId: 1, memberId: expect.stringMatching(/./) })
  })

  it('shares them with a second one by range, and takes over when that one leaves', async () => {
    const topic = await makeTopic(3)
    const groupId = randomUUID()
    const [first, second] = [new RecordingOwner(topic), new RecordingOwner(topic)]
    const member = startMember(groupId, first)
    await first.holds(names(topic, 0, 1, 2))
    const other = startMember(groupId, second)
    await second.until(() => second.owned.length > 0)
    await first.until(() => first.kinds.length === 3)
    expect(first.kinds).toEqual(['assigned', 'revoked', 'assigned'])
    expect([...first.owned, ...second.owned].sort()).toEqual(names(topic, 0, 1, 2))
    expect(Math.abs(first.owned.length - second.owned.length)).toBe(1)
    expect(other.metadata.generationId).toBe(member.metadata.generationId)

    await other.leave(new Deadline(5_000))
    await first.holds(names(topic, 0, 1, 2), 5_000)
    expect(other.metadata).toMatchObject({ generationId: -1, memberId: '' })
    expect(second.kinds).toEqual(['assigned'])
  })

  it.each([
    ['Kafka 1.0', { JoinGroup: 2, SyncGroup: 1, Heartbeat: 1, LeaveGroup: 1 }],
    ['Kafka 2.2', { JoinGroup: 4, SyncGroup: 2, Heartbeat: 2, LeaveGroup: 2 }],
    ['Kafka 2.4', { JoinGroup: 6, SyncGroup: 4, Heartbeat: 4, LeaveGroup: 4 }],
  ])('does the same with the versions of %s', async (_name, maxVersions) => {
    const topic = await makeTopic(2)
    const groupId = randomUUID()
    const [first, second] = [new RecordingOwner(topic), new RecordingOwner(topic)]
    startMember(groupId, first, { maxVersions })
    await first.holds(names(topic, 0, 1))
    const other = startMember(groupId, second, { maxVersions })
    await second.until(() => second.owned.length === 1)
    await other.leave(new Deadline(5_000))
    await first.holds(names(topic, 0, 1), 5_000)
  })

  it('that cannot be reached gives its partitions up when its session is over, and joins again later', async () => {
    const topic = await makeTopic(2)
    const groupId = randomUUID()
    const network = new Network()
    const [cutOff, other] = [new RecordingOwner(topic), new RecordingOwner(topic)]
    const sessionTimeoutMs = 6_000
    const member = startMember(groupId, cutOff, { network, sessionTimeoutMs })
    await cutOff.holds(names(topic, 0, 1))
    startMember(groupId, other, { sessionTimeoutMs })
    await other.until(() => other.owned.length === 1)
    await cutOff.until(() => cutOff.owned.length === 1)
    const [mine] = cutOff.owned

    network.cut()
    const cutAt = performance.now()
    await cutOff.next('lost', 0, 10_000)
    const lostAfterMs = performance.now() - cutAt
    expect(cutOff.events.at(-1)).toMatchObject({ kind: 'lost', partitions: [mine] })
    expect(member.metadata).toMatchObject({ generationId: -1, memberId: '' })
    // The session began with the last heartbeat, up to an interval before.
    expect(lostAfterMs).toBeGreaterThan(sessionTimeoutMs - 500)
    expect(lostAfterMs).toBeLessThan(sessionTimeoutMs + 500)
    await other.holds(names(topic, 0, 1))

    network.mend()
    await cutOff.until(() => cutOff.owned.length === 1)
    await other.until(() => other.owned.length === 1)
  })

  it('outlives connections that break, within its session', async () => {
    const topic = await makeTopic(1)
    const groupId = randomUUID()
    const network = new Network()
    const owner = new RecordingOwner(topic)
    const member = startMember(groupId, owner, { network, sessionTimeoutMs: 3_000 })
    await owner.holds(names(topic, 0))
    const { memberId } = member.metadata
    for (let i = 0; i < 4; i++) {
      network.cut()
      await new Promise((resolve) => setTimeout(resolve, 500))
      network.mend()
      await new Promise((resolve) => setTimeout(resolve, 700))
    }
    // Longer than a session has passed, and the coordinator still has it.
    expect((await describeGroup(groupId)).members.map((one) => one.memberId)).toEqual([memberId])
    expect(owner.kinds).toEqual(['assigned'])
  })

  it('whose application is late leaves, says so, and is back when asked to', async () => {
    const topic = await makeTopic(1)
    const groupId = randomUUID()
    const owner = new RecordingOwner(topic)
    owner.polledAt = performance.now()
    const member = startMember(groupId, owner, { maxPollIntervalMs: 2_000 })
    const { error } = await owner.next('late', 0, 5_000)

    expect(owner.kinds).toEqual(['assigned', 'lost', 'late'])
    expect(error).toBeInstanceOf(GroupError)
    expect(error).toMatchObject({ code: 'MAX_POLL_INTERVAL_EXCEEDED', groupId })
    expect(error?.message).toMatch(/has not asked for records for 2\d\d\d ms.*maxPollIntervalMs \(2000\)/)
    expect(member.metadata.generationId).toBe(-1)
    expect((await describeGroup(groupId)).groupState).toBe('Empty')

    owner.polledAt = null
    member.rejoin('records are wanted again')
    await owner.holds(names(topic, 0))
    expect(owner.kinds).toEqual(['assigned', 'lost', 'late', 'assigned'])
  })

  it('with a group instance id finds its partitions again without a rebalance', async () => {
    const topic = await makeTopic(2)
    const groupId = randomUUID()
    const [first, second, third] = [0, 1, 2].map(() => new RecordingOwner(topic)) as [
      RecordingOwner,
      RecordingOwner,
      RecordingOwner,
    ]
    const leader = startMember(groupId, first, { groupInstanceId: 'a' })
    await first.holds(names(topic, 0, 1))
    const follower = startMember(groupId, second, { groupInstanceId: 'b' })
    await second.holds(names(topic, 1))
    await first.holds(names(topic, 0))
    const { generationId, memberId } = follower.metadata

    await follower.leave(new Deadline(5_000))
    const back = startMember(groupId, third, { groupInstanceId: 'b' })
    await third.holds(names(topic, 1))
    expect(back.metadata.generationId).toBe(generationId)
    expect(back.metadata.memberId).not.toBe(memberId)
    expect(leader.metadata.generationId).toBe(generationId)

    // The leader too: it is told to leave the assignment as it is.
    await leader.leave(new Deadline(5_000))
    const fourth = new RecordingOwner(topic)
    const leaderBack = startMember(groupId, fourth, { groupInstanceId: 'a' })
    await fourth.holds(names(topic, 0))
    expect(leaderBack.metadata.generationId).toBe(generationId)
    expect(third.kinds).toEqual(['assigned'])
  })

  it('is told when another one takes its group instance id', async () => {
    const topic = await makeTopic(1)
    const groupId = randomUUID()
    const [first, second] = [new RecordingOwner(topic), new RecordingOwner(topic)]
    startMember(groupId, first, { groupInstanceId: 'only' })
    await first.holds(names(topic, 0))
    startMember(groupId, second, { groupInstanceId: 'only' })
    await second.holds(names(topic, 0))

    const { error } = await first.next('fatal')
    expect(first.kinds).toEqual(['assigned', 'lost', 'fatal'])
    expect(error).toBeInstanceOf(GroupError)
    expect(error).toMatchObject({ code: 'FENCED_INSTANCE_ID', groupId, fatal: true })
    expect(error?.message).toContain(`group ${groupId}: another member with the group instance id only`)
  })

  it('that was put out of the group loses its partitions and joins under a new id', async () => {
    const topic = await makeTopic(1)
    const groupId = randomUUID()
    const owner = new RecordingOwner(topic)
    const member = startMember(groupId, owner)
    await owner.holds(names(topic, 0))
    const { memberId } = member.metadata
    await newCluster().request(
      leaveGroup,
      { groupId, members: [{ memberId }] },
      { to: { group: groupId }, deadline: new Deadline(10_000) },
    )

    await owner.next('lost')
    await owner.holds(names(topic, 0))
    expect(owner.kinds).toEqual(['assigned', 'lost', 'assigned'])
    expect(member.metadata.memberId).not.toBe(memberId)
  })

  it('may take longer than its session to hand over, for its heartbeats go on', async () => {
    const topic = await makeTopic(2)
    const groupId = randomUUID()
    const [slow, other] = [new RecordingOwner(topic), new RecordingOwner(topic)]
    slow.beforeRevoked = () => new Promise((resolve) => setTimeout(resolve, 3_000))
    startMember(groupId, slow, { sessionTimeoutMs: 1_500 })
    await slow.holds(names(topic, 0, 1))
    startMember(groupId, other)
    await slow.next('revoked')
    await other.until(() => other.owned.length === 1)
    await slow.until(() => slow.owned.length === 1)

    expect(slow.kinds).toEqual(['assigned', 'revoked', 'assigned'])
  })

  it('loses what it has not handed over within maxPollIntervalMs', async () => {
    const topic = await makeTopic(2)
    const groupId = randomUUID()
    const [stuck, other] = [new RecordingOwner(topic), new RecordingOwner(topic)]
    let deadline: Deadline | null = null
    stuck.beforeRevoked = (given) => {
      deadline = given
      return new Promise(() => {})
    }
    startMember(groupId, stuck, { maxPollIntervalMs: 2_000 })
    await stuck.holds(names(topic, 0, 1))
    startMember(groupId, other)
    await stuck.next('lost')
    expect(deadline).toMatchObject({ timeoutMs: 2_000 })
    await other.until(() => other.owned.length > 0)
  })

  it('leaves at once while its join waits for somebody else, and hears no more of it', async () => {
    const topic = await makeTopic(2)
    const groupId = randomUUID()
    const [slow, joining] = [new RecordingOwner(topic), new RecordingOwner(topic)]
    let letGo = () => {}
    const revoking = new Promise<void>((started) => {
      slow.beforeRevoked = () => {
        started()
        return new Promise((resolve) => {
          letGo = resolve
        })
      }
    })
    startMember(groupId, slow)
    await slow.holds(names(topic, 0, 1))
    const member = startMember(groupId, joining)
    await revoking
    expect(member.state).toBe('joining')

    const leftAt = performance.now()
    await member.leave(new Deadline(5_000))
    expect(performance.now() - leftAt).toBeLessThan(1_000)
    expect(member.state).toBe('left')
    letGo()
    await slow.until(() => slow.kinds.length === 3)
    expect(slow.owned).toEqual(names(topic, 0, 1))
    expect(joining.events).toEqual([])
  })

  it('leaves within its deadline when nobody can be reached', async () => {
    const topic = await makeTopic(1)
    const network = new Network()
    const owner = new RecordingOwner(topic)
    const member = startMember(randomUUID(), owner, { network })
    await owner.holds(names(topic, 0))
    network.cut()

    const leftAt = performance.now()
    await member.leave(new Deadline(700))
    expect(performance.now() - leftAt).toBeLessThan(1_000)
  })

  it('shares partitions by range with a Java consumer, whichever of them leads', async () => {
    const topic = await makeTopic(4)
    const groupId = randomUUID()
    const owner = new RecordingOwner(topic)
    const member = startMember(groupId, owner)
    await owner.holds(names(topic, 0, 1, 2, 3))

    // Ours leads: it was there first.
    const { bootstrapServers } = kafka
    await using java = await startJavaConsumer({ bootstrapServers, groupId, topics: [topic] })
    await java.waitUntil(({ assignment }) => assignment.length === 2)
    await owner.until(() => owner.owned.length === 2)
    expect([...java.assignment, ...owner.owned].sort()).toEqual(names(topic, 0, 1, 2, 3))

    await member.leave(new Deadline(5_000))
    await java.assigned(names(topic, 0, 1, 2, 3))
    // Java leads now.
    const again = new RecordingOwner(topic)
    startMember(groupId, again)
    await again.until(() => again.owned.length === 2)
    await java.waitUntil(({ assignment }) => assignment.length === 2)
    expect([...java.assignment, ...again.owned].sort()).toEqual(names(topic, 0, 1, 2, 3))

    await java.stop()
    await again.holds(names(topic, 0, 1, 2, 3))
  }, 120_000)

  it('leads the group to new partitions of a topic, even one that only others read', async () => {
    const [topic, others] = [await makeTopic(1), await makeTopic(1)]
    const groupId = randomUUID()
    const [leader, follower] = [new RecordingOwner(topic), new RecordingOwner(others)]
    const cluster = newCluster()
    startMember(groupId, leader)
    await leader.holds(names(topic, 0))
    startMember(groupId, follower)
    await follower.holds(names(others, 0))

    await cluster.request(
      createPartitions,
      { topics: [{ name: others, count: 3, assignments: null }], timeoutMs: 5_000 },
      { to: 'controller', deadline: new Deadline(10_000) },
    )
    await follower.holds(names(others, 0, 1, 2))
    await leader.holds(names(topic, 0))
  })

  it('is not held up by a topic that does not exist, and reads it once it does', async () => {
    const topic = await makeTopic(1)
    const missing = `topic-${randomUUID()}`
    const owner = new RecordingOwner(topic, missing)
    const startedAt = performance.now()
    startMember(randomUUID(), owner)
    await owner.holds(names(topic, 0))
    expect(performance.now() - startedAt).toBeLessThan(2_000)

    await makeTopic(1, missing)
    await owner.holds([...names(topic, 0), ...names(missing, 0)], 15_000)
  })

  it('joins with the topics of the moment when it is told that they have changed', async () => {
    const [topic, another] = [await makeTopic(1), await makeTopic(1)]
    const owner = new RecordingOwner(topic)
    const member = startMember(randomUUID(), owner)
    await owner.holds(names(topic, 0))
    owner.subscription = [another]
    member.rejoin('topics have changed')
    await owner.holds(names(another, 0))
    expect(owner.kinds).toEqual(['assigned', 'revoked', 'assigned'])
  })

  it('takes a change up that comes while partitions are revoked', async () => {
    const [first, second] = [await makeTopic(1), await makeTopic(1)]
    const owner = new RecordingOwner(first)
    const member = startMember(randomUUID(), owner)
    await owner.holds(names(first, 0))
    owner.beforeRevoked = async () => {
      owner.subscription = [second]
      member.rejoin('changed while revoking')
    }
    member.rejoin('changed')
    await owner.holds(names(second, 0))
    expect(owner.kinds).toEqual(['assigned', 'revoked', 'assigned'])
  })

  it('acts on a refused commit of its generation, and on no other', async () => {
    const topic = await makeTopic(1)
    const owner = new RecordingOwner(topic)
    const member = startMember(randomUUID(), owner, { heartbeatIntervalMs: 5_000 })
    await owner.holds(names(topic, 0))
    const { metadata } = member
    member.onCommitRefused(22, { ...metadata, generationId: metadata.generationId - 1 })
    expect(member.metadata).toBe(metadata)
    member.onCommitRefused(27, metadata)
    await owner.until(() => owner.kinds.length === 3)
    expect(owner.kinds).toEqual(['assigned', 'revoked', 'assigned'])

    member.onCommitRefused(22, member.metadata)
    // From this very moment on: what comes next must not be committed.
    expect(member.metadata.generationId).toBe(-1)
    await owner.until(() => owner.kinds.length === 5)
    expect(owner.kinds.slice(3)).toEqual(['lost', 'assigned'])
  })

  it('ends with the reason when the group has no assignor in common with it', async () => {
    const topic = await makeTopic(1)
    const groupId = randomUUID()
    const [first, second] = [new RecordingOwner(topic), new RecordingOwner(topic)]
    startMember(groupId, first)
    await first.holds(names(topic, 0))
    const member = startMember(groupId, second, { assignors: [roundRobinAssignor] })
    const { error } = await second.next('fatal')
    expect(error).toBeInstanceOf(BrokerError)
    expect(error).toMatchObject({ code: 'INCONSISTENT_GROUP_PROTOCOL', groupId, retriable: false })
    expect(error?.message).toMatch(
      new RegExp(`group ${groupId}: .*no assignor that all .* have is among roundrobin`),
    )
    expect(member.state).toBe('left')
  })

  it('ends with the reason when the broker does not accept its session timeout', async () => {
    const groupId = randomUUID()
    const owner = new RecordingOwner(await makeTopic(1))
    startMember(groupId, owner, { sessionTimeoutMs: 1 })
    const { error } = await owner.next('fatal')
    expect(error).toMatchObject({ code: 'INVALID_SESSION_TIMEOUT', groupId })
    expect(error?.message).toContain('group.min.session.timeout.ms')
  })

  it('ends with the reason when its own assignor throws', async () => {
    const groupId = randomUUID()
    const owner = new RecordingOwner(await makeTopic(1))
    const broken: PartitionAssignor = {
      ...rangeAssignor,
      assign: () => {
        throw new TypeError('no such thing')
      },
    }
    startMember(groupId, owner, { assignors: [broken] })
    const { error } = await owner.next('fatal')
    expect(error).toMatchObject({ code: 'ASSIGNMENT_FAILED', groupId, cause: expect.any(TypeError) })
    expect(error?.message).toBe(`group ${groupId}: the assignor range failed: no such thing`)
  })
})
