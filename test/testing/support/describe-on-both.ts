import { afterAll, beforeAll, describe } from 'vitest'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import type { TestKafka } from '../../../src/testing/test-kafka.ts'
import { describeKafka } from '../../support/real-kafka/index.ts'

/** Declares the same tests for a broker in memory and, where there is one, for a real Kafka. */
export function describeOnBoth(
  name: string,
  fn: (kafka: { readonly bootstrapServers: string }) => void,
): void {
  describe(`${name}, in memory`, () => {
    let started: TestKafka | null = null
    beforeAll(async () => {
      started = await startKafka()
    })
    afterAll(() => started?.close())
    fn({
      get bootstrapServers() {
        return started!.bootstrapServers
      },
    })
  })
  describeKafka(`${name}, on a real Kafka`, fn)
}
