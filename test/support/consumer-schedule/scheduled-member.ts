import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Consumer } from '../../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../../src/consumer/consumer-options.ts'
import type { ConsumerRecord } from '../../../src/consumer/consumer-record.ts'
import { Deadline } from '../../../src/deadline.ts'
import { ConnectionError } from '../../../src/errors.ts'
import type { Connect } from '../../../src/network/transport.ts'
import { KafkaError } from '../../../src/protocol/errors.ts'
import type { MemberPlan } from './draw-schedule.ts'
import type { GroupLedger } from './group-ledger.ts'

export interface MemberContext {
  readonly ledger: GroupLedger
  readonly bootstrapServers: string
  readonly connect: Connect
  readonly groupId: string
  readonly topic: string
  readonly isCalm: boolean
  /** Options that all members of the schedule have besides. */
  readonly options: ConsumerOptions
  /** Longest time for a close. */
  readonly closeMs: number
}

type AnyRecord = ConsumerRecord<Buffer | null, Buffer | null>

/** Codes of mistakes of ours: nothing that happens to a consumer is a reason for them. */
const bugs: readonly string[] = [
  'UNEXPECTED_ERROR',
  'CLIENT_FAULT',
  'ASSIGNMENT_FAILED',
  'INVALID_ASSIGNMENT',
]

/** One consumer with the application that uses it, and its process: which may crash, or lose its network. */
export class ScheduledMember {
  readonly name: string
  readonly plan: MemberPlan
  readonly #context: MemberContext
  readonly #consumer: Consumer
  readonly #pipes = new Set<Duplex>()
  readonly #loop: Promise<void>
  /** How far it has handled what it was given, by partition. */
  readonly #handledTo = new Map<string, number>()
  /** The offset that has to come next, by partition: no log here has gaps. */
  readonly #next = new Map<string, number>()
  #isDead = false
  #isCut = false
  #isLeaving = false
  #isOver = false
  #isBusy = false
  #isGone = false
  #lateMs = 0
  #closing: Promise<void> | null = null

