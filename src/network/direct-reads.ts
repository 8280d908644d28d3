import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Whoever takes what is read. */
export interface ReadSink {
  /** What is missing of a frame that has begun, to be read into. Null between frames. */
  missing(): Uint8Array | null
  /**
   * The next bytes of the peer.
   *
   * @param isLent their memory is used again when this is over. What was read into `missing` is not.
   */
  took(bytes: Uint8Array, isLent: boolean): void
}

/** For what is read between frames: answers to all but fetches, and the beginnings of those. */
const scratchBytes = 32 * 1024

const direct = new WeakMap<Duplex, DirectReads>()

/**
 * Reads of a plain socket into memory of ours (`onread` of `net.connect`): an answer of a megabyte arrives where it will
 * stay, in as few reads as it came in. As a stream of 64 KiB chunks it is copied once more, which takes a quarter of the
 * time that fetching it does.
 *
 * As long as there is no sink, the socket is a stream like any other.
 */
export class DirectReads {
  #scratch: Uint8Array | null = null
  #sink: ReadSink | null = null
  #socket: Socket | null = null
  #isLent = true

  /** For `net.connect`. */
  readonly onread = {
    buffer: (): Uint8Array => {
      const missing = this.#sink?.missing() ?? null
      this.#isLent = missing === null
      if (missing !== null) return missing
      this.#scratch ??= Buffer.allocUnsafeSlow(scratchBytes)
      return this.#scratch
    },
    /** False: no more reads until the stream asks for them. */
    callback: (count: number, buffer: Uint8Array): boolean => {
      const bytes = buffer.subarray(0, count)
      if (this.#sink === null) return this.#socket?.push(Buffer.from(bytes)) ?? true
      this.#sink.took(bytes, this.#isLent)
      return true
    },
  }

  /** The socket that was made with `onread`. */
  of(socket: Socket): Socket {
    this.#socket = socket
    direct.set(socket, this)
    return socket
  }

  to(sink: ReadSink): void {
    this.#sink = sink
  }
}

/** Gives all that comes from now on to `sink`: straight, or by `data` events where the stream is no plain socket. */
export function readInto(stream: Duplex, sink: ReadSink): void {
  const reads = direct.get(stream)
  if (reads === undefined) stream.on('data', (chunk: Uint8Array) => sink.took(chunk, false))
  else reads.to(sink)
}
