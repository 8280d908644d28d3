import { kafkaAvailability, startRealKafka } from '../../test/support/real-kafka/index.ts'

export interface FoundKafka extends AsyncDisposable {
  readonly bootstrapServers: string
}

/** The Kafka that was named, else that of `KAFKAWIRE_BOOTSTRAP`, else one that is started for as long as this runs. */
export async function findKafka(given: string | undefined): Promise<FoundKafka> {
  const named = given ?? process.env.KAFKAWIRE_BOOTSTRAP
  if (named !== undefined && named !== '') {
    return { bootstrapServers: named, async [Symbol.asyncDispose]() {} }
  }
  if (kafkaAvailability() === 'none') {
    throw new Error(
      'there is no Kafka to use. Name one with `npm start -- --bootstrap-server HOST:PORT`, ' +
        'or install Java 17 and Maven, by which one is started',
    )
  }
  console.log('starting a Kafka (the first time, Maven fetches it) ...')
  const kafka = await startRealKafka()
  console.log(`Kafka is up at ${kafka.bootstrapServers}`)
  return kafka
}
