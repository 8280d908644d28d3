import { once } from 'node:events'
import { initProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { type ProduceRequest, produce } from '../../src/protocol/apis/produce.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { decodeRecords } from '../../src/protocol/records/record-batch.ts'
import { type AppendedBatch, PartitionLog } from './partition-log.ts'
import { type ScriptedBroker, startScriptedBroker } from './scripted-broker.ts'

/** A batch as it came over the wire. */
export interface SentBatch extends AppendedBatch {
  readonly topic: string
  readonly partition: number
  /** Bytes of the batch. */
  readonly size: number
  /** Node that got it. */
  readonly node: number
  /** Counts the Produce requests of the cluster from 1. */
  readonly request: number
  /** Milliseconds of `performance.now()`. */
  readonly at: number
}

/** What a broker makes of a batch. */
export type Verdict =
  /** As a broker does: NOT_LEADER where it is not, the rules of the log otherwise. */
  | 'append'
  /** Neither written nor answered. */
  | 'silence'
  /** Hangs up without writing it. */
  | 'hangUp'
  /** Writes it, and hangs up without an answer. */
  | 'appendAndHangUp'
  /** Written, and answered with this error all the same. */
  | { readonly appendedBut: number }
  /** Refused with this error, and with who leads now (KIP-951). */
  | { readonly error: number; readonly currentLeader?: NonNullable<Answer['currentLeader']> }
  /** Confirmed at this offset, whatever the log says. */
  | { readonly offset: bigint }
  /** Left out of the answer. */
  | 'leftOut'

export interface ScriptedTopic {
  readonly partitions: number
  /** Node that leads each partition; default node 1 for all. -1: none. */
  readonly leaders?: readonly number[]
}

export interface ProducerClusterOptions {
  readonly nodes?: number
  readonly topics: Readonly<Record<string, ScriptedTopic>>
  /** Highest version of Produce. Default: the highest. */
  readonly produceVersion?: number
  readonly idempotence?: boolean
}

interface Answer {
  readonly errorCode: number
  readonly baseOffset: bigint
  readonly currentLeader?: { readonly leaderId: number; readonly leaderEpoch: number }
}

interface SentTopic {
  readonly name: string
  readonly topicId: string
  readonly batches: readonly SentBatch[]
}

interface Leader {
  node: number
  epoch: number
}

/** Brokers that hold a model of a log for each partition, and whose every answer the test may decide. */
export class ScriptedProducerCluster implements AsyncDisposable {
  readonly brokers: ScriptedBroker[]
  readonly batches: SentBatch[] = []
  /** Decides on a batch; the others get `append`. */
  onBatch: (batch: SentBatch) => Verdict | Promise<Verdict> = () => 'append'
  /** Whether NOT_LEADER comes with who it is (KIP-951). */
  hintsLeaders = true
  /** Requests taken and not answered, now and at most. */
  unanswered = 0
  mostUnanswered = 0
  producerIds = 0
  /** Epoch of the producer ids that are given out. */
  producerEpoch = 0
  initProducerIdError = 0
  readonly #topics = new Map<string, { id: string; leaders: Leader[]; logs: PartitionLog[] }>()
  readonly #turns = new WeakMap<object, Promise<unknown>>()
  #requests = 0
  #nextTopicId = 1

  constructor(brokers: ScriptedBroker[], options: ProducerClusterOptions) {
    this.brokers = brokers
    for (const [name, topic] of Object.entries(options.topics)) this.createTopic(name, topic)
    for (const broker of brokers) {
      broker.on(metadata, ({ body }) => this.#describe((body.topics ?? []).map((topic) => topic.name)))
      if (options.idempotence !== false) {
        broker.on(initProducerId, () => ({
          errorCode: this.initProducerIdError,
          producerId: this.initProducerIdError === 0 ? BigInt(1000 + this.producerIds++) : -1n,
          producerEpoch: this.producerEpoch,
        }))
      }
      const max = options.produceVersion ?? produce.versions.max
      broker.on(
        produce,
        async ({ body, socket, version, at }) => {
          const sent = this.#receive(broker.nodeId, body, version, at)
          // A broker takes the requests of a connection one after the other.
          const answered = (this.#turns.get(socket) ?? Promise.resolve()).then(async () => {
            const answer = socket.destroyed ? 'hangUp' : await this.#produce(sent, version)
            this.unanswered--
            if (answer === 'hangUp') socket.destroy()
            // Whatever is asked behind it waits as well.
            if (answer === 'silence') await once(socket, 'close')
            return typeof answer === 'string' || body.acks === 0 ? null : answer
          })
          this.#turns.set(socket, answered)
          return await answered
        },
        { min: Math.min(3, max), max },
      )
    }
  }

  get bootstrapServers(): string {
    return this.brokers[0]!.address
  }

  createTopic(name: string, { partitions, leaders = [] }: ScriptedTopic): void {
    const id = Buffer.alloc(16)
    id.writeInt32BE(this.#nextTopicId++, 12)
    this.#topics.set(name, {
      id: id.toString('base64url'),
      leaders: Array.from({ length: partitions }, (_, i) => ({ node: leaders[i] ?? 1, epoch: 1 })),
      logs: Array.from({ length: partitions }, () => new PartitionLog()),
    })
  }

  log(topic: string, partition = 0): PartitionLog {
    return this.#topics.get(topic)!.logs[partition]!
  }

  lead(topic: string, partition: number, node: number): void {
    const leader = this.#topics.get(topic)!.leaders[partition]!
    leader.node = node
    leader.epoch++
  }

  /** The `count`th batch, waiting for it. */
  async received(count: number): Promise<SentBatch> {
    await Promise.race(this.brokers.map((broker) => broker.until(() => this.batches.length >= count)))
    return this.batches[count - 1]!
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.stop()))
  }

  #describe(names: readonly (string | null)[]) {
    return {
      clusterId: 'scripted',
      controllerId: 1,
      brokers: this.brokers.map((broker) => broker.node()),
      topics: names.map((name) => {
        const topic = this.#topics.get(name ?? '')
        if (topic === undefined) return { errorCode: errorCodes.unknownTopicOrPartition, name }
        const partitions = topic.leaders.map(({ node, epoch }, partitionIndex) => ({
          errorCode: node < 0 ? errorCodes.leaderNotAvailable : 0,
          partitionIndex,
          leaderId: node,
          leaderEpoch: epoch,
        }))
        return { errorCode: 0, name, topicId: topic.id, partitions }
      }),
    }
  }

  #receive(node: number, body: ProduceRequest, version: number, at: number): SentTopic[] {
    const request = ++this.#requests
    this.unanswered++
    this.mostUnanswered = Math.max(this.mostUnanswered, this.unanswered)
    const sent = (body.topicData ?? []).map((topic) => {
      const name = version >= 13 ? this.#nameOf(topic.topicId!) : topic.name!
      const batches = (topic.partitionData ?? []).map(({ index, records }) =>
        parse(records as Uint8Array, { topic: name, partition: index ?? 0, node, request, at }),
      )
      return { name, topicId: topic.topicId!, batches }
    })
    for (const { batches } of sent) this.batches.push(...batches)
    return sent
  }

  async #produce(sent: readonly SentTopic[], version: number) {
    const responses: { name: string; topicId: string; partitionResponses: object[] }[] = []
    let end: 'hangUp' | 'silence' | null = null
    for (const { name, topicId, batches } of sent) {
      const partitionResponses: object[] = []
      for (const batch of batches) {
        const verdict = await this.onBatch(batch)
        if (verdict === 'hangUp' || verdict === 'silence') end = verdict
        else if (verdict === 'appendAndHangUp') {
          this.#append(batch)
          end = 'hangUp'
        } else if (verdict !== 'leftOut') {
          const { currentLeader, ...answer } = this.#answer(batch, verdict)
          const leader = version >= 10 && currentLeader !== undefined ? { currentLeader } : {}
          partitionResponses.push({ index: batch.partition, ...answer, ...leader })
        }
      }
      responses.push({ name, topicId, partitionResponses })
    }
    if (end !== null) return end
    const nodeEndpoints = this.brokers.map((broker) => broker.node())
    return version >= 10 ? { responses, nodeEndpoints } : { responses }
  }

  #answer(batch: SentBatch, verdict: Exclude<Verdict, string> | 'append'): Answer {
    if (verdict === 'append') return this.#append(batch)
    if ('error' in verdict) {
      const { error: errorCode, ...hint } = verdict
      return { errorCode, baseOffset: -1n, ...hint }
    }
    if ('offset' in verdict) return { errorCode: 0, baseOffset: verdict.offset }
    const { errorCode, baseOffset } = this.#append(batch)
    // As Java's broker, which leaves the offset in the answer.
    return { errorCode: errorCode === 0 ? verdict.appendedBut : errorCode, baseOffset }
  }

  #append(batch: SentBatch): Answer {
    const topic = this.#topics.get(batch.topic)!
    const leader = topic.leaders[batch.partition]!
    if (leader.node !== batch.node) {
      const refusal = { errorCode: errorCodes.notLeaderOrFollower, baseOffset: -1n }
      if (!this.hintsLeaders) return refusal
      return { ...refusal, currentLeader: { leaderId: leader.node, leaderEpoch: leader.epoch } }
    }
    const { errorCode, baseOffset } = topic.logs[batch.partition]!.append(batch)
    return { errorCode, baseOffset: BigInt(baseOffset) }
  }

  #nameOf(topicId: string): string {
    for (const [name, topic] of this.#topics) if (topic.id === topicId) return name
    throw new Error(`no topic has id ${topicId}`)
  }
}

export async function startProducerCluster(
  options: ProducerClusterOptions,
): Promise<ScriptedProducerCluster> {
  const ids = Array.from({ length: options.nodes ?? 1 }, (_, i) => i + 1)
  const brokers = await Promise.all(ids.map((nodeId) => startScriptedBroker({ nodeId })))
  return new ScriptedProducerCluster(brokers, options)
}

function parse(
  records: Uint8Array,
  where: { topic: string; partition: number; node: number; request: number; at: number },
): SentBatch {
  // A copy: what the socket gave is used again.
  const [batch, ...more] = decodeRecords(Uint8Array.from(records))
  if (batch === undefined || more.length > 0) throw new Error('a partition must get exactly one batch')
  return {
    ...where,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    values: [...batch].map(({ value }) => (value === null ? '' : Buffer.from(value).toString())),
    size: records.length,
  }
}
