import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ListenerOption, startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { groupProperties } from '../real-kafka/broker-properties.ts'
import type { KafkaAddresses } from '../real-kafka/listeners.ts'
import { listenersFor } from '../real-kafka/listeners.ts'
import type { RealKafka, StartKafkaOptions } from '../real-kafka/start-real-kafka.ts'
import { makeTestCertificates, type TestCertificates } from '../real-kafka/test-certificates.ts'

/** A cluster in memory in the place of one of Java's: the same addresses, and the same that can be done to it. */
export interface MemoryKafka extends RealKafka {
  readonly memory: TestKafka
}

/** What {@link startRealKafka} takes, for a cluster in memory. TLS listeners need `openssl`. */
export async function startMemoryKafka(options: StartKafkaOptions = {}): Promise<MemoryKafka> {
  const { nodes = 1, brokerProperties = {}, listeners = {}, users = { alice: 'alice-secret' } } = options
  const certificates = listeners.tls || listeners.saslTls ? await certificatesOf() : null
  const kinds = listenersFor(listeners)
  const memory = await startKafka({
    brokers: nodes,
    configs: { ...sharedProperties(nodes), ...brokerProperties },
    autoCreateTopics: false,
    racks: Array.from({ length: nodes }, (_, i) => `rack-${i + 1}`),
    acls: { superUsers: ['User:ANONYMOUS'], allowEveryoneIfNoAclFound: true },
    listeners: await Promise.all(
      kinds.map(async ({ name, protocol, host }): Promise<ListenerOption> => {
        const tls = protocol.endsWith('SSL') ? await tlsOf(certificates!, name) : null
        return {
          name,
          advertisedHost: host,
          ...(tls === null ? {} : { tls }),
          ...(protocol.startsWith('SASL') ? { sasl: { users } } : {}),
        }
      }),
    ),
  })
  const addresses: KafkaAddresses = { bootstrapServers: '' }
  for (const { key, name } of kinds) addresses[key] = memory.bootstrapServersOf(name)
  if (certificates !== null) {
    const { ca, clientCertificate, clientKey } = certificates
    Object.assign(addresses, { ca, clientCertificate, clientKey })
  }
  if (listeners.sasl || listeners.saslTls) addresses.users = { ...users }
  const ports = memory.bootstrapServers.split(',').map((address) => Number(address.split(':')[1]))
  return {
    ...addresses,
    memory,
    nodes: memory.brokerIds.map((id, i) => ({ id, port: ports[i]! })),
    kill: (id) => memory.stopBroker(id),
    shutdown: (id) => memory.stopBroker(id),
    freeze: (id) => memory.freezeBroker(id),
    thaw: (id) => memory.thawBroker(id),
    restart: async (id) => {
      await memory.stopBroker(id)
      await memory.startBroker(id)
    },
    stop: () => memory.close(),
    [Symbol.asyncDispose]: () => memory.close(),
  }
}

/** What tests rely on in the properties of a real one, see `broker-properties.ts`. */
function sharedProperties(nodes: number): Record<string, string> {
  const replicas = String(Math.min(3, nodes))
  const minIsr = nodes >= 3 ? '2' : '1'
  return {
    ...groupProperties(),
    'default.replication.factor': replicas,
    'min.insync.replicas': minIsr,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.min.isr': minIsr,
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.min.isr': minIsr,
    'share.coordinator.state.topic.num.partitions': '4',
    'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
    'delegation.token.secret.key': 'not-much-of-a-secret',
  }
}

let certificates: Promise<TestCertificates & { brokerPem: string; wrongHostPem: string }> | undefined

async function certificatesOf() {
  certificates ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kafkawire-certificates-'))
    try {
      const made = await makeTestCertificates(folder)
      const { readFile } = await import('node:fs/promises')
      return {
        ...made,
        brokerPem: await readFile(made.brokerFile, 'utf8'),
        wrongHostPem: await readFile(made.wrongHostFile, 'utf8'),
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })()
  return certificates
}

async function tlsOf({ ca }: TestCertificates, listener: string) {
  const { brokerPem, wrongHostPem } = await certificatesOf()
  const pem = listener === 'WRONGHOST' ? wrongHostPem : brokerPem
  const mutual = listener === 'MUTUAL' ? { ca, requestCert: true, rejectUnauthorized: true } : {}
  return { key: pem, cert: pem, ...mutual }
}
