import { kafkaAvailability, startRealKafka } from '../../test/support/real-kafka/index.ts'

/** Measures on the Kafka that `KAFKAWIRE_BOOTSTRAP` names, else on one that is started for it, which needs Java and Maven. */
export async function withKafka(measure: (bootstrapServers: string) => Promise<void>): Promise<void> {
  const given = process.env.KAFKAWIRE_BOOTSTRAP
  if (given !== undefined && given !== '') return measure(given)
  if (kafkaAvailability() === 'none') {
    console.log('skipped: give KAFKAWIRE_BOOTSTRAP=host:port, or install Java 17 and Maven')
    return
  }
  const started = await startRealKafka()
  try {
    await measure(started.bootstrapServers)
  } finally {
    await started.stop()
  }
}
