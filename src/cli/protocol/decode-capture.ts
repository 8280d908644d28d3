import { type Capture, readCapture, type TcpStream } from '../../protocol/capture/read-capture.ts'
import {
  Conversation,
  type ConversationProblem,
  type Exchange,
  type TakenConversation,
} from '../../protocol/conversation.ts'
import { formatExplanation } from '../../protocol/explain/format-explanation.ts'
import { type Explanation, explain } from '../../protocol/explain.ts'
import type { Json } from '../../protocol/json-form.ts'
import type { Api } from '../../protocol/message.ts'
import { includesVersion } from '../../protocol/version-range.ts'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import type { Io } from '../output.ts'
import { isFault, type PrintOptions, warningsJson } from './findings.ts'
import { apiOfKey, type Direction } from './subject.ts'

export interface CaptureOptions extends PrintOptions {
  readonly dump: boolean
  /** Connections with one of these ports alone; none: all. */
  readonly ports: readonly number[]
}

/** Problems that are no fault of the bytes that are there; they count with `--strict`. */
const tolerated: readonly ConversationProblem['kind'][] = ['trailingBytes', 'unanswered', 'cut', 'outOfOrder']

/** Chunks of a connection after which what is over is printed and forgotten: a long one must not fill the memory. */
const partsAtOnce = 1000

/** Prints the conversations of a capture, one after the other. */
export async function decodeCapture(bytes: Uint8Array, options: CaptureOptions, io: Io): Promise<ExitCode> {
  const capture = readCapture(bytes, { serverPorts: options.ports })
  const isWanted = ({ client, server }: TcpStream) =>
    options.ports.length === 0 || [client.port, server.port].some((port) => options.ports.includes(port))
  const streams = capture.streams.filter(isWanted)
  const begin = streams.reduce((least, { parts }) => Math.min(least, parts[0]?.at ?? least), Infinity)
  let isFine = true
  for (const [index, stream] of streams.entries()) {
    const printer = new StreamPrinter(stream, index, Number.isFinite(begin) ? begin : 0, options, io)
    if (!(await printer.print())) isFine = false
  }
  await printSummary(capture, streams.length, options.json, io)
  return isFine && capture.error === null ? exitCodes.ok : exitCodes.failed
}

/** What is in no connection that was shown, so that all packets are accounted for. */
async function printSummary(capture: Capture, shown: number, json: boolean, io: Io): Promise<void> {
  const { streams, packets, skipped, error } = capture
  const onOtherPorts = streams.length - shown
  if (json) {
    const counts = { packets, connections: shown, connectionsOnOtherPorts: onOtherPorts, skipped }
    await io.stdout.print(`${JSON.stringify({ summary: counts })}\n`)
  } else {
    const words = [counted(packets, 'packet'), counted(shown, 'connection')]
    if (onOtherPorts > 0) words.push(`${onOtherPorts} more on other ports`)
    for (const [reason, count] of Object.entries(skipped))
      words.push(`${counted(count, 'packet')} left out: ${reason}`)
    await io.stdout.print(`${words.join(', ')}\n`)
  }
  if (error !== null) await io.stderr.print(`error: the capture ends early: ${error.message}\n`)
}

class StreamPrinter {
  readonly #stream: TcpStream
  readonly #index: number
  /** Time of the first packet that is shown: what others are told from. */
  readonly #begin: number
  readonly #options: CaptureOptions
  readonly #io: Io
  #requests = 0
  #problems = 0
  #isFine = true

  constructor(stream: TcpStream, index: number, begin: number, options: CaptureOptions, io: Io) {
    this.#stream = stream
    this.#index = index
    this.#begin = begin
    this.#options = options
    this.#io = io
  }

