import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { AclOperation, ResourceType, Subject } from '../security/authorizer.ts'
import type { Broker } from './broker.ts'
import type { BrokerConnection } from './broker-connection.ts'

/** What a handler knows of the request besides its body. */
export class RequestContext {
  readonly cluster: KafkaCluster
  readonly broker: Broker
  readonly connection: BrokerConnection
  /** Version of the API, for what is not simply a field that the version has or has not. */
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null

  constructor(connection: BrokerConnection, version: number, correlationId: number, clientId: string | null) {
    this.connection = connection
    this.broker = connection.broker
    this.cluster = connection.broker.cluster
    this.version = version
    this.correlationId = correlationId
    this.clientId = clientId
  }

  get now(): number {
    return this.cluster.clock.now()
  }

  /** Address of the client as Kafka shows it: `/127.0.0.1`. */
  get clientHost(): string {
    return this.connection.clientHost
  }

  get principal(): string {
    return this.connection.principal
  }

  /** Whether who asks may do it. For the cluster as a whole the name is `kafka-cluster`. */
  allows(operation: AclOperation, type: ResourceType, name = 'kafka-cluster'): boolean {
    const { authorizer } = this.cluster
    return !authorizer.enabled || authorizer.allows(this.#subject, operation, type, name)
  }

  /** Whether there is any resource of the type with which who asks may do it. */
  allowsAny(operation: AclOperation, type: ResourceType): boolean {
    const { authorizer } = this.cluster
    return !authorizer.enabled || authorizer.allowsAny(this.#subject, operation, type)
  }

  get #subject(): Subject {
    return { principal: this.principal, host: this.clientHost.slice(1) }
  }
}
