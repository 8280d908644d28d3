import { beforeAll, describe } from 'vitest'
import { howToGetKafka, javaIsAvailable } from './availability.ts'
import type { KafkaAddresses } from './listeners.ts'
import { sharedKafka, sharedKafkaIsAvailable } from './shared-kafka.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** Set on suites that were skipped for the want of a Kafka. */
    needsKafka?: boolean
  }
}

export interface DescribeKafkaOptions {
  /**
   * What the tests need:
   * - `any`: the shared Kafka, wherever it comes from;
   * - `listeners`: the shared Kafka with its TLS and SASL listeners, so one started by Java;
   * - `own`: what `startRealKafka` and Kafka's own tools need, which is Java; the shared Kafka is not started.
   *
   * @default 'any'
   */
  needs?: 'any' | 'listeners' | 'own'
}

// The first run of all downloads Kafka.
const startTimeoutMs = 600_000

/**
 * `describe` for tests against a real Kafka. Where there is none they are skipped, and counted in one line at the end
 * of the run; with `KAFKAWIRE_REQUIRE_KAFKA=1` they fail.
 *
 * @param fn declares the tests. It is given the addresses of the shared Kafka, which can be read inside tests and hooks
 *   only: Kafka is not yet running while tests are being declared.
 */
export function describeKafka(
  name: string,
  fn: (kafka: KafkaAddresses) => void,
  options: DescribeKafkaOptions = {},
): void {
  const { needs = 'any' } = options
  const isAvailable = needs === 'own' ? javaIsAvailable() : sharedKafkaIsAvailable(needs === 'listeners')
  const isRequired = process.env.KAFKAWIRE_REQUIRE_KAFKA === '1'
  let started: KafkaAddresses | null = null
  const kafka = new Proxy({} as KafkaAddresses, {
    get: (_target, key) => {
      if (started === null) {
        const reason =
          needs === 'own' ? "with needs: 'own' there is none" : 'it runs inside tests and hooks only'
        throw new Error(`no shared Kafka to take ${String(key)} from: ${reason}`)
      }
      return started[key as keyof KafkaAddresses]
    },
  })

  if (!isAvailable && !isRequired) {
    describe.skip(name, { meta: { needsKafka: true } }, () => fn(kafka))
    return
  }
  describe(name, () => {
    beforeAll(async () => {
      if (!isAvailable) {
        const wanted = needs === 'any' ? howToGetKafka : 'give Java 17 + Maven'
        throw new Error(`KAFKAWIRE_REQUIRE_KAFKA is set and there is no Kafka for these tests: ${wanted}`)
      }
      if (needs !== 'own') started = await sharedKafka({ listeners: needs === 'listeners' })
    }, startTimeoutMs)
    fn(kafka)
  })
}
