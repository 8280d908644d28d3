import { Admin } from './admin/admin.ts'
import type { AdminOptions } from './admin/admin-options.ts'
import { Consumer } from './consumer/consumer.ts'
import type { ConsumerOptions } from './consumer/consumer-options.ts'
import { ShareConsumer } from './consumer/share/share-consumer.ts'
import type { ShareConsumerOptions } from './consumer/share/share-consumer-options.ts'
import { type ClientOptions, clientOptions } from './options/client-options.ts'
import { parseOptions } from './options/parse-options.ts'
import { Producer } from './producer/producer.ts'
import type { ProducerOptions } from './producer/producer-options.ts'

/**
 * One Kafka cluster, and how to reach it: where clients come from. It holds no connection itself; each client has its
 * own, opened when first needed and closed with it.
 */
export class Kafka {
  readonly #options: ClientOptions

  /** @throws InvalidOptionError that names what is wrong with an option, and what is allowed. */
  constructor(options: ClientOptions) {
    parseOptions('Kafka', clientOptions, options)
    this.#options = { ...options }
  }

  /** Sends records. Options given here count before those of `Kafka`. */
  producer<K = string | Uint8Array | null, V = string | Uint8Array | null>(
    options: ProducerOptions<K, V> = {},
  ): Producer<K, V> {
    return new Producer<K, V>({ ...this.#options, ...options })
  }

  /** Reads records. Options given here count before those of `Kafka`. */
  consumer<K = Buffer | null, V = Buffer | null>(options: ConsumerOptions<K, V> = {}): Consumer<K, V> {
    return new Consumer<K, V>({ ...this.#options, ...options })
  }

  /** Reads records as a member of a share group (KIP-932). Options given here count before those of `Kafka`. */
  shareConsumer<K = Buffer | null, V = Buffer | null>(
    options: ShareConsumerOptions<K, V>,
  ): ShareConsumer<K, V> {
    return new ShareConsumer<K, V>({ ...this.#options, ...options })
  }

  /** Looks after topics and groups. Options given here count before those of `Kafka`. */
  admin(options: Partial<AdminOptions> = {}): Admin {
    return new Admin({ ...this.#options, ...options })
  }
}
