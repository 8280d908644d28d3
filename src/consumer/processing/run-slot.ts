import type { Deadline } from '../../deadline.ts'
import { IllegalStateError } from '../../errors.ts'
import type { RunOptions } from './run-options.ts'
import type { Runner, RunnerParts } from './runner.ts'

/** The one `run()` of a consumer. What does the work is loaded when it is first needed. */
export class RunSlot {
  readonly #parts: RunnerParts
  #running: Promise<void> | null = null
  #runner: Runner | null = null
  /** Set by `stop` while the runner is still being loaded. */
  #isStopped = false

  constructor(parts: RunnerParts) {
    this.#parts = parts
  }

  /** Rejects when it is under way already. */
  async run<K, V>(options: RunOptions<K, V>): Promise<void> {
    if (this.#running !== null) throw new IllegalStateError('run() is under way already')
    this.#isStopped = false
    this.#running = this.#run(options)
    try {
      await this.#running
    } finally {
      this.#running = null
      this.#runner = null
    }
  }

  async #run<K, V>(options: RunOptions<K, V>): Promise<void> {
    const [{ Runner }, { parseRunOptions }] = await Promise.all([
      import('./runner.ts'),
      import('./run-options.ts'),
    ])
    const parsed = parseRunOptions(options)
    if (this.#isStopped) return
    this.#runner = new Runner(this.#parts, parsed)
    await this.#runner.run()
  }

  /** Resolves when the run is over, however it ended; its handlers are waited for until `deadline`. */
  async stop(deadline: Deadline): Promise<void> {
    this.#isStopped = true
    this.#runner?.stop(deadline)
    await this.#running?.catch(() => {})
  }
}
