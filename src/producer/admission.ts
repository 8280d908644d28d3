import { addAbortListener, removeAbortListener } from '../abort-listeners.ts'
import type { Metadata } from '../cluster/metadata.ts'
import { Deadline } from '../deadline.ts'
import { IllegalStateError, RecordTooLargeError } from '../errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import { batchHeaderBytes } from '../protocol/records/batch-header.ts'
import type { BufferMemory } from './buffer-memory.ts'
import { type Candidate, copyOf, fail, payloadsOf } from './candidate.ts'
import type { Dispatcher } from './dispatcher.ts'
import { FlushTracker } from './flush-tracker.ts'
import type { TopicState } from './topic-state.ts'

interface Waiting {
  readonly candidate: Candidate
  /** Bytes of the buffer that are set aside for it. */
  readonly bytes: number
  readonly deadline: Deadline
  /** Which `settled` waits for it. */
  readonly generation: number
  /** It was refused while it stood in line for its topic. */
  hasLeft: boolean
  onAbort: (() => void) | null
}

/** Bytes around a record's payloads and headers, at most: five varints, the attributes, and the header of a new batch. */
export const recordOverhead = 32 + batchHeaderBytes

/**
 * Lets records in when there is room in the buffer and their topic is known. What must wait is let in in the order in
 * which it came, topic by topic: an unknown topic holds up nobody else.
 */
export class Admission {
  readonly #dispatcher: Dispatcher
  readonly #memory: BufferMemory
  readonly #metadata: Metadata
  readonly #maxBlockMs: number
  readonly #onRefused: (error: unknown) => void
  readonly #byTopic = new Map<string, Waiting[]>()
  readonly #outside = new FlushTracker()
  #isClosed = false

  /** @param onRefused told of each record that has waited in vain. */
  constructor(
    dispatcher: Dispatcher,
    memory: BufferMemory,
    metadata: Metadata,
    maxBlockMs: number,
    onRefused: (error: unknown) => void,
  ) {
    this.#dispatcher = dispatcher
    this.#memory = memory
    this.#metadata = metadata
    this.#maxBlockMs = maxBlockMs
    this.#onRefused = onRefused
  }

