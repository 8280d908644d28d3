import { afterAll, beforeAll, describe } from 'vitest'
import type { StartKafkaOptions } from '../../../src/testing/options.ts'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import type { TestKafka } from '../../../src/testing/test-kafka.ts'
import { describeKafka } from '../../support/real-kafka/index.ts'

/** A Kafka in memory, or a real one. */
export interface EitherKafka {
  readonly bootstrapServers: string
  /** Lets time pass: on a real Kafka by waiting, so few of it. */
  passTime(ms: number): Promise<void>
}

/** `describe` for what has to hold with time going by: for a Kafka in memory, and for a real one where there is one. */
export function describeEitherKafka(
  name: string,
  fn: (kafka: EitherKafka) => void,
  options: StartKafkaOptions = {},
): void {
  describe(`${name}, in memory`, () => {
    let kafka: TestKafka | null = null
    beforeAll(async () => {
      kafka = await startKafka(options)
    })
    afterAll(() => kafka?.close())
    fn({
      get bootstrapServers() {
        return kafka!.bootstrapServers
      },
      passTime: (ms) => kafka!.advanceClock(ms),
    })
  })
  describeKafka(`${name}, on a real Kafka`, (kafka) => {
    fn({
      get bootstrapServers() {
        return kafka.bootstrapServers
      },
      passTime: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    })
  })
}
