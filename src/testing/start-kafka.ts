import { InvalidOptionError } from '../errors.ts'
import { KafkaCluster } from './cluster/kafka-cluster.ts'
import type { ListenerOption, StartKafkaOptions } from './options.ts'
import type { ClusterStorage } from './storage/cluster-storage.ts'
import { TestKafka } from './test-kafka.ts'
import { MemoryTransport } from './transport/memory-transport.ts'
import { TcpTransport } from './transport/tcp-transport.ts'
import type { Transport } from './transport/transport.ts'

/**
 * Starts a Kafka in this process, without Java: for tests, and for trying things out.
 *
 * ```ts
 * await using kafka = await startKafka({ brokers: 3, topics: ['orders'] })
 * const client = new Kafka({ bootstrapServers: kafka.bootstrapServers })
 * ```
 *
 * @throws InvalidOptionError
 */
export async function startKafka(options: StartKafkaOptions = {}): Promise<TestKafka> {
  const count = options.brokers ?? 1
  if (!Number.isInteger(count) || count < 1 || count > 1000) {
    throw new InvalidOptionError(`the option brokers is ${count}; allowed: an integer from 1 to 1000`)
  }
  const listeners = listenersOf(options)
  const transport = transportOf(options)
  const storage = options.dataDir === undefined ? null : await openStorage(options.dataDir)
  let cluster: KafkaCluster
  try {
    cluster = new KafkaCluster(storage?.optionsFor(options) ?? options)
    await storage?.restore(cluster)
  } catch (error) {
    await storage?.close()
    throw error
  }
  const kafka = new TestKafka(cluster, listeners, transport, storage)
  try {
    for (let i = 0; i < count; i++) await kafka.addBroker()
    await storage?.resume(cluster)
    kafka.createTopics(topicsToCreate(options.topics ?? [], cluster, storage !== null))
  } catch (error) {
    await kafka.close()
    throw error
  }
  return kafka
}

async function openStorage(dataDir: string): Promise<ClusterStorage> {
  const { ClusterStorage: Storage } = await import('./storage/cluster-storage.ts')
  return await Storage.open(dataDir)
}

/** Those that an earlier run has left are there already. */
function topicsToCreate(
  topics: NonNullable<StartKafkaOptions['topics']>,
  cluster: KafkaCluster,
  kept: boolean,
): NonNullable<StartKafkaOptions['topics']> {
  if (!kept) return topics
  return topics.filter(
    (topic) => cluster.topics.get(typeof topic === 'string' ? topic : topic.name) === undefined,
  )
}

function transportOf({ transport = 'tcp' }: StartKafkaOptions): Transport {
  switch (transport) {
    case 'tcp':
      return new TcpTransport()
    case 'memory':
      return new MemoryTransport()
    default:
      throw new InvalidOptionError(`the option transport is ${String(transport)}; allowed: tcp, memory`)
  }
}

function listenersOf({ listeners, tls, sasl }: StartKafkaOptions): readonly ListenerOption[] {
  if (listeners === undefined) {
    return [
      { name: 'default', ...(tls === undefined ? {} : { tls }), ...(sasl === undefined ? {} : { sasl }) },
    ]
  }
  if (tls !== undefined || sasl !== undefined) {
    throw new InvalidOptionError(
      'the options tls and sasl are for one listener; with listeners each has its own',
    )
  }
  if (listeners.length === 0)
    throw new InvalidOptionError('the option listeners is empty; at least one is needed')
  return listeners
}
