import type { Side } from '../conversation.ts'
import type { Endpoint, TcpSegment } from './packet.ts'

/** Bytes in the order in which the application got them. */
export interface StreamChunk {
  readonly from: Side
  readonly at: number
  readonly bytes: Uint8Array
}

/** Bytes that were sent and that the capture does not have. */
export interface StreamGap {
  readonly from: Side
  readonly at: number
  /** Bytes from the start of this side's stream. */
  readonly offset: number
  readonly length: number
}

/** One TCP connection, put together again. */
export interface TcpStream {
  readonly client: Endpoint
  readonly server: Endpoint
  /** Whether a SYN told who is who. Else the lower port counts as the server's, unless `serverPorts` knows better. */
  readonly clientIsKnown: boolean
  /** Chunks and gaps of both sides in the order of time. */
  readonly parts: readonly (StreamChunk | StreamGap)[]
  readonly gaps: readonly StreamGap[]
  /** Bytes that were seen more than once. */
  readonly retransmittedBytes: number
  /** Whether both sides said that they are done, or one reset the connection. */
  readonly isClosed: boolean
}

interface Piece {
  /** From the first byte of the side's stream, without a wrap at 32 bits. */
  readonly start: number
  readonly bytes: Uint8Array
  readonly at: number
  /** Counts the packets of the connection. */
  readonly index: number
}

type OrderedPart = (StreamChunk | StreamGap) & { readonly index: number }

/** What one side sent: pieces in any order, and what is known of its ends. */
export class StreamSide {
  readonly pieces: Piece[] = []
  /** Number of the first byte; null without a SYN. */
  firstSequence: number | null = null
  /** Where it ends by its own FIN. */
  finAt: number | null = null
  /** As far as the other side has got everything. */
  acknowledged: number | null = null
  /** The number that `reference` is the 32 bits of. */
  #unwrapped = 0
  #reference: number | null = null

  /** @param index counts the packets of the connection. */
  add({ sequence, syn, fin, data, at }: TcpSegment, index: number): void {
    const first = syn ? (sequence + 1) >>> 0 : sequence
    if (syn && this.firstSequence === null) this.firstSequence = this.#unwrap(first)
    const start = this.#unwrap(first)
    if (data.length > 0) this.pieces.push({ start, bytes: data, at, index })
    if (fin) this.finAt = start + data.length
  }

  /** The other side has got everything before `acknowledgment`. */
  acknowledge(acknowledgment: number): void {
    if (this.#reference === null) return
    const at = this.#unwrap(acknowledgment)
    this.acknowledged = Math.max(at, this.acknowledged ?? at)
  }

  /** 32 bits to a number that goes on rising: the nearest to the one before. */
  #unwrap(sequence: number): number {
    this.#unwrapped =
      this.#reference === null ? sequence : this.#unwrapped + ((sequence - this.#reference) | 0)
    this.#reference = sequence
    return this.#unwrapped
  }

  /** Everything in order. Of bytes that came twice the first are taken, as a receiver does. */
  assemble(from: Side): { parts: OrderedPart[]; retransmittedBytes: number } {
    const sorted = [...this.pieces].sort((a, b) => a.start - b.start || a.index - b.index)
    const origin = this.firstSequence ?? sorted[0]?.start ?? 0
    const parts: OrderedPart[] = []
    let next = origin
    let retransmittedBytes = 0
    // What comes after a hole was not for the application before the hole was filled.
    let at = 0
    let index = -1
    for (const piece of sorted) {
      const seen = Math.min(piece.bytes.length, next - piece.start)
      if (piece.index > index) {
        at = piece.at
        index = piece.index
      }
      if (seen < 0) {
        parts.push({ from, at, index, offset: next - origin, length: -seen })
        next = piece.start
      } else retransmittedBytes += seen
      if (seen >= piece.bytes.length) continue
      const bytes = piece.bytes.subarray(Math.max(0, seen))
      parts.push({ from, at, index, bytes })
      next += bytes.length
    }
    const missing = this.#missingAtEnd(next)
    if (missing > 0) parts.push({ from, at, index, offset: next - origin, length: missing })
    return { parts, retransmittedBytes }
  }

  /** Bytes after the last one seen that must have been there. */
  #missingAtEnd(next: number): number {
    // A side of which nothing at all was seen has no beginning to count from.
    if (this.pieces.length === 0 && this.firstSequence === null) return 0
    if (this.finAt !== null) return this.finAt - next
    const missing = (this.acknowledged ?? next) - next
    // A FIN is acknowledged like one byte, and more likely what is missing.
    return missing === 1 ? 0 : missing
  }
}

/** Puts the two sides of a connection together. */
export function assembleStream(
  sides: Readonly<Record<Side, StreamSide>>,
): Pick<TcpStream, 'parts' | 'gaps' | 'retransmittedBytes'> {
  const client = sides.client.assemble('client')
  const server = sides.server.assemble('server')
  const ordered = [...client.parts, ...server.parts].sort((a, b) => a.index - b.index)
  const parts = ordered.map(({ index: _, ...part }) => part)
  return {
    parts,
    gaps: parts.filter((part): part is StreamGap => 'length' in part),
    retransmittedBytes: client.retransmittedBytes + server.retransmittedBytes,
  }
}
