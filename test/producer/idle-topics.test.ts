import { expect, test } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { startKafka } from '../../src/testing/index.ts'

test('a topic that is not used any more is not asked for again, however old its metadata are', async () => {
  await using kafka = await startKafka({ topics: ['idle', 'used'] })
  const client = new Kafka({
    bootstrapServers: kafka.bootstrapServers,
    metadataMaxAgeMs: 20,
    retryBackoffMs: 5,
  })
  await using producer = client.producer()
  await producer.send({ topic: 'idle', value: 'a' })
  kafka.requests.clear()
  /** How often the cluster was asked for a topic. */
  const asked = (topic: string) =>
    kafka.requests.all('Metadata').filter(({ body }) => {
      return (body.topics as readonly { readonly name: string }[]).some(({ name }) => name === topic)
    }).length
  for (const until = performance.now() + 30_000; asked('used') < 5; ) {
    expect(performance.now()).toBeLessThan(until)
    await producer.send({ topic: 'used', value: 'b' })
  }
  expect(asked('idle')).toBe(0)
})
