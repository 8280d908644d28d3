/** Where a cluster is reached, and what is needed to get in. Plain data: it goes from process to process as JSON. */
export interface KafkaAddresses {
  /** PLAINTEXT; `host:port` of every node with commas between, like all of these. */
  bootstrapServers: string
  /** TLS with a certificate for `localhost` and 127.0.0.1. */
  tlsBootstrapServers?: string
  /** TLS with a certificate of the same CA for another host name: a client that checks names must refuse it. */
  wrongHostTlsBootstrapServers?: string
  /** TLS that wants a certificate of the client, and refuses those without. */
  mutualTlsBootstrapServers?: string
  /**
   * SASL without TLS: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, and OAUTHBEARER with unsecured tokens. A kcat with librdkafka
   * before 2.6.1 repeats its nonce and is refused by SCRAM.
   */
  saslBootstrapServers?: string
  /** The same over TLS. */
  saslTlsBootstrapServers?: string
  /** PEM of the CA that signed every certificate here. */
  ca?: string
  /** PEM of a client certificate for the mutual TLS listener; principal `User:CN=client`. */
  clientCertificate?: string
  /** PEM of its key. */
  clientKey?: string
  /** Password by user name, for the SASL listeners. */
  users?: Record<string, string>
}

export interface ListenerChoice {
  /** TLS listeners: the right one, the one with a wrong host name, and the one with mutual TLS. */
  tls?: boolean
  /** SASL_PLAINTEXT. */
  sasl?: boolean
  /** SASL_SSL. */
  saslTls?: boolean
}

type BootstrapKey = Extract<keyof KafkaAddresses, `${string}ootstrapServers`>

export interface ListenerKind {
  name: string
  /** One of Kafka's security protocols. */
  protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  /** Advertised; it must be in the certificate where names are checked. */
  host: string
  /** Property of `KafkaAddresses` that gives its address. */
  key: BootstrapKey
}

const plaintext: ListenerKind = {
  name: 'PLAINTEXT',
  protocol: 'PLAINTEXT',
  host: '127.0.0.1',
  key: 'bootstrapServers',
}

const tls: readonly ListenerKind[] = [
  { name: 'TLS', protocol: 'SSL', host: 'localhost', key: 'tlsBootstrapServers' },
  { name: 'WRONGHOST', protocol: 'SSL', host: 'localhost', key: 'wrongHostTlsBootstrapServers' },
  { name: 'MUTUAL', protocol: 'SSL', host: 'localhost', key: 'mutualTlsBootstrapServers' },
]

const sasl: ListenerKind = {
  name: 'SASL',
  protocol: 'SASL_PLAINTEXT',
  host: '127.0.0.1',
  key: 'saslBootstrapServers',
}

const saslTls: ListenerKind = {
  name: 'SASLTLS',
  protocol: 'SASL_SSL',
  host: 'localhost',
  key: 'saslTlsBootstrapServers',
}

/** The listeners of each node, PLAINTEXT first. */
export function listenersFor(choice: ListenerChoice): ListenerKind[] {
  return [
    plaintext,
    ...(choice.tls ? tls : []),
    ...(choice.sasl ? [sasl] : []),
    ...(choice.saslTls ? [saslTls] : []),
  ]
}
