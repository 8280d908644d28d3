/**
 * Kafka's wire protocol without sockets: each API by its own name, so that a bundler keeps what is used. All APIs at
 * once, by key or name, are in `kafkawire/protocol/registry`.
 */
export { type ApiVersionsRequest, type ApiVersionsResponse, apiVersions } from './apis/api-versions.ts'
export {
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
  createPartitions,
} from './apis/create-partitions.ts'
export { type CreateTopicsRequest, type CreateTopicsResponse, createTopics } from './apis/create-topics.ts'
export { type DeleteTopicsRequest, type DeleteTopicsResponse, deleteTopics } from './apis/delete-topics.ts'
export {
  type DescribeClusterRequest,
  type DescribeClusterResponse,
  describeCluster,
} from './apis/describe-cluster.ts'
export {
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
  describeGroups,
} from './apis/describe-groups.ts'
export { type FetchRequest, type FetchResponse, fetch } from './apis/fetch.ts'
export {
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
  findCoordinator,
} from './apis/find-coordinator.ts'
export { type HeartbeatRequest, type HeartbeatResponse, heartbeat } from './apis/heartbeat.ts'
export {
  type InitProducerIdRequest,
  type InitProducerIdResponse,
  initProducerId,
} from './apis/init-producer-id.ts'
export { type JoinGroupRequest, type JoinGroupResponse, joinGroup } from './apis/join-group.ts'
export { type LeaveGroupRequest, type LeaveGroupResponse, leaveGroup } from './apis/leave-group.ts'
export { type ListGroupsRequest, type ListGroupsResponse, listGroups } from './apis/list-groups.ts'
export { type ListOffsetsRequest, type ListOffsetsResponse, listOffsets } from './apis/list-offsets.ts'
export { type MetadataRequest, type MetadataResponse, metadata } from './apis/metadata.ts'
export { type OffsetCommitRequest, type OffsetCommitResponse, offsetCommit } from './apis/offset-commit.ts'
export { type OffsetFetchRequest, type OffsetFetchResponse, offsetFetch } from './apis/offset-fetch.ts'
export { type ProduceRequest, type ProduceResponse, produce } from './apis/produce.ts'
export {
  type SaslAuthenticateRequest,
  type SaslAuthenticateResponse,
  saslAuthenticate,
} from './apis/sasl-authenticate.ts'
export {
  type SaslHandshakeRequest,
  type SaslHandshakeResponse,
  saslHandshake,
} from './apis/sasl-handshake.ts'
export { type SyncGroupRequest, type SyncGroupResponse, syncGroup } from './apis/sync-group.ts'
export { BrokerError, type BrokerErrorInfo, brokerErrorCode, brokerErrorInfo } from './broker-errors.ts'
export { crc32c } from './crc32c.ts'
export {
  type ErrorContext,
  KafkaError,
  type KafkaErrorOptions,
  ProtocolError,
  type ProtocolErrorCode,
} from './errors.ts'
export { FrameReader } from './frame-reader.ts'
export { consumerProtocolAssignment, consumerProtocolSubscription } from './groups/consumer-protocol.ts'
export {
  decodeResponseFrame,
  encodeRequestFrame,
  requestHeader,
  requestHeaderVersion,
  responseHeader,
  responseHeaderVersion,
} from './headers.ts'
export {
  type Api,
  api,
  Message,
  message,
  type RequestOf,
  type ResponseOf,
  type Route,
  type ValueOf,
} from './message.ts'
export { murmur2, toPositive } from './murmur2.ts'
export {
  encodeRecordBatch,
  type RecordBatchOptions,
  type RecordInput,
} from './records/encode-record-batch.ts'
export {
  type DecodedRecord,
  type DecodeRecordsOptions,
  decodeRecords,
  RecordBatch,
  type RecordBatches,
  type TimestampType,
} from './records/record-batch.ts'
export type { HeadersInput, HeaderValue, RecordHeader } from './records/record-header.ts'
