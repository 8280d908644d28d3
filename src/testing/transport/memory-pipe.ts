import { Duplex } from 'node:stream'

/** Two ends of a byte pipe in memory: what is written into one is read from the other, and no faster. */
export function memoryPipe(): [Duplex, Duplex] {
  const left = new PipeEnd()
  const right = new PipeEnd()
  left.other = right
  right.other = left
  return [left, right]
}

/** As a socket: an end that is destroyed is the end for the other side, which can no longer write to it. */
class PipeEnd extends Duplex {
  other!: PipeEnd
  /** Tells the other side that what it wrote was taken. */
  #taken: (() => void) | null = null
  /** The other side will send nothing more; `#ended` once this side knows. */
  #ending = false
  #ended = false

  constructor() {
    super({ allowHalfOpen: false })
  }

  override _read(): void {
    const taken = this.#taken
    this.#taken = null
    taken?.()
  }

  override _write(bytes: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    // A copy: with a socket, too, whoever wrote it may use its memory again.
    this.#send(Buffer.from(bytes), done)
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: (error?: Error) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done)
  }

  override _final(done: () => void): void {
    this.other.#end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    // Whoever waits for this end to take something waits no longer.
    this._read()
    this.other.#end()
    done(error)
  }

  /** In a turn of its own, as from a socket: nobody is called back from within a call to write. */
  #send(bytes: Buffer, done: (error?: Error) => void): void {
    setImmediate(() => {
      const { other } = this
      if (other.destroyed || other.#ended) {
        return done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' }))
      }
      if (other.push(bytes)) done()
      else other.#taken = done
    })
  }

  #end(): void {
    if (this.#ending) return
    this.#ending = true
    // Behind what is on its way.
    setImmediate(() => {
      this.#ended = true
      if (!this.destroyed) this.push(null)
    })
  }
}
