import { afterAll, beforeAll, describe } from 'vitest'
import {
  describeKafka,
  type KafkaAddresses,
  type RealKafka,
  type StartKafkaOptions,
  startRealKafka,
} from '../real-kafka/index.ts'
import { type MemoryKafka, startMemoryKafka } from './memory-kafka.ts'

/** A Kafka that cases run against: one in memory, or a real one. */
export interface AnyKafka extends KafkaAddresses {
  readonly kind: 'memory' | 'real'
  /** A cluster of one's own, of the same kind. */
  start(options?: StartKafkaOptions): Promise<RealKafka>
}

export interface DescribeAnyKafkaOptions {
  /** As in `describeKafka`. @default 'any' */
  readonly needs?: 'any' | 'listeners' | 'own'
}

/**
 * Declares the same tests twice: against a Kafka in memory, and against a real one where there is one. What passes on one
 * alone is a bug of the one in memory, or of the test.
 */
export function describeAnyKafka(
  name: string,
  fn: (kafka: AnyKafka) => void,
  { needs = 'any' }: DescribeAnyKafkaOptions = {},
): void {
  describe(`${name} [in memory]`, () => {
    let started: MemoryKafka | null = null
    if (needs !== 'own') {
      beforeAll(async () => {
        started = await startMemoryKafka(
          needs === 'listeners' ? { listeners: { tls: true, sasl: true, saslTls: true } } : {},
        )
      })
      afterAll(async () => {
        await started?.stop()
      })
    }
    fn(withAddresses('memory', startMemoryKafka, () => started))
  })
  describeKafka(`${name} [real]`, (addresses) => fn(withAddresses('real', startRealKafka, () => addresses)), {
    needs,
  })
}

function withAddresses(
  kind: AnyKafka['kind'],
  start: AnyKafka['start'],
  addresses: () => KafkaAddresses | null,
): AnyKafka {
  return new Proxy({} as AnyKafka, {
    get: (_target, key) => {
      if (key === 'kind') return kind
      if (key === 'start') return start
      const known = addresses()
      if (known === null) throw new Error(`no Kafka yet to take ${String(key)} from: tests and hooks only`)
      return known[key as keyof KafkaAddresses]
    },
  })
}
