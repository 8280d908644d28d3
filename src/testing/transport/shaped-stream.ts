import { Duplex } from 'node:stream'
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { Link, type SocketShape } from './link.ts'

/** A byte pipe through which another one is seen slowly, or in pieces, in both directions. */
export class ShapedStream extends Duplex {
  readonly #inner: Duplex
  readonly #in: Link
  readonly #out: Link
  #read: (() => void) | null = null
  #finished: (() => void) | null = null

  constructor(inner: Duplex, shape: SocketShape, clock: Clock, random: Random) {
    super({ allowHalfOpen: true })
    this.#inner = inner
    this.#in = new Link(shape, clock, random, (bytes, taken) => {
      if (this.push(bytes)) taken()
      else this.#read = taken
    })
    this.#out = new Link(shape, clock, random, (bytes, taken) => {
      if (bytes === null) inner.end(() => this.#finished?.())
      else inner.write(bytes, taken)
    })
    inner.on('data', (bytes: Uint8Array) => {
      inner.pause()
      this.#in.send(bytes, () => inner.resume())
    })
    inner.on('end', () => this.#in.end())
    inner.on('error', (error) => this.destroy(error))
    // What has come is still delivered, unless the end never came.
    inner.on('close', () => {
      if (!inner.readableEnded) this.destroy()
    })
  }

  override _read(): void {
    const read = this.#read
    this.#read = null
    read?.()
  }

  override _write(bytes: Uint8Array, _encoding: string, done: () => void): void {
    // A copy: whoever wrote it may use its memory again when it is told that it was taken.
    this.#out.send(Buffer.from(bytes), done)
  }

  override _final(done: () => void): void {
    this.#finished = done
    this.#out.end()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#in.close()
    this.#out.close()
    this.#inner.destroy()
    done(error)
  }
}
