import type { TlsOptions as NodeTlsOptions } from 'node:tls'
import type { Acl } from './security/acl.ts'
import type { KafkaVersion } from './versions/kafka-version.ts'

/** A topic to be there from the start. */
export interface TopicOption {
  readonly name: string
  /** @default `num.partitions` of the broker configs: 1 */
  readonly numPartitions?: number
  /** @default `default.replication.factor` of the broker configs: 1 */
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
}

export type SaslMechanismName = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

export interface SaslOption {
  /** @default all three */
  readonly mechanisms?: readonly SaslMechanismName[]
  /** Passwords by user name. More users come by `AlterUserScramCredentials`. */
  readonly users: Readonly<Record<string, string>>
}

/** What `tls.createServer` of Node takes: `key`, `cert`, `ca`, `requestCert`, ... */
export type TlsOption = NodeTlsOptions

/** An address at which each broker can be reached, with a port of its own. */
export interface ListenerOption {
  readonly name: string
  /** @default plain text */
  readonly tls?: TlsOption
  /** @default nobody is asked who they are */
  readonly sasl?: SaslOption
  /** What clients are told to connect to. @default host */
  readonly advertisedHost?: string
}

export interface AclsOption {
  /** Principals that may do everything, as `User:admin`. */
  readonly superUsers?: readonly string[]
  /** Whether everybody may use what no ACL names. @default false */
  readonly allowEveryoneIfNoAclFound?: boolean
  /** Rules to be there from the start; more come by `CreateAcls`. */
  readonly rules?: readonly AclOption[]
}

/** An access rule. By default it allows, from everywhere, and for the resource of exactly that name. */
export type AclOption = Pick<Acl, 'resourceType' | 'resourceName' | 'principal' | 'operation'> & Partial<Acl>

export interface StartKafkaOptions {
  /** How many brokers, with ids from 1 on. @default 1 */
  readonly brokers?: number
  /** The Kafka to behave as. @default '4.3' */
  readonly version?: KafkaVersion
  /** Topics to create: names, or with partitions and configs. */
  readonly topics?: readonly (string | TopicOption)[]
  /** Whether topics come to be when somebody asks for them (`auto.create.topics.enable`). @default true */
  readonly autoCreateTopics?: boolean
  /** Broker configs by Kafka's names, as in `server.properties`: `{ 'num.partitions': 3 }`. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>
  /** TLS of the one listener. Not together with `listeners`. */
  readonly tls?: TlsOption
  /** SASL of the one listener. Not together with `listeners`. */
  readonly sasl?: SaslOption
  /** Several listeners; clients are told the addresses of the one that they came by. @default one, named `default` */
  readonly listeners?: readonly ListenerOption[]
  /** Checks who may do what. @default everybody may do everything */
  readonly acls?: AclsOption
  /** Where to listen. @default '127.0.0.1' */
  readonly host?: string
  /**
   * Port of the first broker's first listener; the others follow it. 0: free ones, chosen by the system.
   *
   * @default 0
   */
  readonly port?: number
  /** `memory`: no sockets at all; clients take the cluster's `connect` as theirs. @default 'tcp' */
  readonly transport?: 'tcp' | 'memory'
  /**
   * Folder to keep data in, so that the next run finds it; made where it is missing. What was written survives the end of
   * the process, but for the last milliseconds before a kill; members of groups are not kept.
   *
   * @default nothing is kept
   */
  readonly dataDir?: string
  /** Racks of the brokers, in their order (KIP-36). */
  readonly racks?: readonly string[]
  /** All that is left to chance follows from it. @default a new one; `kafka.seed` tells it */
  readonly seed?: number
  /** @default made from the seed */
  readonly clusterId?: string
  /** What is said of a failure inside of the broker: a bug. @default console.error */
  readonly onError?: (error: Error) => void
}
