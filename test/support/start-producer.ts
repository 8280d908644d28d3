import { afterEach, expect } from 'vitest'
import { Producer } from '../../src/producer/producer.ts'
import type { ProducerConfig } from '../../src/producer/producer-options.ts'
import {
  type ProducerClusterOptions,
  type ScriptedProducerCluster,
  startProducerCluster,
} from './scripted-producer-broker.ts'

type Text = string | Uint8Array | null

const cleanUps: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** A producer and its scripted cluster, for one test: closed after it, with nothing left in the buffer. */
export async function startProducer(
  options: Partial<ProducerConfig<Text, Text>> = {},
  clusterOptions: Partial<ProducerClusterOptions> = {},
): Promise<{ cluster: ScriptedProducerCluster; producer: Producer }> {
  const cluster = await startProducerCluster({ topics: { t: { partitions: 1 } }, ...clusterOptions })
  const producer = new Producer<Text, Text>({
    bootstrapServers: cluster.bootstrapServers,
    retryBackoffMs: 5,
    retryBackoffMaxMs: 20,
    reconnectBackoffMs: 5,
    reconnectBackoffMaxMs: 20,
    ...options,
  })
  cleanUps.push(async () => {
    await producer.close({ timeoutMs: 0 }).catch(() => {})
    await cluster[Symbol.asyncDispose]()
    // Whatever became of the records, nothing is held for them any more.
    expect(producer.bufferedBytes).toBe(0)
  })
  return { cluster, producer }
}
