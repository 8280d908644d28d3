import { ByteReader } from './byte-reader.ts'
import { ProtocolError } from './errors.ts'
import { responseBodyVersion } from './explain/response-version.ts'
import { type Frame, FrameSplitter, type SplitOptions } from './frames.ts'
import { requestHeader, requestHeaderVersion, responseHeader, responseHeaderVersion } from './headers.ts'
import type { Api } from './message.ts'
import { apis } from './registry.ts'
import { SaslTokens } from './sasl-tokens.ts'
import { formatVersions, includesVersion } from './version-range.ts'

export type Side = 'client' | 'server'

/** A request, and its answer once that is there. */
export interface Exchange {
  /** Kafka's name; null for an API that is not known here. */
  readonly api: string | null
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  /** The time that was given with the last byte of the request. */
  readonly at: number
  /** The same of the answer; null as long as there is none. */
  readonly answeredAt: number | null
  /** The decoded body; null where it could not be decoded, which is one of the `problems`. */
  readonly request: Readonly<Record<string, unknown>> | null
  readonly response: Readonly<Record<string, unknown>> | null
  /** Version of the answer's body: that of the request, but for a refusal of ApiVersions, which is 0. */
  readonly responseVersion: number
  readonly requestFrame: Frame
  readonly responseFrame: Frame | null
  /** False for a Produce with acks=0, which has no answer. */
  readonly expectsResponse: boolean
}

/** What the two sides of SASL say to each other after SaslHandshake version 0: frames without any header. */
export interface SaslToken {
  readonly from: Side
  readonly at: number
  readonly mechanism: string
  readonly frame: Frame
}

export interface ConversationProblem {
  readonly kind: /** Bytes that are no frames; nothing more is read of this side. */
    | 'notFrames'
    /** A frame that is no request or answer, or does not decode. */
    | 'malformed'
    | 'unknownApi'
    | 'unknownVersion'
    /** It decodes, and then there is more. */
    | 'trailingBytes'
    /** An answer that no request asked for. */
    | 'unmatchedResponse'
    /** An answer before that of an earlier request, which no broker does. */
    | 'outOfOrder'
    /** The end came before the answer. */
    | 'unanswered'
    /** The end came within a frame. */
    | 'cut'
    /** Bytes that nobody has. */
    | 'gap'
  readonly from: Side
  readonly at: number
  /** Bytes from the start of this side's stream. */
  readonly offset: number
  readonly message: string
}

/** What is over in a conversation that goes on. */
export interface TakenConversation {
  readonly exchanges: readonly Exchange[]
  readonly tokens: readonly SaslToken[]
  readonly problems: readonly ConversationProblem[]
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

interface EarlyAnswer {
  readonly frame: Frame
  readonly at: number
}

/** Answers that are kept for a request to come; packets are not swapped over longer ways. */
const mostEarly = 100

const apiByKey = new Map(apis.map((api) => [api.key, api]))
const produceKey = 0
const apiVersionsKey = 18
const saslHandshakeKey = 17

/**
 * One recorded connection: takes the bytes of both sides and gives requests with their answers, paired by correlation id.
 * Nothing is thrown at what they say: what makes no sense is told in `problems`. Bytes are to come in the order of time.
 */
export class Conversation {
  /** In the order of the requests. */
  readonly exchanges: Exchange[] = []
  readonly tokens: SaslToken[] = []
  readonly problems: ConversationProblem[] = []
  readonly #frames: Record<Side, FrameSplitter>
  readonly #isBroken: Record<Side, boolean> = { client: false, server: false }
  #waiting: Writable<Exchange>[] = []
  /** Answers whose request has not been seen yet: captures swap packets that are close to each other. */
  readonly #early = new Map<number | null, EarlyAnswer[]>()
  #earlyCount = 0
  /** How many of `#waiting` have a correlation id: a peer must not make us search in vain. */
  readonly #waitingIds = new Map<number, number>()
  readonly #sasl = new SaslTokens((frame) => this.#isRequest(frame))
  #lastAt = 0

  constructor(options: SplitOptions = {}) {
    this.#frames = {
      client: new FrameSplitter(options.maxFrameBytes),
      server: new FrameSplitter(options.maxFrameBytes),
    }
  }

  /** Bytes of the client. @param at any clock; it comes back in the exchanges. */
  client(bytes: Uint8Array, at: number): void {
    this.#push('client', bytes, at)
  }

  /** Bytes of the broker. @param at as with `client`. */
  server(bytes: Uint8Array, at: number): void {
    this.#push('server', bytes, at)
  }