  /** The topic, when a record of it can go straight to its queue; else it has to `enter`. */
  openTopic(name: string, bytesAtMost: number): TopicState | null {
    if (!this.#memory.hasRoom(bytesAtMost) || (this.#byTopic.size > 0 && this.#byTopic.has(name))) return null
    return this.#dispatcher.topic(name)
  }

  /**
   * Takes the long way in. What fails later is told to the candidate's delivery.
   *
   * @param mustFit whether there being no room is an error; else the record waits for some.
   * @throws what makes the record impossible, or BUFFER_FULL. Nothing has happened then.
   */
  enter(candidate: Candidate, signal: AbortSignal | undefined, mustFit: boolean): void {
    const { topic } = candidate
    const payload = payloadsOf(candidate)
    const { total } = this.#memory
    // A record that just fits into an empty buffer gets all of it; its queue looks at the exact size.
    if (payload > total) throw tooLarge(topic, payload, total)
    const bytes = Math.min(payload + recordOverhead, total)
    const hasRoom = this.#memory.hasRoom(bytes)
    if (hasRoom && !this.#byTopic.has(topic)) {
      const state = this.#dispatcher.topic(topic)
      if (state !== null && isWithin(candidate, state))
        return this.#dispatcher.appendCandidate(state, candidate)
    }
    if (!hasRoom && mustFit) throw bufferFull(this.#memory, topic)
    const { generation } = this.#outside
    const waiting: Waiting = {
      // Its sender may write over the bytes as soon as the call is over.
      candidate: copyOf(candidate),
      bytes,
      deadline: new Deadline(this.#maxBlockMs, signal),
      generation,
      hasLeft: false,
      onAbort: null,
    }
    this.#outside.add(generation)
    if (hasRoom) {
      this.#memory.take(bytes)
      this.#admit(waiting)
      return
    }
    this.#memory.wait(
      bytes,
      waiting.deadline,
      () => this.#admit(waiting),
      (error) => {
        this.#fail(waiting.candidate, error)
        this.#outside.settled(generation)
      },
    )
  }

  /** Resolves when nothing that has come so far waits outside. */
  settled(): Promise<void> {
    return this.#outside.end()
  }

  /** Refuses all that waits now. Those in line for a topic are left there, for whoever serves it to pass over. */
  refuse(error: Error): void {
    this.#memory.close(error)
    for (const line of this.#byTopic.values()) for (const waiting of line) this.#refuse(waiting, error)
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
    const { candidate, deadline } = waiting
    const { topic } = candidate
    const line = this.#byTopic.get(topic)
    if (line === undefined) {
      const state = this.#dispatcher.topic(topic)
      if (state !== null && isWithin(candidate, state)) return this.#append(waiting, state)
    }
    if (deadline.signal !== undefined) {
      waiting.onAbort = () => this.#refuse(waiting, deadline.signal?.reason)
      addAbortListener(deadline.signal, waiting.onAbort)
    }
    if (line !== undefined) {
      line.push(waiting)
      return
    }
    // Both are needed before the first batch can leave, and are asked for at the same time.
    this.#dispatcher.gate.prepare()
    const begun = [waiting]
    this.#byTopic.set(topic, begun)
    void this.#serve(topic, begun)
  }

  /** Waits for the topic, then lets in all who wait for it. Never rejects. */
  async #serve(topic: string, line: Waiting[]): Promise<void> {
    while (line.length > 0 && !this.#isClosed) {
      const first = line[0]!
      if (first.hasLeft) {
        line.shift()
        continue
      }
      try {
        const state = await this.#find(topic, first)
        if (this.#isClosed) return
        // The others as well, in one go: nothing may be appended in between by somebody who came later.
        let served = 0
        do {
          this.#append(line[served++]!, state)
        } while (served < line.length && isWithin(line[served]!.candidate, state))
        line.splice(0, served)
      } catch (error) {
        if (this.#isClosed) return
        // It was aborted meanwhile, which says nothing about the topic.
        if (first.hasLeft) continue
        let refused = 1
        this.#refuse(first, error)
        // Those who would only learn the same: their time is over too, or the topic is none that can be had.
        const isFinal = error instanceof KafkaError && !error.retriable
        while (refused < line.length && (isFinal || line[refused]!.deadline.expired)) {
          this.#refuse(line[refused++]!, error)
        }
        line.splice(0, refused)
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

  #append(waiting: Waiting, state: TopicState): void {
    if (waiting.hasLeft) return
    this.#leave(waiting)
    const { candidate, bytes, generation } = waiting
    this.#memory.exchange(bytes, () => {
      try {
        this.#dispatcher.appendCandidate(state, candidate)
      } catch (error) {
        this.#fail(candidate, error)
      }
    })
    this.#outside.settled(generation)
  }

  #refuse(waiting: Waiting, error: unknown): void {
    if (waiting.hasLeft) return
    this.#leave(waiting)
    this.#fail(waiting.candidate, error)
    this.#outside.settled(waiting.generation)
    this.#memory.free(waiting.bytes)
  }

  #fail(candidate: Candidate, error: unknown): void {
    fail(candidate, error)
    this.#onRefused(error)
  }

  #leave(waiting: Waiting): void {
    waiting.hasLeft = true
    if (waiting.onAbort !== null) removeAbortListener(waiting.deadline.signal, waiting.onAbort)
  }
}

/** Whether the record's partition exists, as far as is known. */
function isWithin({ partition }: Candidate, state: TopicState): boolean {
  return partition === undefined || state.has(partition)
}

function bufferFull(memory: BufferMemory, topic: string): KafkaError {
  return new KafkaError(
    'BUFFER_FULL',
    `no room for a record in bufferMemory (${memory.used} of ${memory.total} bytes in use): ` +
      'after produce() has returned false, wait for drained()',
    { topic, retriable: true },
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
