/**
 * Copies a topic to another one in transactions, for as long as it is let: a process for tests to kill. Its arguments are
 * the bootstrap servers, a name for group and transactional id, the input and the output. A line is printed when it has
 * begun.
 */
import { Kafka } from '../../src/index.ts'

const [bootstrapServers = '', name = '', input = '', output = ''] = process.argv.slice(2)
const kafka = new Kafka({ bootstrapServers })
const producer = kafka.producer({ transactionalId: name })
const consumer = kafka.consumer({
  groupId: name,
  groupInstanceId: name,
  topics: [input],
  autoOffsetReset: 'earliest',
  enableAutoCommit: false,
  isolationLevel: 'read_committed',
})
await producer.initTransactions()
process.stdout.write('begun\n')
for (;;) {
  const records = await consumer.poll({ timeoutMs: 1_000, maxRecords: 20 })
  if (records.length === 0) continue
  await producer.transaction(async (tx) => {
    for (const { partition, value } of records) void tx.send({ topic: output, partition, value })
    await tx.sendOffsets(consumer, records)
  })
}