  /** `count` bytes of this side are not known. */
  gap(from: Side, count: number, at: number): void {
    this.#lastAt = at
    const splitter = this.#frames[from]
    this.#report('gap', from, at, splitter.offset + splitter.held, `${count} bytes are missing`)
    splitter.skip(count, (frame) => this.#onFrame(from, frame, at))
    this.#checkFrames(from, at)
  }

  /**
   * What is over, taken out of the lists: exchanges that have their answer or will have none, tokens and problems. For a
   * proxy or a long capture, which would fill the memory else; requests that wait for their answer stay.
   */
  take(): TakenConversation {
    const waiting = new Set<Exchange>(this.#waiting)
    const exchanges: Exchange[] = []
    let kept = 0
    for (const exchange of this.exchanges) {
      if (waiting.has(exchange)) this.exchanges[kept++] = exchange
      else exchanges.push(exchange)
    }
    this.exchanges.length = kept
    return { exchanges, tokens: this.tokens.splice(0), problems: this.problems.splice(0) }
  }

  /** No more bytes will come: what is cut or not answered is told now. */
  finish(at = this.#lastAt): void {
    while (this.#earlyCount > 0) this.#dropEarly()
    for (const exchange of this.#waiting) {
      const what = `${exchange.api ?? `API ${exchange.apiKey}`} with correlation id ${exchange.correlationId}`
      this.#report('unanswered', 'client', at, exchange.requestFrame.offset, `no answer to ${what}`)
    }
    this.#waiting = []
    this.#waitingIds.clear()
    for (const from of ['client', 'server'] as const) {
      const splitter = this.#frames[from]
      if (splitter.held === 0 || this.#isBroken[from]) continue
      this.#report('cut', from, at, splitter.offset, `the end comes ${splitter.held} bytes into a frame`)
    }
  }

  #push(from: Side, bytes: Uint8Array, at: number): void {
    this.#lastAt = at
    if (this.#isBroken[from]) return
    this.#frames[from].push(bytes, (frame) => this.#onFrame(from, frame, at))
    this.#checkFrames(from, at)
  }

  #checkFrames(from: Side, at: number): void {
    const splitter = this.#frames[from]
    const { error } = splitter
    if (error === null || this.#isBroken[from]) return
    this.#isBroken[from] = true
    this.#report('notFrames', from, at, error.offset, `${error.reason}${foreign(splitter.rest())}`)
  }

  #onFrame(from: Side, frame: Frame, at: number): void {
    if (frame.missing > 0) {
      const message = `${frame.missing} of ${frame.bytes.length + frame.missing} bytes of this frame are missing`
      return this.#report('malformed', from, at, frame.offset, message)
    }
    const token = this.#sasl.take(from, frame, this.#waiting[0]?.correlationId)
    if (token !== null) this.tokens.push({ from, at, mechanism: token, frame })
    else if (from === 'client') this.#onRequest(frame, at)
    else this.#onResponse(frame, at)
  }

  #onRequest(frame: Frame, at: number): void {
    const { bytes } = frame
    if (bytes.length < 8) {
      const message = `a request of ${bytes.length} bytes is less than the shortest header of 8`
      return this.#report('malformed', 'client', at, frame.offset, message)
    }
    const reader = new ByteReader(bytes)
    const apiKey = reader.int16()
    const version = reader.int16()
    const correlationId = reader.int32()
    const api = apiByKey.get(apiKey)
    const exchange: Writable<Exchange> = {
      api: api?.name ?? null,
      apiKey,
      version,
      correlationId,
      clientId: clientIdOf(reader),
      at,
      answeredAt: null,
      request: null,
      response: null,
      responseVersion: version,
      requestFrame: frame,
      responseFrame: null,
      expectsResponse: true,
    }
    const problem = unknown(api, apiKey, version)
    if (problem !== null) this.#report(problem.kind, 'client', at, frame.offset, problem.message)
    else this.#decodeRequest(api!, exchange)
    this.exchanges.push(exchange)
    if (apiKey === produceKey && exchange.request?.acks === 0) {
      exchange.expectsResponse = false
      return
    }
    if (apiKey === saslHandshakeKey && version === 0 && typeof exchange.request?.mechanism === 'string') {
      this.#sasl.begin(exchange.request.mechanism)
    }
    this.#waiting.push(exchange)
    this.#waitingIds.set(correlationId, (this.#waitingIds.get(correlationId) ?? 0) + 1)
    const early = this.#early.get(correlationId)
    if (early !== undefined) {
      const answer = this.#takeEarly(correlationId, early)
      this.#onResponse(answer.frame, answer.at)
    }
  }

  #takeEarly(id: number | null, answers: EarlyAnswer[]): EarlyAnswer {
    this.#earlyCount--
    if (answers.length === 1) this.#early.delete(id)
    return answers.shift()!
  }

  /** Tells of the answer that has waited longest that its request will not come any more. */
  #dropEarly(): void {
    const [[id, answers]] = this.#early as unknown as [[number | null, EarlyAnswer[]]]
    const { frame, at } = this.#takeEarly(id, answers)
    const message =
      id === null
        ? `an answer of ${frame.bytes.length} bytes has no correlation id`
        : `no request has the correlation id ${id}`
    this.#report(id === null ? 'malformed' : 'unmatchedResponse', 'server', at, frame.offset, message)
  }

