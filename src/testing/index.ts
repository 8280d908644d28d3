/**
 * A Kafka in memory, for tests: `startKafka` starts real brokers in this process, with real sockets and every fault on
 * demand.
 */
export type { ErrorName } from './error-codes.ts'
export {
  type Action,
  type AnswerBody,
  type ControlledRequest,
  changeAnswer,
  type DisconnectTime,
  delay,
  disconnect,
  drop,
  failWith,
  respond,
  throttle,
} from './faults/actions.ts'
export type { Control, ControlHandler, ControlOptions } from './faults/controls.ts'
export { type FaultKind, type RandomFaultsOptions, randomFaults } from './faults/random-faults.ts'
export type { LoggedRequest, RequestLog } from './faults/request-log.ts'
export type { StoredRecord } from './log/stored-records.ts'
export type {
  AclOption,
  AclsOption,
  ListenerOption,
  SaslMechanismName,
  SaslOption,
  StartKafkaOptions,
  TlsOption,
  TopicOption,
} from './options.ts'
export type { Acl, PatternType, PermissionType } from './security/acl.ts'
export type { AclOperation, ResourceType } from './security/authorizer.ts'
export { startKafka } from './start-kafka.ts'
export type { TestKafka } from './test-kafka.ts'
export type { SocketShape } from './transport/link.ts'
export type { Shaping, SocketShapeOptions } from './transport/socket-shaping.ts'
export type { KafkaVersion } from './versions/kafka-version.ts'
