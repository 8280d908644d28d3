import type { Readable, Writable } from 'node:stream'

/** Where a command reads from and prints to. */
export interface Io {
  readonly stdin: Readable
  readonly stdout: Output
  readonly stderr: Output
}

/** What is printed does not get through: nobody reads it any more (`EPIPE`), or the disk is full. */
export class OutputError extends Error {
  /** Whether the reader went away, as `head` does once it has enough. */
  readonly isBrokenPipe: boolean

  constructor(cause: Error) {
    super(cause.message, { cause })
    const code = (cause as NodeJS.ErrnoException).code
    this.isBrokenPipe = code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED'
  }

  override get name(): string {
    return 'OutputError'
  }
}

/** A stream to print to. Each `print` waits until its text is written, so that a slow reader is never outrun. */
export class Output {
  readonly #stream: Writable

  constructor(stream: Writable) {
    this.#stream = stream
    // The callback of each write tells of errors; without a listener the stream would throw them as well.
    stream.on('error', () => {})
  }

  /** Throws OutputError. */
  async print(text: string | Uint8Array): Promise<void> {
    if (text.length === 0) return
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(text, (error) => (error ? reject(new OutputError(error)) : resolve()))
    })
  }
}
