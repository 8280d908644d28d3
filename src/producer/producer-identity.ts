import type { Cluster } from '../cluster/cluster.ts'
import { Deadline } from '../deadline.ts'
import { UnsupportedVersionError } from '../errors.ts'
import { initProducerId } from '../protocol/apis/init-producer-id.ts'
import type { ProducerIdentity } from './partition-queue.ts'

export interface IdentityOptions {
  /** Null: on where the brokers know it, as they do since Kafka 0.11. */
  readonly enableIdempotence: boolean | null
  /** Milliseconds that one attempt to get an id may take, its retries included. */
  readonly timeoutMs: number
}

/** The producer id under which the brokers know repeated batches (KIP-98). Asked for when first needed. */
export class IdentitySource {
  readonly #cluster: Cluster
  readonly #options: IdentityOptions
  #isOn: boolean
  #current: ProducerIdentity | null = null
  #loading: Promise<void> | null = null

  constructor(cluster: Cluster, options: IdentityOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#isOn = options.enableIdempotence !== false
  }

  /** Null while there is none: not yet, or because idempotence is off. */
  get current(): ProducerIdentity | null {
    return this.#current
  }

  /** Whether batches may leave. */
  get isReady(): boolean {
    return !this.#isOn || this.#current !== null
  }

  /** Gets the first id, or with `renew` another one. Concurrent callers share one question. */
  load(renew = false): Promise<void> {
    if (!renew && this.isReady) return Promise.resolve()
    this.#loading ??= this.#ask().finally(() => {
      this.#loading = null
    })
    return this.#loading
  }

  async #ask(): Promise<void> {
    try {
      const response = await this.#cluster.request(
        initProducerId,
        { transactionalId: null, transactionTimeoutMs: 0x7fffffff },
        {
          to: 'any',
          deadline: new Deadline(this.#options.timeoutMs),
          errorOf: (answer) => answer.errorCode,
        },
      )
      this.#current = { producerId: response.producerId, producerEpoch: response.producerEpoch }
    } catch (error) {
      // Brokers before 0.11, and some that only speak the protocol: what was not asked for by name is done without.
      if (!(error instanceof UnsupportedVersionError) || this.#options.enableIdempotence === true) throw error
      this.#isOn = false
    }
  }
}
