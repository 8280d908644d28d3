import type { Duplex } from 'node:stream'
import { apiVersions } from '../../protocol/apis/api-versions.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { FrameReader } from '../../protocol/frame-reader.ts'
import { encodeResponseFrame, requestHeader, requestHeaderVersion } from '../../protocol/headers.ts'
import type { Api } from '../../protocol/message.ts'
import { existsIn, type FieldMap, type StructInput, type StructOf } from '../../protocol/schema.ts'
import { refuseApiVersions } from '../apis/api-versions.ts'
import { errors } from '../error-codes.ts'
import type { Action, AnswerBody } from '../faults/actions.ts'
import { errorAnswer } from '../faults/error-answer.ts'
import type { Admission, SaslSession } from '../security/sasl-session.ts'
import { type Answer, type ApiHandler, HangUp, RequestRefused } from './api-handler.ts'
import type { Broker } from './broker.ts'
import { handlerOf } from './handlers.ts'
import type { Listener } from './listener.ts'
import { RequestContext } from './request-context.ts'

/** Requests that wait in a connection before nothing more is read from it. */
const queueLimit = 32

/** `socket.request.max.bytes` of Kafka. */
const largestRequestBytes = 100 * 1024 * 1024

interface Request {
  readonly handler: ApiHandler
  readonly context: RequestContext
  readonly body: StructOf<FieldMap>
  readonly admission: Admission
}

/**
 * One client's connection. As in Kafka it has one request at a time in work, so that answers come in the order of the
 * requests, and a long poll holds up what is behind it.
 */
export class BrokerConnection {
  readonly id: number
  readonly broker: Broker
  readonly listener: Listener
  /** As Kafka shows it: `/127.0.0.1`. */
  readonly clientHost: string
  principal = 'User:ANONYMOUS'
  /** What the client says of itself (KIP-511). */
  clientSoftware = { name: 'unknown', version: 'unknown' }
  /** Null where nobody is asked who they are. */
  readonly sasl: SaslSession | null
  readonly #stream: Duplex
  readonly #frames = new FrameReader(largestRequestBytes)
  readonly #queue: Uint8Array[] = []
  readonly #onClosed = new Set<() => void>()
  #working = false
  #held = false
  #closed = false
  #closesAfterAnswer = false
  #corked = false

