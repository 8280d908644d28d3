import { KafkaError } from '../protocol/errors.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'
import type { ConsumerHealth, ConsumerStall, HealthParts } from './health.ts'
import { tell } from './tell.ts'
import type { Watchdog } from './watchdog.ts'

/** Looks after a consumer from outside; what does it is loaded when there is something to look at. */
export class Monitor {
  readonly #parts: HealthParts
  readonly #options: ParsedConsumerOptions
  #watchdog: Watchdog | null = null
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(parts: HealthParts, options: ParsedConsumerOptions) {
    this.#parts = parts
    this.#options = options
  }

  async health(): Promise<ConsumerHealth> {
    const { healthOf } = await import('./health.ts')
    return healthOf(this.#parts)
  }

  /** Begins to look for what stands still, unless `stallWarningMs` is 0. */
  start(): void {
    const { stallWarningMs } = this.#options
    if (stallWarningMs === 0 || this.#isStopped) return
    const intervalMs = Math.min(Math.max(Math.ceil(stallWarningMs / 4), 10), 15_000)
    this.#timer = setTimeout(async () => {
      this.#watchdog ??= await this.#load(intervalMs)
      if (this.#isStopped) return
      this.#watchdog.look(performance.now())
      this.start()
    }, intervalMs)
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  async #load(intervalMs: number): Promise<Watchdog> {
    const { Watchdog } = await import('./watchdog.ts')
    const { stallWarningMs, groupId, enableAutoCommit, atMostOnce, autoCommitIntervalMs } = this.#options
    const commits = groupId !== undefined && enableAutoCommit && !atMostOnce
    return new Watchdog(
      this.#parts,
      { stallWarningMs, intervalMs, autoCommitIntervalMs: commits ? autoCommitIntervalMs : null },
      (stall) => this.#tell(stall),
    )
  }

  #tell(stall: ConsumerStall): void {
    const { onStall, onError } = this.#options
    if (onStall !== undefined) return tell(onStall, stall)
    tell(onError, new KafkaError('STALLED', stall.message, { ...stall.partition }))
  }
}