  constructor(name: string, slot: number, plan: MemberPlan, context: MemberContext) {
    this.name = name
    this.plan = plan
    this.#context = context
    const { topic } = context
    this.#consumer = new Consumer({
      ...plan.options,
      ...context.options,
      bootstrapServers: context.bootstrapServers,
      connect: this.#connect,
      clientId: name,
      groupId: context.groupId,
      topics: plan.byPattern ? [new RegExp(`^${topic}$`)] : [topic],
      ...(plan.isStatic ? { groupInstanceId: `static-${slot}` } : {}),
      onPartitionsAssigned: (partitions) => {
        for (const one of partitions) this.#forget(`${one.topic}-${one.partition}`)
      },
      onPartitionsRevoked: (partitions) => {
        for (const one of partitions) this.#checkHandedOver(`${one.topic}-${one.partition}`)
      },
      onPartitionsLost: (partitions) => {
        for (const one of partitions) this.#forget(`${one.topic}-${one.partition}`)
        if (!this.#isDead) this.#mishap(`${name} lost ${partitions.length} partitions`)
      },
      onError: (error) => {
        if (bugs.includes(error.code)) context.ledger.problem(`${name} was told ${error.stack}`)
      },
    })
    this.#loop = this.#work()
  }

  /** Whether it reads, or will when it can. */
  get isAlive(): boolean {
    return !this.#isDead && !this.#isLeaving && !this.#isOver
  }

  /** Whether nothing of it is left. */
  get isGone(): boolean {
    return this.#isGone
  }

  /** What it has and does, for messages. */
  describe(): string {
    const { generationId } = this.#consumer.groupMetadata()
    const has = this.#consumer
      .lag()
      .map(({ partition, position, endOffset }) => `${partition}@${position}/${endOffset}`)
      .join(' ')
    const busy = this.#isBusy ? ', at work' : ''
    return `${this.name} (${this.plan.how}, ${this.plan.commits}) in generation ${generationId} with [${has}]${busy}`
  }

  get openConnections(): number {
    return this.#pipes.size
  }

  /** Who the group takes it for: a static member stays the same over a restart. */
  get #owner(): string {
    return this.#consumer.groupMetadata().groupInstanceId ?? this.name
  }

  /** Finishes what is in hand, and leaves. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    // The loop does it itself when it is through with what it has; a run is drained by being closed.
    if (!this.#isBusy || this.#isRun) void this.#close()
    await this.#ended()
  }

  /** Closes it in the middle of its work. */
  async quit(): Promise<void> {
    this.#isLeaving = true
    this.#context.ledger.excuse(`${this.name} was closed in the middle of its work`)
    void this.#close()
    await this.#ended()
  }

  /** The process is gone, and all that it had. */
  async crash(): Promise<void> {
    const { ledger } = this.#context
    ledger.excuse(`${this.name} crashed`)
    this.#isDead = true
    ledger.gone(this.#owner)
    for (const pipe of this.#pipes) pipe.destroy()
    void this.#close(0)
    await this.#ended()
  }

  /** Without connections, until `mend`. */
  cut(): void {
    this.#isCut = true
    for (const pipe of this.#pipes) pipe.destroy()
  }

  mend(): void {
    this.#isCut = false
  }

  /** Its next record takes `ms` longer. */
  beLate(ms: number): void {
    this.#context.ledger.excuse(`${this.name} was late`)
    this.#lateMs = ms
  }

  seekBack(records: number): void {
    const [one] = this.#consumer.assignment()
    if (one === undefined) return
    const { ledger } = this.#context
    const key = `${one.topic}-${one.partition}`
    const to = Math.max(0, ledger.committedOffset(key) - records)
    ledger.excuse(`${this.name} sought ${key} back to ${to}`)
    ledger.sought(key, to)
    this.#handledTo.delete(key)
    this.#next.set(key, to)
    this.#consumer.seek({ ...one, offset: to })
  }

  pause(): void {
    this.#consumer.pause(this.#consumer.assignment())
  }

  resume(): void {
    if (this.isAlive) this.#consumer.resume(this.#consumer.paused())
  }

  enforceRebalance(): void {
    this.#consumer.enforceRebalance('so it was drawn')
  }

  get #isRun(): boolean {
    return this.plan.how.startsWith('run')
  }

  readonly #connect: Connect = async (target) => {
    const refuse = () => {
      if (!this.#isDead && !this.#isCut) return
      throw new ConnectionError('CONNECTION_REFUSED', `${this.name} has no network`)
    }
    refuse()
    const pipe = await this.#context.connect(target)
    this.#pipes.add(pipe)
    pipe.once('close', () => this.#pipes.delete(pipe))
    try {
      refuse()
    } catch (error) {
      pipe.destroy()
      throw error
    }
    return pipe
  }

  /** Reads until it leaves, and again after errors that pass. */
  async #work(): Promise<void> {
    const { ledger } = this.#context
    while (!this.#isLeaving && !this.#isDead) {
      try {
        await this.#read()
        if (this.#isRun) break
      } catch (error) {
        this.#isBusy = false
        if (this.#isLeaving || this.#isDead) break
        const { code, fatal } = error instanceof KafkaError ? error : { code: '', fatal: true }
        const what = `${this.name} failed with ${error instanceof Error ? error.stack : String(error)}`
        if (code === '' || bugs.includes(code)) ledger.problem(what)
        else this.#mishap(what)
        if (fatal) {
          if (code !== 'FENCED_INSTANCE_ID') ledger.problem(what)
          break
        }
        await sleep(5)
      }
    }
    this.#isOver = true
    await this.#close()
    this.#isGone = true
  }

  async #read(): Promise<void> {
    const consumer = this.#consumer
    switch (this.plan.how) {
      case 'iterate':
        for await (const record of consumer) {
          this.#isBusy = true
          this.#came([record])
          await this.#handle(record, this.#generation)
          await this.#commit([record], () => consumer.commit())
          this.#askAgain()
        }
        return
      case 'batches':
        for await (const batch of consumer.batches()) {
          this.#isBusy = true
          this.#came(batch.records)
          await this.#handleAll(batch.records, this.#generation)
          await this.#commit(batch.records, () => batch.commit())
          this.#askAgain()
        }
        return
      case 'poll':
        while (!this.#isLeaving && !this.#isDead) {
          const records = await consumer.poll({ timeoutMs: 30 })
          this.#isBusy = true
          this.#came(records)
          await this.#handleAll(records, this.#generation)
          await this.#commit(records, () => consumer.commit())
          // What a last poll gave is done by that alone.
          if (this.#isLeaving && this.plan.commits === 'auto') await this.#tryCommit(() => consumer.commit())
          this.#isBusy = false
        }
        return
      case 'run':
      case 'runKeys':
        return await consumer.run({
          eachMessage: (record) => {
            this.#came([record])
            return this.#handle(record, this.#generation)
          },
          concurrency: this.plan.concurrency,
          ordering: this.plan.how === 'run' ? 'partition' : 'key',
        })
      case 'runBatches':
        return await consumer.run({
          eachBatch: async (batch) => {
            this.#came(batch.records)
            await this.#handleAll(batch.records, this.#generation)
            await this.#commit(batch.records, () => batch.commit())
          },
          concurrency: this.plan.concurrency,
        })
    }
  }

  #forget(key: string): void {
    this.#handledTo.delete(key)
    this.#next.delete(key)
  }

  /** These have come now: each is the next of its partition. */
  #came(records: readonly AnyRecord[]): void {
    // Of several keys at a time any may be the first.
    if (this.plan.how === 'runKeys') return
    for (const { topic, partition, offset } of records) {
      const key = `${topic}-${partition}`
      const next = this.#next.get(key) ?? offset
      if (offset !== next)
        this.#context.ledger.problem(`${this.name} got ${key}@${offset}, and ${next} is next`)
      this.#next.set(key, offset + 1)
    }
  }

  get #generation(): number {
    return this.#consumer.groupMetadata().generationId
  }

  /** The loop is about to ask for more: what it had is done, and it may leave. */
  #askAgain(): void {
    this.#isBusy = false
    if (this.#isLeaving) void this.#close()
  }

  async #handleAll(records: readonly AnyRecord[], generation: number): Promise<void> {
    for (const record of records) await this.#handle(record, generation)
  }

  #handle(record: AnyRecord, generation: number): void | Promise<void> {
    const { topic, partition, offset } = record
    const key = `${topic}-${partition}`
    const hand = this.#context.ledger.received(this.#owner, key, offset, generation)
    const ms = this.#lateMs + (offset % this.plan.slowEach === 0 ? this.plan.slowMs : 0)
    this.#lateMs = 0
    const end = () => {
      // What a process has done that is gone, nobody knows of.
      if (this.#isDead) return
      this.#context.ledger.handledOne(hand)
      this.#handledTo.set(key, Math.max(this.#handledTo.get(key) ?? 0, offset + 1))
    }
    return ms === 0 ? end() : sleep(ms).then(end)
  }

  async #commit(records: readonly AnyRecord[], commit: () => Promise<void>): Promise<void> {
    const { commits } = this.plan
    if (commits === 'auto' || records.length === 0 || this.#isDead) return
    if (commits === 'each') return await this.#tryCommit(commit)
    const offsets = records.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 }))
    const committing = this.#tryCommit(() => this.#consumer.commit(offsets))
    if (commits === 'offsets') await committing
  }

  async #tryCommit(commit: () => Promise<void>): Promise<void> {
    try {
      await commit()
    } catch (error) {
      if (this.#isDead) return
      if (!(error instanceof KafkaError)) throw error
      const what = `${this.name} could not commit: ${error.message}`
      // Nobody waits with a revocation for the hasty one, and a machine may be too busy for its time-outs.
      if (this.plan.commits === 'hasty' || error.retriable) this.#context.ledger.excuse(what)
      else this.#mishap(what)
    }
  }

  #close(timeoutMs = this.#context.closeMs): Promise<void> {
    this.#closing ??= this.#consumer.close({ timeoutMs })
    return this.#closing
  }

  async #ended(): Promise<void> {
    const deadline = new Deadline(this.#context.closeMs + 2000)
    try {
      await deadline.race(this.#loop, 'the end of a member')
    } catch (error) {
      this.#context.ledger.problem(`${this.name} did not end: ${String(error)}`)
    }
  }

  #mishap(what: string): void {
    this.#context.ledger.excuse(what.split('\n')[0]!)
    if (this.#context.isCalm) this.#context.ledger.problem(`all is calm, and ${what}`)
  }

  #checkHandedOver(key: string): void {
    if (this.#isDead) return
    const { ledger } = this.#context
    const why = ledger.notHandedOver(this.#owner, key, this.#handledTo.get(key) ?? 0)
    if (why === null) return
    // With an order of keys alone others are handled before one that waits for its turn, and come again with it; and
    // the last hasty commit may still be under way.
    if (this.plan.how === 'runKeys' || this.plan.commits === 'hasty') ledger.excuse(why)
    else this.#mishap(`${why} (${this.plan.how}, ${this.plan.commits})`)
  }
}
