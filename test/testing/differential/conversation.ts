import { setTimeout as wait } from 'node:timers/promises'
import { ConnectionError, TimeoutError } from '../../../src/errors.ts'
import { connectRaw, type RawConnection } from '../../../src/network/raw-connection.ts'
import { createTopics } from '../../../src/protocol/apis/create-topics.ts'
import { describeGroups } from '../../../src/protocol/apis/describe-groups.ts'
import { describeTransactions } from '../../../src/protocol/apis/describe-transactions.ts'
import { findCoordinator } from '../../../src/protocol/apis/find-coordinator.ts'
import { listOffsets } from '../../../src/protocol/apis/list-offsets.ts'
import type { Api } from '../../../src/protocol/message.ts'
import type { FieldMap, StructInput, StructOf } from '../../../src/protocol/schema.ts'
import { errors } from '../../../src/testing/error-codes.ts'
import { offeredVersions } from './differential-case.ts'
import { fitted } from './fitted.ts'
import { Normaliser } from './normalise.ts'

export interface Exchange {
  /** For instance `Produce v9`. */
  readonly request: string
  /** What came back, with what is left to chance replaced; or how it failed. */
  readonly answer: unknown
}

export interface CreatedTopic {
  readonly name: string
  readonly id: string
}

const notReady: ReadonlySet<number> = new Set([
  errors.COORDINATOR_LOAD_IN_PROGRESS,
  errors.COORDINATOR_NOT_AVAILABLE,
  errors.NOT_COORDINATOR,
])

const answerTimeoutMs = 5000

/** What a case has to do with one of the two Kafkas. They have one broker each, so that it is all of leader and coordinator. */
export class Conversation implements AsyncDisposable {
  readonly exchanges: Exchange[] = []
  /** Of the API that the case is about. */
  readonly version: number
  readonly #about: number
  readonly #address: { host: string; port: number }
  readonly #suffix: string
  readonly #normaliser = new Normaliser()
  #connection: RawConnection | null = null

  /**
   * @param bootstrapServers the first is taken.
   * @param suffix of all names, so that what others do is not in the way. The same for both Kafkas.
   */
  constructor(bootstrapServers: string, about: Pick<Api, 'key'>, version: number, suffix: string) {
    const [host, port] = bootstrapServers.split(',')[0]!.split(':')
    this.#address = { host: host!, port: Number(port) }
    this.#about = about.key
    this.version = version
    this.#suffix = suffix
  }

  /** A name for a topic, a group, a user: of this case alone, and the same on both sides. */
  named(label: string): string {
    return `${label}-${this.#suffix}`
  }

