import { startKafka } from '../../src/testing/index.ts'

export interface FoundKafka extends AsyncDisposable {
  readonly bootstrapServers: string
}

/** The Kafka that was named, else that of `KAFKAWIRE_BOOTSTRAP`, else one in memory, for as long as this runs. */
export async function findKafka(given: string | undefined): Promise<FoundKafka> {
  const named = given ?? process.env.KAFKAWIRE_BOOTSTRAP
  if (named !== undefined && named !== '') {
    return { bootstrapServers: named, async [Symbol.asyncDispose]() {} }
  }
  const kafka = await startKafka({ autoCreateTopics: false })
  console.log(`a Kafka ${kafka.version} in memory is up at ${kafka.bootstrapServers}`)
  return kafka
}