  #decodeRequest(api: Api, exchange: Writable<Exchange>): void {
    const { requestFrame: frame, version } = exchange
    this.#attempt('client', frame, exchange.at, `request ${api.name} v${version}`, (reader) => {
      exchange.clientId = requestHeader.read(reader, requestHeaderVersion(api, version)).clientId
      exchange.request = api.request.read(reader, version)
    })
  }

  #onResponse(frame: Frame, at: number): void {
    const id = idOf(frame)
    const count = id === null ? 0 : (this.#waitingIds.get(id) ?? 0)
    if (id === null || count === 0) {
      const early = this.#early.get(id)
      if (early === undefined) this.#early.set(id, [{ frame, at }])
      else early.push({ frame, at })
      this.#earlyCount++
      if (this.#earlyCount > mostEarly) this.#dropEarly()
      return
    }
    if (count === 1) this.#waitingIds.delete(id)
    else this.#waitingIds.set(id, count - 1)
    const index = this.#waiting.findIndex((waiting) => waiting.correlationId === id)
    const exchange = this.#waiting[index]!
    this.#waiting.splice(index, 1)
    exchange.answeredAt = at
    exchange.responseFrame = frame
    if (index > 0) {
      const message = `the answer to correlation id ${id} comes before ${index} earlier ones`
      this.#report('outOfOrder', 'server', at, frame.offset, message)
    }
    this.#decodeResponse(exchange, frame, at)
    if (exchange.apiKey !== saslHandshakeKey || exchange.version !== 0) return
    this.#sasl.answered(exchange.response?.errorCode === 0)
  }

  #decodeResponse(exchange: Writable<Exchange>, frame: Frame, at: number): void {
    const { apiKey, version } = exchange
    const api = apiByKey.get(apiKey)
    if (api === undefined) return
    const bodyVersion = responseBodyVersion(api, version, frame.bytes, 4)
    exchange.responseVersion = bodyVersion
    // Its header is known for every version of ApiVersions, and the refusal of an unknown one has version 0.
    const isKnown = includesVersion(api.versions, version) || (apiKey === apiVersionsKey && bodyVersion === 0)
    if (!isKnown) return
    this.#attempt('server', frame, at, `answer ${api.name} v${bodyVersion}`, (reader) => {
      responseHeader.read(reader, responseHeaderVersion(api, bodyVersion))
      exchange.response = api.response.read(reader, bodyVersion)
    })
  }

  #attempt(from: Side, frame: Frame, at: number, what: string, decode: (reader: ByteReader) => void): void {
    const reader = new ByteReader(frame.bytes)
    try {
      decode(reader)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return this.#report('malformed', from, at, frame.offset, `${what}: ${error.message}`)
    }
    if (reader.remaining === 0) return
    const message = `${what}: ${reader.remaining} bytes after the end of the message`
    this.#report('trailingBytes', from, at, frame.offset, message)
  }

  /** Whether `frame` is a request to its last byte: the only way to see the end of a SASL exchange of unknown length. */
  #isRequest(frame: Frame): boolean {
    const { bytes } = frame
    if (bytes.length < 8) return false
    const reader = new ByteReader(bytes)
    const api = apiByKey.get(reader.int16())
    const version = reader.int16()
    if (api === undefined || !includesVersion(api.versions, version)) return false
    try {
      reader.offset = 0
      requestHeader.read(reader, requestHeaderVersion(api, version))
      api.request.read(reader, version)
      return reader.remaining === 0
    } catch {
      return false
    }
  }

  #report(kind: ConversationProblem['kind'], from: Side, at: number, offset: number, message: string): void {
    this.problems.push({ kind, from, at, offset, message })
  }
}

function idOf({ bytes }: Frame): number | null {
  return bytes.length < 4 ? null : new ByteReader(bytes).int32()
}

/** Its place is the same in all headers that have one, so it can be read of a request that is not known. */
function clientIdOf(reader: ByteReader): string | null {
  try {
    const length = reader.int16()
    return length < 0 ? null : reader.utf8(length)
  } catch {
    return null
  }
}

function unknown(
  api: Api | undefined,
  key: number,
  version: number,
): { kind: 'unknownApi' | 'unknownVersion'; message: string } | null {
  if (api === undefined) return { kind: 'unknownApi', message: `API key ${key} is not known here` }
  if (includesVersion(api.versions, version)) return null
  const message = `${api.name} version ${version} is not known here, these are: ${formatVersions(api.versions)}`
  return { kind: 'unknownVersion', message }
}

/** What the first bytes of something else look like. */
function foreign(bytes: Uint8Array): string {
  if (bytes[0]! >= 20 && bytes[0]! <= 23 && bytes[1] === 3) return ': this looks like TLS'
  const text = String.fromCharCode(...bytes.subarray(0, 5))
  return /^(HTTP|GET |POST|PUT |HEAD|PRI )/.test(text) ? ': this looks like HTTP' : ''
}