  constructor(
    broker: Broker,
    listener: Listener,
    stream: Duplex,
    id: number,
    clientHost: string,
    sasl: SaslSession | null,
  ) {
    this.id = id
    this.broker = broker
    this.listener = listener
    this.clientHost = clientHost
    this.sasl = sasl
    this.#stream = stream
    stream.on('data', (chunk: Uint8Array) => this.#onData(chunk))
    stream.on('end', () => this.close())
    stream.on('error', () => this.close())
    stream.on('close', () => this.close())
    stream.on('drain', () => this.#work())
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Calls `run` when the connection ends, at once when it has. Gives back how to stop it. */
  whenClosed(run: () => void): () => void {
    if (this.#closed) run()
    else this.#onClosed.add(run)
    return () => this.#onClosed.delete(run)
  }

  /** Takes up no request, as a broker that hangs; what is being worked on is answered. */
  hold(held: boolean): void {
    this.#held = held
    if (held) this.#stream.pause()
    else {
      this.#stream.resume()
      this.#work()
    }
  }

  /** Hangs up at once. */
  close(): void {
    if (this.#closed) return
    this.#stream.destroy()
    this.#forget()
  }

  /** Hangs up when the answer to the request in work is sent: after a failed authentication, say. */
  closeAfterAnswer(): void {
    this.#closesAfterAnswer = true
  }

  /** Hangs up behind what was written: destroying the stream would take that along. */
  #finish(): void {
    if (this.#closed) return
    this.#forget()
    this.#stream.end()
    // What still comes is read and thrown away: a socket that is closed with something unread loses what it has sent.
    this.#stream.resume()
  }

  #forget(): void {
    this.#closed = true
    this.#queue.length = 0
    for (const run of this.#onClosed) run()
    this.#onClosed.clear()
  }

  #onData(chunk: Uint8Array): void {
    if (this.#closed) return
    try {
      this.#frames.push(chunk, (frame) => this.#queue.push(frame))
    } catch {
      // As Java's InvalidReceiveException: what follows cannot be made sense of.
      return this.close()
    }
    this.#work()
    if (this.#queue.length >= queueLimit) this.#stream.pause()
  }

  #work(): void {
    while (
      !this.#working &&
      !this.#held &&
      !this.#closed &&
      this.#queue.length > 0 &&
      !this.#stream.writableNeedDrain
    ) {
      const frame = this.#queue.shift()!
      let later: Promise<void> | undefined
      try {
        later = this.#process(frame)
      } catch (error) {
        return this.#fail(error)
      }
      if (later === undefined) continue
      this.#working = true
      later.then(
        () => {
          this.#working = false
          this.#work()
        },
        (error: unknown) => this.#fail(error),
      )
    }
    if (!this.#closed && !this.#held && this.#queue.length < queueLimit / 2 && this.#stream.isPaused())
      this.#stream.resume()
  }

  #fail(error: unknown): void {
    // Bytes of a client that make no sense are no failure of ours; an answer that cannot be written is.
    const isClients = error instanceof ProtocolError && error.code !== 'UNENCODABLE'
    if (!(error instanceof HangUp) && !isClients) this.broker.cluster.failed(error)
    // Behind the answers of before: they are on their way.
    this.#finish()
  }

  /** A promise when it takes longer. */
  #process(frame: Uint8Array): Promise<void> | undefined {
    if (this.sasl?.takesRawTokens) return this.#rawToken(frame)
    const request = this.#read(frame)
    if (request === null) return
    if (request.admission === 'illegal') {
      this.#answer(
        request,
        errorAnswer(request.handler.api, request.context.version, request.body, 'ILLEGAL_SASL_STATE'),
      )
      this.#finish()
      return
    }
    const { cluster, id } = this.broker
    const { handler, context, body } = request
    const logged = {
      api: handler.api.name,
      apiKey: handler.api.key,
      version: context.version,
      correlationId: context.correlationId,
      clientId: context.clientId,
      brokerId: id,
      connectionId: this.id,
      body,
    }
    cluster.requests.add({ ...logged, atMs: cluster.clock.now(), sizeInBytes: frame.length })
    if (!cluster.controls.hasNone(handler.api.key)) {
      return cluster.controls.actionsFor(logged).then((actions) => this.#carryOut(request, actions))
    }
    const answer = answerTo(request)
    if (answer instanceof Promise) return answer.then((late) => this.#answer(request, late))
    this.#answer(request, answer)
  }

  /** Null when it is answered already. */
  #read(frame: Uint8Array): Request | null {
    const reader = new ByteReader(frame)
    if (frame.length < 8) throw new HangUp(`a request of ${frame.length} bytes`)
    const view = new DataView(frame.buffer, frame.byteOffset)
    const apiKey = view.getInt16(0)
    const version = view.getInt16(2)
    const handler = handlerOf(apiKey)
    const offered = this.broker.offered.get(apiKey)
    if (handler === undefined || offered === undefined) throw new HangUp(`unknown API ${apiKey}`)
    const { api } = handler
    if (version < offered.servedFrom || version > offered.max) {
      // A header that makes no sense ends the connection before its version is looked at.
      if (api === apiVersions) requestHeader.read(reader, requestHeaderVersion(api, version))
      const refusal = refuseApiVersions(api, this.broker, view.getInt32(4))
      if (refusal === null) throw new HangUp(`${api.name} version ${version} is not offered`)
      this.#write(refusal)
      return null
    }
    const admission = this.sasl?.admits(apiKey) ?? 'yes'
    if (admission === 'no') throw new HangUp(`${api.name} at a time when authentication does not allow it`)
    const header = requestHeader.read(reader, requestHeaderVersion(api, version))
    const body = api.request.read(reader, version)
    const context = new RequestContext(this, version, header.correlationId, header.clientId)
    return { handler, context, body, admission }
  }

  /** Does what a control has asked for, step by step. */
  async #carryOut(request: Request, actions: readonly Action[]): Promise<void> {
    const { handler, context, body } = request
    const { clock } = this.broker.cluster
    let answer: StructInput<FieldMap> | null | undefined
    for (const action of actions.filter(isBefore)) {
      if (action.kind === 'delay') await clock.wait(action.delayMs)
      else if (action.kind === 'disconnect') return this.#finish()
      else if (action.kind === 'drop') return hang()
      else if (action.kind === 'respond') answer = action.body as StructInput<FieldMap>
      else if (action.kind === 'fail') {
        // With acks=0 there is no answer; hanging up is how it is told.
        if (expectsNoAnswer(request)) return this.#finish()
        answer = errorAnswer(handler.api, context.version, body, action.code)
      }
      if (this.#closed) return
    }
    if (answer === undefined) answer = await answerTo(request)
    for (const action of actions) {
      if (this.#closed) return
      if (isBefore(action)) continue
      if (action.kind === 'change' && answer !== null) action.change(answer as AnswerBody)
      else if (action.kind === 'throttle' && answer !== null) answer = throttled(request, answer, action)
      else if (action.kind === 'delay') await clock.wait(action.delayMs)
      else if (action.kind === 'drop') return hang()
      else if (action.kind === 'disconnect') {
        if (action.when === 'halfway' && answer !== null) this.#writeHalf(encode(request, answer))
        return this.#finish()
      }
    }
    this.#answer(request, answer)
  }

  #answer(request: Request, answer: StructInput<FieldMap> | null): void {
    this.broker.cluster.onCarriedOut?.(request.handler.api.key)
    if (this.#closed) return
    if (answer !== null) this.#write(encode(request, answer))
    if (this.#closesAfterAnswer) this.#finish()
  }

  async #rawToken(frame: Uint8Array): Promise<void> {
    const token = await this.sasl!.rawToken(frame, this)
    const size = new Uint8Array(4)
    new DataView(size.buffer).setInt32(0, token.length)
    this.#write([size, token])
  }

  /** All answers of a turn leave together. */
  #write(chunks: readonly Uint8Array[]): void {
    if (this.#closed) return
    if (!this.#corked) {
      this.#corked = true
      this.#stream.cork()
      process.nextTick(() => {
        this.#corked = false
        this.#stream.uncork()
      })
    }
    for (const chunk of chunks) this.#stream.write(chunk)
  }

  #writeHalf(chunks: readonly Uint8Array[]): void {
    const whole = Buffer.concat(chunks)
    this.#write([whole.subarray(0, whole.length >>> 1)])
  }
}

function answerTo(request: Request): Answer<FieldMap> | Promise<Answer<FieldMap>> {
  const { handler, context, body } = request
  try {
    const answer = handler.handle(body, context)
    return answer instanceof Promise ? answer.catch((error: unknown) => refusal(error, request)) : answer
  } catch (error) {
    return refusal(error, request)
  }
}

function refusal(error: unknown, { handler, context, body }: Request): Answer<FieldMap> {
  if (!(error instanceof RequestRefused)) throw error
  return errorAnswer(handler.api, context.version, body, error.code)
}

/** Never resolves: nothing more is answered on this connection. */
function hang(): Promise<void> {
  return new Promise(() => {})
}

function expectsNoAnswer({ handler, body }: Request): boolean {
  return handler.api.name === 'Produce' && (body as { acks?: unknown }).acks === 0
}

/** Versions without that field have no way to tell it. */
function throttled(
  { handler, context }: Request,
  answer: StructInput<FieldMap>,
  { throttleTimeMs }: { readonly throttleTimeMs: number },
): StructInput<FieldMap> {
  const field = handler.api.response.fields.throttleTimeMs
  if (field === undefined || !existsIn(field, context.version)) return answer
  return { ...answer, throttleTimeMs }
}

function isBefore(action: Action): boolean {
  switch (action.kind) {
    case 'respond':
    case 'fail':
      return true
    case 'disconnect':
    case 'drop':
    case 'delay':
      return action.when === 'before'
    default:
      return false
  }
}

function encode({ handler, context }: Request, answer: StructInput<FieldMap>): Uint8Array[] {
  const { api } = handler
  // Whoever asks for its versions cannot be answered in a version that it may not know (KIP-511).
  const refused = api.key === apiVersions.key && answer.errorCode === errors.UNSUPPORTED_VERSION
  return encodeResponseFrame(api as Api, refused ? 0 : context.version, context.correlationId, answer)
}
