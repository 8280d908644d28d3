import { ProtocolError } from './errors.ts'

/** A frame without the four bytes of its size. */
export interface Frame {
  /** Of its size field: bytes from the start of the stream. */
  readonly offset: number
  /** As far as they are known. */
  readonly bytes: Uint8Array
  /** Bytes that are not in `bytes`: a capture missed them. */
  readonly missing: number
}

export interface SplitOptions {
  /**
   * Largest frame that is taken for one, without its size.
   *
   * @default 100 MiB, as `socket.request.max.bytes` of a broker
   */
  readonly maxFrameBytes?: number
}

export interface SplitFrames {
  readonly frames: readonly Frame[]
  /** What comes after the last whole frame. */
  readonly rest: Uint8Array
  /** Why the bytes after the frames are none; null where they may still become one. */
  readonly error: ProtocolError | null
}

const defaultMaxFrameBytes = 100 * 1024 * 1024

/**
 * Cuts recorded bytes into frames, as far as they are some. For a live stream there is `FrameReader`, which keeps no
 * account of places.
 */
export function splitFrames(
  bytes: Uint8Array | Iterable<Uint8Array>,
  options: SplitOptions = {},
): SplitFrames {
  const frames: Frame[] = []
  const splitter = new FrameSplitter(options.maxFrameBytes)
  const chunks = bytes instanceof Uint8Array ? [bytes] : bytes
  for (const chunk of chunks) splitter.push(chunk, (frame) => frames.push(frame))
  return { frames, rest: splitter.rest(), error: splitter.error }
}

/**
 * Cuts one direction of a recorded stream into frames. Nothing is allocated by a size that the peer tells: bytes are
 * kept as they came until a frame is whole.
 */
export class FrameSplitter {
  readonly #maxFrameBytes: number
  #chunks: Uint8Array[] = []
  #held = 0
  #missing = 0
  /** Bytes that the frame takes with its size; null until that is there. */
  #wanted: number | null = null
  /** Place of the first byte that is held. */
  #offset = 0
  #error: ProtocolError | null = null

  constructor(maxFrameBytes = defaultMaxFrameBytes) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Why there are no more frames: a size that cannot be one, or a gap that hides where the next begins. */
  get error(): ProtocolError | null {
    return this.#error
  }

  /** Where the frame in the making begins. */
  get offset(): number {
    return this.#offset
  }

  /** Bytes of it that have come or are known to be missing. */
  get held(): number {
    return this.#held + this.#missing
  }

  push(chunk: Uint8Array, onFrame: (frame: Frame) => void): void {
    if (chunk.length > 0) this.#chunks.push(chunk)
    this.#held += chunk.length
    while (this.#error === null && this.#held > 0) {
      if (this.#wanted === null) this.#readSize()
      if (this.#wanted === null || this.#held < this.#wanted) return
      const bytes = this.#takeHeld(this.#wanted)
      const frame = { offset: this.#offset, bytes: bytes.subarray(4), missing: this.#missing }
      this.#offset += bytes.length + this.#missing
      this.#wanted = null
      this.#missing = 0
      onFrame(frame)
    }
  }

  /**
   * `count` bytes were there and nobody has them. Inside of a frame they spoil that frame alone; else nothing tells
   * where the next frame begins, and that is the end.
   */
  skip(count: number, onFrame: (frame: Frame) => void): void {
    if (this.#error !== null || count <= 0) return
    if (this.#wanted !== null && count <= this.#wanted - this.#held) {
      this.#missing += count
      this.#wanted -= count
      return this.push(new Uint8Array(0), onFrame)
    }
    const at = this.#offset + this.#held + this.#missing
    this.#error = new ProtocolError(
      'TRUNCATED',
      `${count} bytes are missing, and with them where the next frame begins`,
      at,
    )
  }

  /** What is held, as one piece. */
  rest(): Uint8Array {
    return this.#join(this.#held)
  }

  #readSize(): void {
    if (this.#held < 4) return
    const size = new DataView(this.#join(4).buffer).getInt32(0)
    if (size < 0 || size > this.#maxFrameBytes) {
      this.#error = new ProtocolError(
        'MALFORMED',
        `frame of ${size} bytes, allowed are 0 to ${this.#maxFrameBytes}`,
        this.#offset,
      )
      return
    }
    this.#wanted = 4 + size
  }

  /** A copy of the first bytes. */
  #join(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    let filled = 0
    for (const chunk of this.#chunks) {
      if (filled === count) break
      const part = chunk.subarray(0, count - filled)
      bytes.set(part, filled)
      filled += part.length
    }
    return bytes
  }

  #takeHeld(count: number): Uint8Array {
    const first = this.#chunks[0]!
    const bytes = first.length >= count ? first.subarray(0, count) : this.#join(count)
    const left: Uint8Array[] = []
    let skipped = 0
    for (const chunk of this.#chunks) {
      const drop = Math.min(chunk.length, count - skipped)
      skipped += drop
      if (drop < chunk.length) left.push(chunk.subarray(drop))
    }
    this.#chunks = left
    this.#held -= count
    return bytes
  }
}
