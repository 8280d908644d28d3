export {
  type AclOperation,
  Admin,
  type AdminOptions,
  allOrThrow,
  type CallOptions,
  type ClusterDescription,
  type ConfigEntry,
  type ConfigSource,
  type CreatedTopic,
  type CreatePartitionsResult,
  type CreateTopicResult,
  type DeleteTopicResult,
  type DescribeClusterOptions,
  type DescribeGroupResult,
  type DescribeTopicResult,
  type GroupDescription,
  type GroupLagRow,
  type GroupListing,
  type GroupListings,
  type GroupMember,
  type GroupState,
  type GroupType,
  type ItemResult,
  type ListGroupsOptions,
  type ListTopicsOptions,
  type NewPartitions,
  type NewTopic,
  type Node,
  type TopicCallOptions,
  type TopicDescription,
  type TopicIds,
  type TopicListing,
  type TopicPartition,
  type TopicPartitionInfo,
  type ValidatedTopicCallOptions,
} from './admin/admin.ts'
export type { PartitionMetadata } from './cluster/metadata.ts'
export { Consumer } from './consumer/consumer.ts'
export type { ConsumerInterceptor } from './consumer/consumer-interceptors.ts'
export type { AssignorName, ConsumerOptions, PartitionsHook } from './consumer/consumer-options.ts'
export type { ConsumerRecord, ConsumerRecordHeader } from './consumer/consumer-record.ts'
export type { NodeRecordReadable } from './consumer/consumer-streams.ts'
export type {
  CloseOptions,
  CommittedPartition,
  OffsetToSeek,
  PartitionLag,
  PartitionToRead,
  PollOptions,
  StopOptions,
} from './consumer/consumer-types.ts'
export type {
  ClusterView,
  MemberSubscription,
  PartitionAssignor,
} from './consumer/group/assignors/assignor.ts'
export type { GroupMembershipOperation, GroupMetadata } from './consumer/group/group-member.ts'
export type { ConsumerHealth, ConsumerStall, PartitionHealth, WaitsFor } from './consumer/health.ts'
export type { BatchIterator, RecordIterator } from './consumer/iterators.ts'
export type { MessageBatch } from './consumer/message-batch.ts'
export type { OffsetToCommit } from './consumer/offset-committer.ts'
export type {
  OffsetForTime,
  PartitionInfo,
  PartitionOffset,
  PartitionTimestamp,
  TopicListing as ReadableTopic,
} from './consumer/offset-queries.ts'
export type { AutoOffsetReset } from './consumer/offset-reset.ts'
export type {
  DeadLetter,
  DeadLetterProducer,
  FailureDecision,
  FailureHandler,
  HandlerContext,
  RunOptions,
} from './consumer/processing/run-options.ts'
export type {
  Replay,
  ReplayOptions,
  ReplayPartition,
  ReplayPoint,
  ReplayProgress,
  ReplayRange,
} from './consumer/replay.ts'
export { ShareConsumer } from './consumer/share/share-consumer.ts'
export type { ShareConsumerOptions } from './consumer/share/share-consumer-options.ts'
export type { ShareRecordIterator } from './consumer/share/share-iterator.ts'
export type { ShareRecord } from './consumer/share/share-record.ts'
export type {
  AcknowledgementResult,
  AcknowledgeType,
  RecordPlace,
  SharePollOptions,
} from './consumer/share/share-types.ts'
export { SubscriptionPattern } from './consumer/subscription-pattern.ts'
export type { TopicOrPattern } from './consumer/topic-subscription.ts'
export {
  AuthenticationError,
  BrokerError,
  type BrokerErrorInfo,
  ConnectionError,
  type ConnectionErrorCode,
  DeliveryError,
  type ErrorContext,
  GroupError,
  IllegalStateError,
  InvalidArgumentError,
  InvalidOptionError,
  KafkaError,
  LogTruncationError,
  ProtocolError,
  RecordTooLargeError,
  SerializationError,
  TimeoutError,
  type TimeoutErrorCode,
  TlsError,
  type TlsErrorCode,
  TransactionError,
  UnsupportedVersionError,
} from './errors.ts'
export { Kafka } from './kafka.ts'
export type { Metric } from './metrics/metric.ts'
export {
  connectRaw,
  type RawAnswer,
  type RawCallOptions,
  RawConnection,
  type RawConnectionOptions,
  type RawSendOptions,
} from './network/raw-connection.ts'
export type { SaslExchange, SaslMechanism } from './network/sasl/mechanism.ts'
export type { Connect, ConnectTarget, TlsOptions } from './network/transport.ts'
export type { ClientOptions, SaslPasswordOptions } from './options/client-options.ts'
export { SendManyError } from './producer/delivery.ts'
export type { ProducerInterceptor } from './producer/interceptors.ts'
export type { Partitioner, PartitionerArgs } from './producer/partitioner.ts'
export { Producer, type WaitOptions } from './producer/producer.ts'
export type { ProducerOptions } from './producer/producer-options.ts'
export type {
  DeliveredRange,
  OnDelivery,
  ProducerRecord,
  RecordMetadata,
} from './producer/producer-record.ts'
export type {
  NodeRecordWritable,
  ProducerStreamOptions,
  RecordWritableStream,
} from './producer/producer-streams.ts'
export type { Transaction, TransactionOptions } from './producer/transactions/transaction.ts'
export type {
  ConsumedRecord,
  ConsumerGroupMetadata,
  TransactionOffset,
} from './producer/transactions/transaction-offsets.ts'
export type { HeadersInput, HeaderValue, RecordHeader } from './protocol/records/record-header.ts'
export {
  type Deserializer,
  json,
  type PayloadContext,
  type Serde,
  type Serializer,
  type StandardResult,
  type StandardSchema,
  string,
} from './serializers.ts'
