import type { Api } from '../../protocol/message.ts'
import { addOffsetsToTxnHandler } from '../apis/add-offsets-to-txn.ts'
import { addPartitionsToTxnHandler } from '../apis/add-partitions-to-txn.ts'
import { addRaftVoterHandler } from '../apis/add-raft-voter.ts'
import { alterClientQuotasHandler } from '../apis/alter-client-quotas.ts'
import { alterConfigsHandler } from '../apis/alter-configs.ts'
import { alterPartitionReassignmentsHandler } from '../apis/alter-partition-reassignments.ts'
import { alterReplicaLogDirsHandler } from '../apis/alter-replica-log-dirs.ts'
import { alterShareGroupOffsetsHandler } from '../apis/alter-share-group-offsets.ts'
import { alterUserScramCredentialsHandler } from '../apis/alter-user-scram-credentials.ts'
import { apiVersionsHandler } from '../apis/api-versions.ts'
import { consumerGroupDescribeHandler } from '../apis/consumer-group-describe.ts'
import { consumerGroupHeartbeatHandler } from '../apis/consumer-group-heartbeat.ts'
import { createAclsHandler } from '../apis/create-acls.ts'
import { createDelegationTokenHandler } from '../apis/create-delegation-token.ts'
import { createPartitionsHandler } from '../apis/create-partitions.ts'
import { createTopicsHandler } from '../apis/create-topics.ts'
import { deleteAclsHandler } from '../apis/delete-acls.ts'
import { deleteGroupsHandler } from '../apis/delete-groups.ts'
import { deleteRecordsHandler } from '../apis/delete-records.ts'
import { deleteShareGroupOffsetsHandler } from '../apis/delete-share-group-offsets.ts'
import { deleteTopicsHandler } from '../apis/delete-topics.ts'
import { describeAclsHandler } from '../apis/describe-acls.ts'
import { describeClientQuotasHandler } from '../apis/describe-client-quotas.ts'
import { describeClusterHandler } from '../apis/describe-cluster.ts'
import { describeConfigsHandler } from '../apis/describe-configs.ts'
import { describeDelegationTokenHandler } from '../apis/describe-delegation-token.ts'
import { describeGroupsHandler } from '../apis/describe-groups.ts'
import { describeLogDirsHandler } from '../apis/describe-log-dirs.ts'
import { describeProducersHandler } from '../apis/describe-producers.ts'
import { describeQuorumHandler } from '../apis/describe-quorum.ts'
import { describeShareGroupOffsetsHandler } from '../apis/describe-share-group-offsets.ts'
import { describeTopicPartitionsHandler } from '../apis/describe-topic-partitions.ts'
import { describeTransactionsHandler } from '../apis/describe-transactions.ts'
import { describeUserScramCredentialsHandler } from '../apis/describe-user-scram-credentials.ts'
import { electLeadersHandler } from '../apis/elect-leaders.ts'
import { endTxnHandler } from '../apis/end-txn.ts'
import { expireDelegationTokenHandler } from '../apis/expire-delegation-token.ts'
import { fetchHandler } from '../apis/fetch.ts'
import { findCoordinatorHandler } from '../apis/find-coordinator.ts'
import { heartbeatHandler } from '../apis/heartbeat.ts'
import { incrementalAlterConfigsHandler } from '../apis/incremental-alter-configs.ts'
import { initProducerIdHandler } from '../apis/init-producer-id.ts'
import { joinGroupHandler } from '../apis/join-group.ts'
import { leaveGroupHandler } from '../apis/leave-group.ts'
import { listConfigResourcesHandler } from '../apis/list-config-resources.ts'
import { listGroupsHandler } from '../apis/list-groups.ts'
import { listOffsetsHandler } from '../apis/list-offsets.ts'
import { listPartitionReassignmentsHandler } from '../apis/list-partition-reassignments.ts'
import { listTransactionsHandler } from '../apis/list-transactions.ts'
import { metadataHandler } from '../apis/metadata.ts'
import { offsetCommitHandler } from '../apis/offset-commit.ts'
import { offsetDeleteHandler } from '../apis/offset-delete.ts'
import { offsetFetchHandler } from '../apis/offset-fetch.ts'
import { offsetForLeaderEpochHandler } from '../apis/offset-for-leader-epoch.ts'
import { produceHandler } from '../apis/produce.ts'
import { removeRaftVoterHandler } from '../apis/remove-raft-voter.ts'
import { renewDelegationTokenHandler } from '../apis/renew-delegation-token.ts'
import { saslAuthenticateHandler } from '../apis/sasl-authenticate.ts'
import { saslHandshakeHandler } from '../apis/sasl-handshake.ts'
import { shareAcknowledgeHandler } from '../apis/share-acknowledge.ts'
import { shareFetchHandler } from '../apis/share-fetch.ts'
import { shareGroupDescribeHandler } from '../apis/share-group-describe.ts'
import { shareGroupHeartbeatHandler } from '../apis/share-group-heartbeat.ts'
import { syncGroupHandler } from '../apis/sync-group.ts'
import { txnOffsetCommitHandler } from '../apis/txn-offset-commit.ts'
import { unregisterBrokerHandler } from '../apis/unregister-broker.ts'
import { updateFeaturesHandler } from '../apis/update-features.ts'
import { writeTxnMarkersHandler } from '../apis/write-txn-markers.ts'
import type { VersionProfile } from '../versions/kafka-version.ts'
import type { ApiHandler } from './api-handler.ts'

