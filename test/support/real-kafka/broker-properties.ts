import type { ListenerKind } from './listeners.ts'
import type { TestCertificates } from './test-certificates.ts'

/** Ports of one node. */
export interface NodePorts {
  id: number
  controller: number
  /** By listener name. */
  listeners: Readonly<Record<string, number>>
}

export interface BrokerPropertiesOptions {
  node: NodePorts
  /** Every node of the cluster. All are controllers, so that a cluster of three outlives one of them. */
  nodes: readonly NodePorts[]
  listeners: readonly ListenerKind[]
  dataFolder: string
  certificates: TestCertificates | null
  users: Readonly<Record<string, string>>
  /** Last word on any property. */
  extra: Readonly<Record<string, string>>
}

/** Text of a node's `server.properties`. */
export function brokerProperties(options: BrokerPropertiesOptions): string {
  const properties = {
    ...networkProperties(options),
    ...storageProperties(options),
    ...groupProperties(),
    ...failureProperties(options.nodes.length),
    ...(options.certificates === null ? {} : tlsProperties(options.listeners, options.certificates)),
    ...saslProperties(options.listeners, options.users),
    ...options.extra,
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

function networkProperties({ node, nodes, listeners }: BrokerPropertiesOptions): Record<string, string> {
  const port = (name: string): number => node.listeners[name]!
  const bound = listeners.map(({ name }) => `${name}://127.0.0.1:${port(name)}`)
  const advertised = listeners.map(({ name, host }) => `${name}://${host}:${port(name)}`)
  const protocols = listeners.map(({ name, protocol }) => `${name}:${protocol}`)
  return {
    'process.roles': 'broker,controller',
    'node.id': String(node.id),
    'broker.rack': `rack-${node.id}`,
    'controller.quorum.voters': nodes.map(({ id, controller }) => `${id}@127.0.0.1:${controller}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: [...bound, `CONTROLLER://127.0.0.1:${node.controller}`].join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map': [...protocols, 'CONTROLLER:PLAINTEXT'].join(','),
    'num.network.threads': '2',
    'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
  }
}

function storageProperties({ nodes, dataFolder }: BrokerPropertiesOptions): Record<string, string> {
  const replicas = String(Math.min(3, nodes.length))
  const minIsr = nodes.length >= 3 ? '2' : '1'
  return {
    'log.dirs': dataFolder,
    'log.cleaner.enable': 'false',
    // Tests create their topics; those about unknown topics rely on nobody else doing it.
    'auto.create.topics.enable': 'false',
    'num.partitions': '1',
    'default.replication.factor': replicas,
    'min.insync.replicas': minIsr,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minIsr,
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': minIsr,
    'share.coordinator.state.topic.num.partitions': '4',
  }
}

/** A rebalance takes a few heartbeats of the new protocols, whose pace the broker sets: 5 s unless told otherwise. */
export function groupProperties(): Record<string, string> {
  const pace = (type: string): Record<string, string> => ({
    [`group.${type}.heartbeat.interval.ms`]: '500',
    [`group.${type}.min.heartbeat.interval.ms`]: '100',
    [`group.${type}.session.timeout.ms`]: '10000',
    [`group.${type}.min.session.timeout.ms`]: '1000',
  })
  return {
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    ...pace('consumer'),
    ...pace('share'),
  }
}

/**
 * How soon a dead node is noticed. Also how long a killed one waits when it comes back, even an only one: the controller
 * lets nobody in under an id whose session is alive.
 */
function failureProperties(nodes: number): Record<string, string> {
  return {
    'broker.heartbeat.interval.ms': '250',
    'broker.session.timeout.ms': nodes === 1 ? '2000' : '3000',
  }
}

function tlsProperties(
  listeners: readonly ListenerKind[],
  certificates: TestCertificates,
): Record<string, string> {
  const properties: Record<string, string> = {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': certificates.brokerFile,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.caFile,
  }
  if (listeners.some(({ name }) => name === 'WRONGHOST')) {
    properties['listener.name.wronghost.ssl.keystore.type'] = 'PEM'
    properties['listener.name.wronghost.ssl.keystore.location'] = certificates.wrongHostFile
  }
  if (listeners.some(({ name }) => name === 'MUTUAL')) {
    properties['listener.name.mutual.ssl.client.auth'] = 'required'
  }
  return properties
}

function saslProperties(
  listeners: readonly ListenerKind[],
  users: Readonly<Record<string, string>>,
): Record<string, string> {
  const passwords = Object.entries(users).map(([name, password]) => ` user_${name}="${password}"`)
  const modules = {
    plain: `org.apache.kafka.common.security.plain.PlainLoginModule required${passwords.join('')};`,
    'scram-sha-256': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'scram-sha-512': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    oauthbearer:
      'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
  }
  const properties: Record<string, string> = {}
  for (const { name, protocol } of listeners) {
    if (!protocol.startsWith('SASL')) continue
    const prefix = `listener.name.${name.toLowerCase()}`
    properties[`${prefix}.sasl.enabled.mechanisms`] = Object.keys(modules).join(',').toUpperCase()
    for (const [mechanism, module] of Object.entries(modules)) {
      properties[`${prefix}.${mechanism}.sasl.jaas.config`] = module
    }
  }
  return properties
}