  /** Whether all of it decodes. */
  async print(): Promise<boolean> {
    const { json } = this.#options
    if (!json) await this.#io.stdout.print(this.#title())
    const conversation = new Conversation()
    for (const [index, part] of this.#stream.parts.entries()) {
      if ('length' in part) conversation.gap(part.from, part.length, part.at)
      else conversation[part.from](part.bytes, part.at)
      if ((index + 1) % partsAtOnce === 0) await this.#printTaken(conversation.take())
    }
    conversation.finish()
    await this.#printTaken(conversation.take())
    if (!json) {
      const counts = [counted(this.#requests, 'request'), counted(this.#problems, 'problem')]
      await this.#io.stdout.print(`  ${counts.join(', ')}\n\n`)
    }
    return this.#isFine
  }

  async #printTaken({ exchanges, tokens, problems }: TakenConversation): Promise<void> {
    const { json, strict } = this.#options
    this.#requests += exchanges.length
    this.#problems += problems.length
    for (const exchange of exchanges) {
      const explanations = this.#explanations(exchange)
      if (explanations.some(({ explanation }) => isFault(explanation))) this.#isFine = false
      await this.#io.stdout.print(
        json ? this.#exchangeJson(exchange, explanations) : this.#exchangeText(exchange, explanations),
      )
    }
    for (const { from, at, mechanism, frame } of tokens) {
      // Its content is a secret of somebody, and has no form that could be shown.
      const about = { from, at, mechanism, offset: frame.offset, length: frame.bytes.length }
      const text = `SASL ${mechanism} token from the ${from}, ${frame.bytes.length} bytes`
      await this.#io.stdout.print(json ? this.#line({ saslToken: about }) : `  ${this.#time(at)}  ${text}\n`)
    }
    for (const problem of problems) {
      if (strict || !tolerated.includes(problem.kind)) this.#isFine = false
      await this.#io.stdout.print(
        json
          ? this.#line({ problem: { ...problem } })
          : `  ${this.#time(problem.at)}  ${problemText(problem)}\n`,
      )
    }
  }

  #title(): string {
    const { client, server, clientIsKnown, retransmittedBytes, gaps } = this.#stream
    const notes: string[] = []
    if (gaps.length > 0) {
      notes.push(`${gaps.reduce((sum, { length }) => sum + length, 0)} bytes missing`)
    }
    if (retransmittedBytes > 0) notes.push(`${retransmittedBytes} bytes sent again`)
    if (!clientIsKnown) notes.push('begun before the capture')
    const title = `${nameOf(client)} -> ${nameOf(server)}`
    return `${title}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}\n`
  }

  #exchangeText(exchange: Exchange, explanations: readonly FrameExplanation[]): string {
    const { at, answeredAt, version, correlationId, clientId, requestFrame, responseFrame } = exchange
    const words = [
      `${exchange.api ?? `API ${exchange.apiKey}`} v${version}`,
      `correlation id ${correlationId}`,
      `client id ${JSON.stringify(clientId)}`,
      `${requestFrame.bytes.length + 4} bytes`,
    ]
    if (responseFrame !== null && answeredAt !== null) {
      words.push(`answer of ${responseFrame.bytes.length + 4} bytes after ${milliseconds(answeredAt - at)}`)
    } else words.push(exchange.expectsResponse ? 'no answer' : 'needs no answer')
    const text = `  ${this.#time(at)}  ${words.join(', ')}\n`
    const { dump } = this.#options
    const below = explanations.map(({ direction, explanation }) =>
      dump ? `\n${direction}\n${formatExplanation(explanation)}` : findingsText(direction, explanation),
    )
    return `${text}${below.join('')}${dump ? '\n' : ''}`
  }

  #exchangeJson(exchange: Exchange, explanations: readonly FrameExplanation[]): string {
    const { api, apiKey, version, correlationId, clientId, at, answeredAt, expectsResponse } = exchange
    const known = apiOfKey(apiKey)
    const { request, response, responseVersion } = exchange
    const found = explanations.map(
      ({ direction, explanation }) => [direction, warningsJson(explanation)] as const,
    )
    const findings = found.filter(([, finding]) => Object.keys(finding).length > 0)
    return this.#line({
      api,
      apiKey,
      version,
      correlationId,
      clientId,
      at,
      answeredAt,
      expectsResponse,
      request: known === null || request === null ? null : known.request.toJson(version, request),
      responseVersion,
      response: known === null || response === null ? null : known.response.toJson(responseVersion, response),
      ...(findings.length > 0 ? { findings: Object.fromEntries(findings) } : {}),
    })
  }

  /** Of both frames, where the bytes are to be shown or looked at closely. */
  #explanations(exchange: Exchange): FrameExplanation[] {
    const { dump, strict } = this.#options
    const api = apiOfKey(exchange.apiKey)
    if (api === null || !(dump || strict)) return []
    const { requestFrame, responseFrame, version } = exchange
    const explanations: FrameExplanation[] = []
    if (includesVersion(api.versions, version)) {
      explanations.push(explanationOf(api, version, 'request', requestFrame.bytes, strict))
    }
    if (responseFrame !== null && includesVersion(api.versions, exchange.responseVersion)) {
      explanations.push(explanationOf(api, exchange.responseVersion, 'response', responseFrame.bytes, strict))
    }
    return explanations
  }

  #line(content: { readonly [name: string]: Json }): string {
    const { client, server } = this.#stream
    const about = { connection: this.#index, client: nameOf(client), server: nameOf(server) }
    return `${JSON.stringify({ ...about, ...content })}\n`
  }

  #time(at: number): string {
    return `+${milliseconds(at - this.#begin)}`.padStart(14)
  }
}

interface FrameExplanation {
  readonly direction: Direction
  readonly explanation: Explanation
}

function explanationOf(
  api: Api,
  version: number,
  direction: Direction,
  bytes: Uint8Array,
  strict: boolean,
): FrameExplanation {
  return { direction, explanation: explain(bytes, { api, version, direction, strict }) }
}

function findingsText(direction: Direction, { recordErrors, warnings }: Explanation): string {
  const line = (kind: string) => (found: { offset: number; path: string; message: string }) =>
    `      ${kind} in the ${direction} at byte ${found.offset}: ${found.path}: ${found.message}\n`
  return [...recordErrors.map(line('error')), ...warnings.map(line('warning'))].join('')
}

function problemText({ kind, from, offset, message }: ConversationProblem): string {
  return `${kind} at byte ${offset} of the ${from}: ${message}`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function milliseconds(time: number): string {
  return `${time.toFixed(3)} ms`
}

function nameOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