/** All APIs that the brokers answer. **A new one is a file in `src/testing/apis` and a line here.** */
const handlers: readonly ApiHandler[] = [
  addOffsetsToTxnHandler,
  addPartitionsToTxnHandler,
  addRaftVoterHandler,
  alterClientQuotasHandler,
  alterConfigsHandler,
  alterPartitionReassignmentsHandler,
  alterReplicaLogDirsHandler,
  alterShareGroupOffsetsHandler,
  alterUserScramCredentialsHandler,
  apiVersionsHandler,
  consumerGroupDescribeHandler,
  consumerGroupHeartbeatHandler,
  createAclsHandler,
  createDelegationTokenHandler,
  createPartitionsHandler,
  createTopicsHandler,
  deleteAclsHandler,
  deleteGroupsHandler,
  deleteRecordsHandler,
  deleteShareGroupOffsetsHandler,
  deleteTopicsHandler,
  describeAclsHandler,
  describeClientQuotasHandler,
  describeClusterHandler,
  describeConfigsHandler,
  describeDelegationTokenHandler,
  describeGroupsHandler,
  describeLogDirsHandler,
  describeProducersHandler,
  describeQuorumHandler,
  describeShareGroupOffsetsHandler,
  describeTopicPartitionsHandler,
  describeTransactionsHandler,
  describeUserScramCredentialsHandler,
  electLeadersHandler,
  endTxnHandler,
  expireDelegationTokenHandler,
  fetchHandler,
  findCoordinatorHandler,
  heartbeatHandler,
  incrementalAlterConfigsHandler,
  initProducerIdHandler,
  joinGroupHandler,
  leaveGroupHandler,
  listConfigResourcesHandler,
  listGroupsHandler,
  listOffsetsHandler,
  listPartitionReassignmentsHandler,
  listTransactionsHandler,
  metadataHandler,
  offsetCommitHandler,
  offsetDeleteHandler,
  offsetFetchHandler,
  offsetForLeaderEpochHandler,
  produceHandler,
  removeRaftVoterHandler,
  renewDelegationTokenHandler,
  saslAuthenticateHandler,
  saslHandshakeHandler,
  shareAcknowledgeHandler,
  shareFetchHandler,
  shareGroupDescribeHandler,
  shareGroupHeartbeatHandler,
  syncGroupHandler,
  txnOffsetCommitHandler,
  unregisterBrokerHandler,
  updateFeaturesHandler,
  writeTxnMarkersHandler,
]

const byKey = new Map(handlers.map((one) => [one.api.key, one]))

export function handlerOf(apiKey: number): ApiHandler | undefined {
  return byKey.get(apiKey)
}

/** An API with the versions that a broker offers. */
export interface OfferedApi {
  readonly api: Api
  readonly min: number
  readonly max: number
  /** Lowest version that is answered: Kafka 4 says that it offers Produce 0, for librdkafka's sake, and refuses it. */
  readonly servedFrom: number
}

/** What a broker of that Kafka offers, as far as it is spoken here. */
export function offeredApis(profile: VersionProfile): OfferedApi[] {
  return [...profile.apis].flatMap(([key, { min, max }]) => {
    const handler = byKey.get(key)
    if (handler === undefined) return []
    const servedFrom = handler === produceHandler && profile.version === '4.3' ? 3 : min
    return [{ api: handler.api, min, max: Math.min(max, handler.api.stableVersions.max), servedFrom }]
  })
}
