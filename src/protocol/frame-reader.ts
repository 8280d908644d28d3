import { ProtocolError } from './errors.ts'

/**
 * Cuts a byte stream into frames: four bytes of size, then as many bytes. Knows nothing of sockets.
 *
 * A frame that lies whole in one chunk is a view of it (no copy); one that spans chunks is copied once, into a buffer
 * of its exact size.
 */
export class FrameReader {
  readonly #maxFrameBytes: number
  #size = 0
  #sizeBytes = 0
  #body: Uint8Array | null = null
  #filled = 0
  /** Bytes of the stream that have been taken. */
  #taken = 0

  /** @param maxFrameBytes largest frame accepted, without the four bytes of its size. */
  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Whether a frame has begun and not ended: a stream that closes now was cut in its middle. */
  get midFrame(): boolean {
    return this.#sizeBytes > 0 || this.#body !== null
  }

  /**
   * What is missing of the frame that has begun: whoever can read into it saves a copy, and gives what was read there to
   * `push` like any other chunk. Null between frames.
   */
  get missing(): Uint8Array | null {
    return this.#body === null ? null : this.#body.subarray(this.#filled)
  }

  /**
   * Takes the next chunk and hands each frame that it completes to `onFrame`. Throws ProtocolError MALFORMED for a size
   * that no frame may have, whose offset is that of the size in the stream; nothing can be read after that.
   *
   * @param isLent the chunk's memory is used again after the call: frames that lie in it are copied.
   */
  push(chunk: Uint8Array, onFrame: (frame: Uint8Array) => void, isLent = false): void {
    const chunkStart = this.#taken
    this.#taken += chunk.length
    let at = 0
    while (at < chunk.length) {
      if (this.#body === null) {
        while (this.#sizeBytes < 4 && at < chunk.length) {
          this.#size = (this.#size << 8) | chunk[at++]!
          this.#sizeBytes++
        }
        if (this.#sizeBytes < 4) return
        const size = this.#size
        this.#size = 0
        this.#sizeBytes = 0
        // Checked before anything is allocated: a broken or hostile peer must not choose our memory use.
        if (size < 0 || size > this.#maxFrameBytes) {
          throw new ProtocolError(
            'MALFORMED',
            `frame of ${size} bytes, allowed are 0 to ${this.#maxFrameBytes}`,
            chunkStart + at - 4,
          )
        }
        if (chunk.length - at >= size) {
          const frame = chunk.subarray(at, at + size)
          onFrame(isLent ? Buffer.from(frame) : frame)
          at += size
          continue
        }
        // Not zeroed, which takes a fifth of what copying does: nobody sees it before it is full.
        this.#body = Buffer.allocUnsafeSlow(size)
        this.#filled = 0
      }
      const body = this.#body
      const take = Math.min(body.length - this.#filled, chunk.length - at)
      if (!isAt(body, this.#filled, chunk)) {
        body.set(at === 0 && take === chunk.length ? chunk : chunk.subarray(at, at + take), this.#filled)
      }
      this.#filled += take
      at += take
      if (this.#filled === body.length) {
        this.#body = null
        onFrame(body)
      }
    }
  }
}

/** Whether the chunk was read straight into its place. */
function isAt(body: Uint8Array, position: number, chunk: Uint8Array): boolean {
  return chunk.buffer === body.buffer && chunk.byteOffset === body.byteOffset + position
}
