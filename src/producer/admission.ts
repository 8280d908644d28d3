import type { Metadata } from '../cluster/metadata.ts'
import { Deadline } from '../deadline.ts'
import { IllegalStateError, InvalidArgumentError, RecordTooLargeError } from '../errors.ts'
import { KafkaError, ProtocolError } from '../protocol/errors.ts'
import {
  type HeadersInput,
  headerList,
  headersSize,
  payloadLength,
} from '../protocol/records/record-header.ts'
import type { BufferMemory } from './buffer-memory.ts'
import type { Delivery } from './delivery.ts'
import type { Dispatcher } from './dispatcher.ts'
import type { TopicState } from './topic-state.ts'

type Payload = string | Uint8Array | null

/** A record on the threshold: serialized, but not yet in the queue of a partition. */
export interface Candidate {
  readonly topic: string
  readonly partition: number | undefined
  readonly timestamp: number
  readonly key: Payload
  readonly value: Payload
  readonly headers: HeadersInput | undefined
  readonly delivery: Delivery
}

interface Waiting {
  readonly candidate: Candidate
  readonly bytes: number
  readonly deadline: Deadline
}

/** Bytes of a record beside its payloads, about. */
const recordOverhead = 24

/**
 * Lets records in when there is room in the buffer and their topic is known. What must wait is let in in the order in
 * which it came, topic by topic: an unknown topic holds up nobody else.
 */
export class Admission {
  readonly #dispatcher: Dispatcher
  readonly #memory: BufferMemory
  readonly #metadata: Metadata
  readonly #maxBlockMs: number
  readonly #byTopic = new Map<string, Waiting[]>()
  #outside = 0
  #whenEmpty: (() => void)[] = []
  #isClosed = false

  constructor(dispatcher: Dispatcher, memory: BufferMemory, metadata: Metadata, maxBlockMs: number) {
    this.#dispatcher = dispatcher
    this.#memory = memory
    this.#metadata = metadata
    this.#maxBlockMs = maxBlockMs
  }

