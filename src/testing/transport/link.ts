import type { Clock, ClockTimer } from '../clock.ts'
import type { Random } from '../random.ts'

/** How slow, and how choppy, a connection is. */
export interface SocketShape {
  /** In each direction. @default as fast as it goes */
  readonly bytesPerSecond?: number
  /** Milliseconds that a byte is on its way. @default 0 */
  readonly delayMs?: number
  /** Up to so many milliseconds more, by chance; bytes keep their order all the same. @default 0 */
  readonly jitterMs?: number
  /** Largest piece that arrives at a time; down to single bytes. @default as they were written */
  readonly chunkBytes?: number
}

/** Bytes on their way before a writer has to wait. */
const windowBytes = 256 * 1024

interface Piece {
  /** Null: the end. */
  readonly bytes: Uint8Array | null
  readonly arrivesMs: number
}

/** One direction of a shaped connection: bytes go in at one end and come out later, and in pieces, at the other. */
export class Link {
  readonly #shape: SocketShape
  readonly #clock: Clock
  readonly #random: Random
  /** Takes a piece, null for the end, and says when the next may come. */
  readonly #deliver: (bytes: Uint8Array | null, taken: () => void) => void
  readonly #pieces: Piece[] = []
  #bytes = 0
  #freeAtMs = 0
  #lastArrivalMs = 0
  #accepted: (() => void) | null = null
  #timer: ClockTimer | null = null
  #immediate: NodeJS.Immediate | null = null
  #delivering = false
  #closed = false

  constructor(
    shape: SocketShape,
    clock: Clock,
    random: Random,
    deliver: (bytes: Uint8Array | null, taken: () => void) => void,
  ) {
    this.#shape = shape
    this.#clock = clock
    this.#random = random
    this.#deliver = deliver
  }

  /** `accepted` is called when there is room for more. */
  send(bytes: Uint8Array, accepted: () => void): void {
    if (bytes.length === 0) return accepted()
    const { bytesPerSecond } = this.#shape
    // Pieces of a hundredth of a second make a rate smooth where nothing else is said.
    const smooth = bytesPerSecond === undefined ? bytes.length : Math.ceil(bytesPerSecond / 100)
    const step = Math.max(1, this.#shape.chunkBytes ?? smooth)
    for (let at = 0; at < bytes.length; at += step) this.#put(bytes.subarray(at, at + step))
    this.#bytes += bytes.length
    if (this.#bytes < windowBytes && this.#freeAtMs <= this.#clock.now()) accepted()
    else this.#accepted = accepted
    this.#pump()
  }

  /** The end, behind all that was sent. */
  end(): void {
    this.#put(null)
    this.#pump()
  }

  close(): void {
    this.#closed = true
    this.#pieces.length = 0
    this.#timer?.cancel()
    if (this.#immediate !== null) clearImmediate(this.#immediate)
    const accepted = this.#accepted
    this.#accepted = null
    accepted?.()
  }

  #put(bytes: Uint8Array | null): void {
    const { bytesPerSecond = Number.POSITIVE_INFINITY, delayMs = 0, jitterMs = 0 } = this.#shape
    this.#freeAtMs =
      Math.max(this.#freeAtMs, this.#clock.now()) + ((bytes?.length ?? 0) * 1000) / bytesPerSecond
    const jitter = jitterMs === 0 ? 0 : this.#random.next() * jitterMs
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#freeAtMs + delayMs + jitter)
    this.#pieces.push({ bytes, arrivesMs: this.#lastArrivalMs })
  }

  /** One piece a turn of the event loop: pieces that come together would be read as one. */
  #pump(): void {
    if (this.#delivering || this.#timer !== null || this.#immediate !== null || this.#closed) return
    const next = this.#pieces[0]
    if (next === undefined) return
    const waitMs = next.arrivesMs - this.#clock.now()
    if (waitMs > 0) {
      this.#timer = this.#clock.after(Math.ceil(waitMs), () => {
        this.#timer = null
        this.#pump()
      })
      return
    }
    this.#immediate = setImmediate(() => {
      this.#immediate = null
      this.#take()
    })
  }

  #take(): void {
    const { bytes } = this.#pieces.shift()!
    this.#bytes -= bytes?.length ?? 0
    this.#delivering = true
    this.#deliver(bytes, () => {
      this.#delivering = false
      this.#pump()
    })
    if (this.#accepted !== null && (this.#pieces.length === 0 || this.#bytes < windowBytes / 2)) {
      const accepted = this.#accepted
      this.#accepted = null
      accepted()
    }
  }
}