  /**
   * Sends a request, without the fields that the version lacks, and takes down what comes back.
   *
   * @param version by default that of the case, or for an API that it is not about the highest on offer.
   * @returns null when the broker hung up.
   */
  async ask<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: StructInput<Q>,
    version = this.#versionOf(api as unknown as Api),
  ): Promise<StructOf<S> | null> {
    const answer = await this.#send(api, body, version)
    this.#takeDown(api as unknown as Api, version, answer)
    return typeof answer === 'string' ? null : answer
  }

  /** As `ask`, of an answer that holds what others did too: `pick` leaves what is of this case. */
  async askFor<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: StructInput<Q>,
    pick: (answer: StructOf<S>) => StructOf<S>,
    version = this.#versionOf(api as unknown as Api),
  ): Promise<void> {
    const answer = await this.#send(api, body, version)
    this.#takeDown(api as unknown as Api, version, typeof answer === 'string' ? answer : pick(answer))
  }

  /** Asks again and again, as what was changed takes a moment to be seen, and takes down the last answer. */
  async askUntil<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: StructInput<Q>,
    isSeen: (answer: StructOf<S>) => boolean,
    version = this.#versionOf(api as unknown as Api),
  ): Promise<StructOf<S> | null> {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#send(api, body, version)
      if (attempt < 100 && typeof answer !== 'string' && !isSeen(answer)) {
        await wait(20)
        continue
      }
      this.#takeDown(api as unknown as Api, version, answer)
      return typeof answer === 'string' ? null : answer
    }
  }

  /** As `ask`, for what only prepares and is not compared. Fails when the broker hangs up. */
  async prepare<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: StructInput<Q>,
    version = offeredVersions(api as unknown as Api).max,
  ): Promise<StructOf<S>> {
    const answer = await this.#send(api, body, version)
    if (typeof answer === 'string') throw new Error(`${api.name} v${version}: ${answer}`)
    return answer
  }

  /** As `askUntil`, for what is not compared. Fails when it does not come true. */
  async prepareUntil<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: StructInput<Q>,
    isSeen: (answer: StructOf<S>) => boolean,
  ): Promise<void> {
    await this.#until(async () => isSeen(await this.prepare(api, body)))
  }

  /** Sends bytes, size included, and takes down whether anything comes back. */
  async askBytes(what: string, bytes: Uint8Array): Promise<void> {
    const connection = await this.#connected()
    const answer = await connection.sendBytes(bytes, { expectResponse: true }).then(
      (frame) => Buffer.from(frame!).toString('hex'),
      (error: unknown) => this.#failure(error),
    )
    this.exchanges.push({ request: what, answer })
  }

  /** Sends what has no answer; then whether the connection still stands shows in what is asked next. */
  async tell<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: StructInput<Q>,
    version = this.#versionOf(api as unknown as Api),
  ): Promise<void> {
    const connection = await this.#connected()
    await connection.send(api, version, fitted(api.request.fields, version, body) as StructInput<Q>, {
      expectResponse: false,
    })
  }

  /** Creates a topic and waits until it can be used. */
  async topic(
    label = 'topic',
    numPartitions = 1,
    configs: Record<string, string> = {},
  ): Promise<CreatedTopic> {
    const name = this.named(label)
    const settings = Object.entries(configs).map(([config, value]) => ({ name: config, value }))
    const { topics } = await this.prepare(createTopics, {
      topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: settings }],
    })
    const { topicId, errorCode, errorMessage } = topics[0]!
    if (errorCode !== 0) throw new Error(`creating ${name}: ${errorCode} ${errorMessage}`)
    this.#normaliser.know(topicId, `<id of ${label}>`)
    const partitions = Array.from({ length: numPartitions }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: -2n,
    }))
    await this.#until(async () => {
      const answer = await this.prepare(listOffsets, { replicaId: -1, topics: [{ name, partitions }] })
      return answer.topics[0]!.partitions.every((one) => one.errorCode === 0)
    })
    return { name, id: topicId }
  }

  /** Waits for the coordinator of a group (0), a transactional id (1) or a share group's partition (2). */
  async coordinator(key: string, keyType = 0): Promise<void> {
    await this.#until(async () => {
      const answer = await this.prepare(findCoordinator, { keyType, coordinatorKeys: [key] })
      return answer.coordinators[0]!.errorCode === 0
    })
    if (keyType > 1) return
    // It may still be reading what it is to coordinate.
    await this.#until(async () => {
      if (keyType === 1) {
        const { transactionStates } = await this.prepare(describeTransactions, { transactionalIds: [key] })
        return !notReady.has(transactionStates[0]!.errorCode)
      }
      const { groups } = await this.prepare(describeGroups, { groups: [key] })
      return !notReady.has(groups[0]!.errorCode)
    })
  }

  /** Makes a value that was left to chance, or is another on either side, read the same. */
  know(value: string | bigint | number, name: string): void {
    this.#normaliser.know(value, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection?.close()
  }

  #versionOf(api: Api): number {
    return api.key === this.#about ? this.version : offeredVersions(api).max
  }

  async #until(isSo: () => Promise<boolean>): Promise<void> {
    const giveUpAt = performance.now() + 20_000
    while (!(await isSo())) {
      if (performance.now() > giveUpAt) throw new Error('gave up after 20 s')
      await wait(20)
    }
  }

  async #connected(): Promise<RawConnection> {
    if (this.#connection === null || this.#connection.closed !== null) {
      this.#connection = await connectRaw({
        ...this.#address,
        clientId: 'differential',
        timeoutMs: answerTimeoutMs,
      })
    }
    return this.#connection
  }

  async #send<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: StructInput<Q>,
    version: number,
  ): Promise<StructOf<S> | string> {
    const connection = await this.#connected()
    const fitting = fitted(api.request.fields, version, body) as StructInput<Q>
    try {
      const { decoded, error, trailingBytes } = await connection.send(api, version, fitting)
      if (decoded === null) return `does not decode: ${error!.message}`
      return trailingBytes > 0 ? `${trailingBytes} bytes too many` : decoded
    } catch (error) {
      return this.#failure(error)
    }
  }

  #failure(error: unknown): string {
    if (error instanceof ConnectionError) return 'hung up'
    if (!(error instanceof TimeoutError)) throw error
    // What comes late must not be taken for the answer to the next.
    void this.#connection?.close()
    return 'no answer'
  }

  #takeDown(api: Api, version: number, answer: unknown): void {
    this.exchanges.push({
      request: `${api.name} v${version}`,
      answer: typeof answer === 'string' ? answer : this.#normaliser.answer(api, version, answer),
    })
  }
}
