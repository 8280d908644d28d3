import { Conversation, type Side } from '../conversation.ts'
import { ProtocolError } from '../errors.ts'
import type { SplitOptions } from '../frames.ts'
import { Ipv4Fragments } from './ipv4-fragments.ts'
import { type Endpoint, type SkipReason, type TcpSegment, tcpSegmentOf } from './packet.ts'
import { readPcap } from './pcap.ts'
import { readPcapng } from './pcapng.ts'
import { assembleStream, StreamSide, type TcpStream } from './tcp-stream.ts'

export type { Endpoint, SkipReason } from './packet.ts'
export type { StreamChunk, StreamGap, TcpStream } from './tcp-stream.ts'

export interface ReadCaptureOptions {
  /** Ports of brokers: who is the server where the capture has not seen the beginning of a connection. */
  readonly serverPorts?: readonly number[]
}

export interface Capture {
  /** In the order of their first packets. */
  readonly streams: readonly TcpStream[]
  readonly packets: number
  /** Packets that are in no stream, counted by the reason. */
  readonly skipped: Readonly<Partial<Record<SkipReason, number>>>
  /** Why reading ended before the file did, as with a capture that was interrupted; null when it did not. */
  readonly error: ProtocolError | null
}

/**
 * The TCP connections in a capture file: pcap or pcapng; Ethernet (VLANs too), loopback, Linux "any" or raw IP; IPv4 and
 * IPv6. Segments are put in order, repeated ones dropped, missing ones reported. Fragments are put together with IPv4; with
 * IPv6 they count as skipped.
 * Throws ProtocolError UNSUPPORTED for a file of another kind.
 */
export function readCapture(bytes: Uint8Array, options: ReadCaptureOptions = {}): Capture {
  const file = readPcap(bytes) ?? readPcapng(bytes)
  if (file === null) {
    const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    throw new ProtocolError('UNSUPPORTED', `neither pcap nor pcapng begins with ${start || 'nothing'}`, 0)
  }
  const streams = new Streams(options.serverPorts ?? [])
  const fragments = new Ipv4Fragments()
  const skipped: Partial<Record<SkipReason, number>> = {}
  for (const packet of file.packets) {
    const segment = tcpSegmentOf(packet, fragments)
    if (segment === null) continue
    if (typeof segment === 'string') skipped[segment] = (skipped[segment] ?? 0) + 1
    else streams.add(segment)
  }
  const { incomplete } = fragments
  if (incomplete > 0) skipped['IP fragment'] = (skipped['IP fragment'] ?? 0) + incomplete
  return { streams: streams.assemble(), packets: file.packets.length, skipped, error: file.error }
}

/** What was said on a connection, as requests with their answers. */
export function conversationOf(stream: TcpStream, options: SplitOptions = {}): Conversation {
  const conversation = new Conversation(options)
  for (const part of stream.parts) {
    if ('length' in part) conversation.gap(part.from, part.length, part.at)
    else conversation[part.from](part.bytes, part.at)
  }
  conversation.finish()
  return conversation
}

interface OpenStream {
  readonly client: Endpoint
  readonly server: Endpoint
  readonly clientIsKnown: boolean
  readonly sides: Readonly<Record<Side, StreamSide>>
  readonly closed: Set<Side>
  wasReset: boolean
  packets: number
}

/** Sorts segments by connection. */
class Streams {
  readonly #serverPorts: readonly number[]
  readonly #all: OpenStream[] = []
  /** The latest connection between two endpoints, by both of its directions. */
  readonly #current = new Map<string, OpenStream>()

  constructor(serverPorts: readonly number[]) {
    this.#serverPorts = serverPorts
  }

  add(segment: TcpSegment): void {
    const key = `${nameOf(segment.source)} ${nameOf(segment.destination)}`
    let stream = this.#current.get(key)
    if (stream === undefined || isAnother(stream, segment)) stream = this.#open(segment, key)
    const from = isSame(segment.source, stream.client) ? 'client' : 'server'
    const index = stream.packets++
    // A reset may carry any number, and the text that some systems put into it is not part of the stream.
    if (segment.rst) {
      stream.wasReset = true
      return
    }
    stream.sides[from].add(segment, index)
    if (segment.fin) stream.closed.add(from)
    if (segment.acknowledgment !== null) {
      stream.sides[from === 'client' ? 'server' : 'client'].acknowledge(segment.acknowledgment)
    }
  }

  assemble(): TcpStream[] {
    return this.#all.map(({ client, server, clientIsKnown, sides, closed, wasReset }) => ({
      client,
      server,
      clientIsKnown,
      ...assembleStream(sides),
      isClosed: wasReset || closed.size === 2,
    }))
  }

  #open(segment: TcpSegment, key: string): OpenStream {
    const { source, destination } = segment
    const sourceIsClient = segment.syn ? segment.acknowledgment === null : this.#isClient(source, destination)
    const stream: OpenStream = {
      client: sourceIsClient ? source : destination,
      server: sourceIsClient ? destination : source,
      clientIsKnown: segment.syn,
      sides: { client: new StreamSide(), server: new StreamSide() },
      closed: new Set(),
      wasReset: false,
      packets: 0,
    }
    this.#all.push(stream)
    this.#current.set(key, stream)
    this.#current.set(`${nameOf(destination)} ${nameOf(source)}`, stream)
    return stream
  }

  #isClient(source: Endpoint, destination: Endpoint): boolean {
    const [from, to] = [source.port, destination.port].map((port) => this.#serverPorts.includes(port))
    return from === to ? source.port >= destination.port : to!
  }
}

/** A first SYN with another number begins another connection between the same ports. */
function isAnother(stream: OpenStream, { syn, acknowledgment, sequence, source }: TcpSegment): boolean {
  if (!syn || acknowledgment !== null) return false
  if (!isSame(source, stream.client)) return true
  const first = stream.sides.client.firstSequence
  return first === null ? stream.sides.client.pieces.length > 0 : first >>> 0 !== (sequence + 1) >>> 0
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.address === b.address
}

function nameOf({ address, port }: Endpoint): string {
  return `${address} ${port}`
}
