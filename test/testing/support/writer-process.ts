/** Runs a cluster with the data folder of its argument, writes without end, and says what has been acknowledged. */
import { Kafka } from '../../../src/index.ts'
import { startKafka } from '../../../src/testing/index.ts'

const kafka = await startKafka({ dataDir: process.argv[2]!, topics: ['orders'] })
const producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer({ lingerMs: 0 })
for (let i = 0; ; i += 20) {
  const records = Array.from({ length: 20 }, (_, j) => ({
    topic: 'orders',
    value: `${i + j} ${'x'.repeat(500)}`,
  }))
  await producer.sendMany(records)
  process.stdout.write(`${i + 20}\n`)
}