  /** The topic, when a record of it can go straight to its queue; else it has to `enter`. */
  openTopic(name: string, bytesAtMost: number): TopicState | null {
    if (!this.#memory.hasRoom(bytesAtMost) || this.#byTopic.has(name)) return null
    return this.#dispatcher.topic(name)
  }

  /** Takes the long way in. Failures are told to the candidate's delivery. */
  enter(candidate: Candidate, signal?: AbortSignal): void {
    let bytes: number
    try {
      bytes = sizeOf(candidate)
      if (bytes > this.#memory.total) throw tooLarge(candidate.topic, bytes, this.#memory.total)
    } catch (error) {
      return fail(candidate, error)
    }
    const waiting: Waiting = { candidate, bytes, deadline: new Deadline(this.#maxBlockMs, signal) }
    this.#outside++
    if (this.#memory.hasRoom(bytes)) {
      this.#memory.take(bytes)
      this.#admit(waiting)
      return
    }
    this.#memory.wait(
      bytes,
      waiting.deadline,
      () => this.#admit(waiting),
      (error) => {
        fail(candidate, error)
        this.#left()
      },
    )
  }

  /** Resolves when nothing that has come so far waits outside. */
  async settled(): Promise<void> {
    if (this.#outside === 0) return
    await new Promise<void>((resolve) => this.#whenEmpty.push(resolve))
  }

  close(error: Error): void {
    this.#isClosed = true
    this.#memory.close(error)
    for (const line of this.#byTopic.values()) {
      for (const waiting of line.splice(0)) this.#refuse(waiting, error)
    }
    this.#byTopic.clear()
  }

  /** It has its room in the buffer; what is missing is the topic. */
  #admit(waiting: Waiting): void {
    const { topic } = waiting.candidate
    const line = this.#byTopic.get(topic)
    if (line !== undefined) {
      line.push(waiting)
      return
    }
    const state = this.#dispatcher.topic(topic)
    if (state !== null && isWithin(waiting.candidate, state)) return this.#append(waiting, state)
    // Both are needed before the first batch can leave, and are asked for at the same time.
    this.#dispatcher.prepare()
    const begun = [waiting]
    this.#byTopic.set(topic, begun)
    void this.#serve(topic, begun)
  }

  /** Waits for the topic, then lets in all who wait for it. Never rejects. */
  async #serve(topic: string, line: Waiting[]): Promise<void> {
    while (line.length > 0 && !this.#isClosed) {
      const first = line[0]!
      try {
        const state = await this.#find(topic, first)
        if (this.#isClosed) return
        line.shift()
        this.#append(first, state)
        // The others as well, in one go: nothing may be appended in between by somebody who came later.
        while (line.length > 0 && isWithin(line[0]!.candidate, state)) this.#append(line.shift()!, state)
      } catch (error) {
        if (this.#isClosed) return
        line.shift()
        this.#refuse(first, error)
        // Those whose time is over too would only learn the same.
        while (line[0]?.deadline.expired) this.#refuse(line.shift()!, error)
      }
    }
    if (this.#byTopic.get(topic) === line) this.#byTopic.delete(topic)
  }

  async #find(topic: string, { candidate, deadline }: Waiting): Promise<TopicState> {
    deadline.throwIfAborted()
    await this.#metadata.topic(topic, deadline)
    const state = this.#dispatcher.topic(topic)!
    if (isWithin(candidate, state)) return state
    // The partition may be new: one look at the cluster, then it is an error. Java waits for the whole of maxBlockMs.
    await deadline.race(this.#metadata.refresh([topic]), `metadata of topic ${topic}`)
    return state
  }

  #append({ candidate, bytes }: Waiting, state: TopicState): void {
    this.#memory.free(bytes)
    const { partition, timestamp, key, value, headers, delivery } = candidate
    try {
      this.#dispatcher.append(state, partition, timestamp, key, value, headers, delivery)
    } catch (error) {
      fail(candidate, error)
    }
    this.#left()
  }

  #refuse({ candidate, bytes }: Waiting, error: unknown): void {
    this.#memory.free(bytes)
    fail(candidate, error)
    this.#left()
  }

  #left(): void {
    if (--this.#outside > 0) return
    const resolvers = this.#whenEmpty
    this.#whenEmpty = []
    for (const resolve of resolvers) resolve()
  }
}

/** Whether the record's partition exists, as far as is known. */
function isWithin({ partition }: Candidate, state: TopicState): boolean {
  return partition === undefined || state.has(partition)
}

function fail({ delivery, topic }: Candidate, error: unknown): void {
  const mine = delivery.count === 0 ? delivery : delivery.another()
  mine.count = 1
  mine.failed(sendError(error, topic))
}

/** What a record that cannot be sent is refused with. */
export function sendError(error: unknown, topic: string): Error {
  if (error instanceof ProtocolError) {
    return new InvalidArgumentError(`a record for topic ${topic}: ${error.message}`, { topic, cause: error })
  }
  if (error instanceof Error) return error
  return new KafkaError('SEND_FAILED', `a record for topic ${topic}: ${String(error)}`, {
    topic,
    cause: error,
  })
}

function sizeOf({ key, value, headers }: Candidate): number {
  const list = headers === undefined ? [] : headerList(headers)
  return (
    recordOverhead + Math.max(0, payloadLength(key)) + Math.max(0, payloadLength(value)) + headersSize(list)
  )
}

function tooLarge(topic: string, bytes: number, total: number): RecordTooLargeError {
  return new RecordTooLargeError(
    `a record of ${bytes} bytes for topic ${topic} is larger than bufferMemory, ${total}`,
    { topic },
  )
}

export function closedError(): IllegalStateError {
  return new IllegalStateError('the producer is closed')
}
