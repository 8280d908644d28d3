import { groupProperties } from './broker-properties.ts'
import type { RealKafka } from './start-real-kafka.ts'

/** A Confluent image: the ones that the container class knows how to start. */
const image = process.env.KAFKAWIRE_KAFKA_IMAGE ?? 'confluentinc/cp-kafka:8.1.0'

const portInContainer = 9093

/**
 * A single node in Docker, PLAINTEXT only. It can be stopped, not killed and restarted: Docker gives a container that
 * starts again another port, while the broker goes on to advertise the old one.
 */
export async function startDockerKafka(
  brokerProperties: Readonly<Record<string, string>>,
): Promise<RealKafka> {
  // Loaded here alone: it takes longer to load than most tests to run.
  const { KafkaContainer } = await import('@testcontainers/kafka')
  const properties: Record<string, string> = {
    'auto.create.topics.enable': 'false',
    ...groupProperties(),
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    ...brokerProperties,
  }
  const environment = Object.entries(properties).map(([key, value]) => [environmentName(key), value])
  const container = await new KafkaContainer(image)
    .withKraft()
    .withEnvironment(Object.fromEntries(environment))
    .start()
  const port = container.getMappedPort(portInContainer)
  const unsupported = (what: string): Error =>
    new Error(`a Kafka in Docker cannot ${what}; that needs Java 17 and Maven on PATH`)
  const stop = async (): Promise<void> => {
    await container.stop()
  }
  return {
    bootstrapServers: `${container.getHost()}:${port}`,
    nodes: [{ id: 1, port }],
    kill: () => Promise.reject(unsupported('be killed')),
    shutdown: () => Promise.reject(unsupported('be shut down')),
    restart: () => Promise.reject(unsupported('be restarted')),
    freeze: () => {
      throw unsupported('be frozen')
    },
    thaw: () => {
      throw unsupported('be thawed')
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** The image's way to name a property: `log.dirs` is `KAFKA_LOG_DIRS`. */
function environmentName(property: string): string {
  const escaped = property.replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_')
  return `KAFKA_${escaped.toUpperCase()}`
}
