import { addOffsetsToTxn } from './apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from './apis/add-partitions-to-txn.ts'
import { addRaftVoter } from './apis/add-raft-voter.ts'
import { allocateProducerIds } from './apis/allocate-producer-ids.ts'
import { alterClientQuotas } from './apis/alter-client-quotas.ts'
import { alterConfigs } from './apis/alter-configs.ts'
import { alterPartition } from './apis/alter-partition.ts'
import { alterPartitionReassignments } from './apis/alter-partition-reassignments.ts'
import { alterReplicaLogDirs } from './apis/alter-replica-log-dirs.ts'
import { alterShareGroupOffsets } from './apis/alter-share-group-offsets.ts'
import { alterUserScramCredentials } from './apis/alter-user-scram-credentials.ts'
import { apiVersions } from './apis/api-versions.ts'
import { assignReplicasToDirs } from './apis/assign-replicas-to-dirs.ts'
import { beginQuorumEpoch } from './apis/begin-quorum-epoch.ts'
import { brokerHeartbeat } from './apis/broker-heartbeat.ts'
import { brokerRegistration } from './apis/broker-registration.ts'
import { consumerGroupDescribe } from './apis/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from './apis/consumer-group-heartbeat.ts'
import { controlledShutdown } from './apis/controlled-shutdown.ts'
import { controllerRegistration } from './apis/controller-registration.ts'
import { createAcls } from './apis/create-acls.ts'
import { createDelegationToken } from './apis/create-delegation-token.ts'
import { createPartitions } from './apis/create-partitions.ts'
import { createTopics } from './apis/create-topics.ts'
import { deleteAcls } from './apis/delete-acls.ts'
import { deleteGroups } from './apis/delete-groups.ts'
import { deleteRecords } from './apis/delete-records.ts'
import { deleteShareGroupOffsets } from './apis/delete-share-group-offsets.ts'
import { deleteShareGroupState } from './apis/delete-share-group-state.ts'
import { deleteTopics } from './apis/delete-topics.ts'
import { describeAcls } from './apis/describe-acls.ts'
import { describeClientQuotas } from './apis/describe-client-quotas.ts'
import { describeCluster } from './apis/describe-cluster.ts'
import { describeConfigs } from './apis/describe-configs.ts'
import { describeDelegationToken } from './apis/describe-delegation-token.ts'
import { describeGroups } from './apis/describe-groups.ts'
import { describeLogDirs } from './apis/describe-log-dirs.ts'
import { describeProducers } from './apis/describe-producers.ts'
import { describeQuorum } from './apis/describe-quorum.ts'
import { describeShareGroupOffsets } from './apis/describe-share-group-offsets.ts'
import { describeTopicPartitions } from './apis/describe-topic-partitions.ts'
import { describeTransactions } from './apis/describe-transactions.ts'
import { describeUserScramCredentials } from './apis/describe-user-scram-credentials.ts'
import { electLeaders } from './apis/elect-leaders.ts'
import { endQuorumEpoch } from './apis/end-quorum-epoch.ts'
import { endTxn } from './apis/end-txn.ts'
import { envelope } from './apis/envelope.ts'
import { expireDelegationToken } from './apis/expire-delegation-token.ts'
import { fetch } from './apis/fetch.ts'
import { fetchSnapshot } from './apis/fetch-snapshot.ts'
import { findCoordinator } from './apis/find-coordinator.ts'
import { getTelemetrySubscriptions } from './apis/get-telemetry-subscriptions.ts'
import { heartbeat } from './apis/heartbeat.ts'
import { incrementalAlterConfigs } from './apis/incremental-alter-configs.ts'
import { initProducerId } from './apis/init-producer-id.ts'
import { initializeShareGroupState } from './apis/initialize-share-group-state.ts'
import { joinGroup } from './apis/join-group.ts'
import { leaderAndIsr } from './apis/leader-and-isr.ts'
import { leaveGroup } from './apis/leave-group.ts'
import { listClientMetricsResources } from './apis/list-client-metrics-resources.ts'
import { listConfigResources } from './apis/list-config-resources.ts'
import { listGroups } from './apis/list-groups.ts'
import { listOffsets } from './apis/list-offsets.ts'
import { listPartitionReassignments } from './apis/list-partition-reassignments.ts'
import { listTransactions } from './apis/list-transactions.ts'
import { metadata } from './apis/metadata.ts'
import { offsetCommit } from './apis/offset-commit.ts'
import { offsetDelete } from './apis/offset-delete.ts'
import { offsetFetch } from './apis/offset-fetch.ts'
import { offsetForLeaderEpoch } from './apis/offset-for-leader-epoch.ts'
import { produce } from './apis/produce.ts'
import { pushTelemetry } from './apis/push-telemetry.ts'
import { readShareGroupState } from './apis/read-share-group-state.ts'
import { readShareGroupStateSummary } from './apis/read-share-group-state-summary.ts'
import { removeRaftVoter } from './apis/remove-raft-voter.ts'
import { renewDelegationToken } from './apis/renew-delegation-token.ts'
import { saslAuthenticate } from './apis/sasl-authenticate.ts'
import { saslHandshake } from './apis/sasl-handshake.ts'
import { shareAcknowledge } from './apis/share-acknowledge.ts'
import { shareFetch } from './apis/share-fetch.ts'
import { shareGroupDescribe } from './apis/share-group-describe.ts'
import { shareGroupHeartbeat } from './apis/share-group-heartbeat.ts'
import { stopReplica } from './apis/stop-replica.ts'
import { streamsGroupDescribe } from './apis/streams-group-describe.ts'
import { streamsGroupHeartbeat } from './apis/streams-group-heartbeat.ts'
import { streamsGroupTopologyDescriptionUpdate } from './apis/streams-group-topology-description-update.ts'
import { syncGroup } from './apis/sync-group.ts'
import { txnOffsetCommit } from './apis/txn-offset-commit.ts'
import { unregisterBroker } from './apis/unregister-broker.ts'
import { unregisterController } from './apis/unregister-controller.ts'
import { updateFeatures } from './apis/update-features.ts'
import { updateMetadata } from './apis/update-metadata.ts'
import { updateRaftVoter } from './apis/update-raft-voter.ts'
import { vote } from './apis/vote.ts'
import { writeShareGroupState } from './apis/write-share-group-state.ts'
import { writeTxnMarkers } from './apis/write-txn-markers.ts'
import { abortedTxn } from './data/aborted-txn.ts'
import {
  controlRecordTypeSchema,
  endTxnMarker,
  kRaftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
} from './data/control-records.ts'
import { defaultPrincipalData } from './data/default-principal-data.ts'
import { ProtocolError } from './errors.ts'
import { consumerProtocolAssignment, consumerProtocolSubscription } from './groups/consumer-protocol.ts'
import { requestHeader, responseHeader } from './headers.ts'
import type { Api, Message } from './message.ts'

export type { Api, Message, Route } from './message.ts'

/** Every API that is spoken here. Drags them all in: what should tree-shake imports an API by its own name. */
export const apis: readonly Api[] = [
  addOffsetsToTxn,
  addPartitionsToTxn,
  addRaftVoter,
  allocateProducerIds,
  alterClientQuotas,
  alterConfigs,
  alterPartition,
  alterPartitionReassignments,
  alterReplicaLogDirs,
  alterShareGroupOffsets,
  alterUserScramCredentials,
  apiVersions,
  assignReplicasToDirs,
  beginQuorumEpoch,
  brokerHeartbeat,
  brokerRegistration,
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  controlledShutdown,
  controllerRegistration,
  createAcls,
  createDelegationToken,
  createPartitions,
  createTopics,
  deleteAcls,
  deleteGroups,
  deleteRecords,
  deleteShareGroupOffsets,
  deleteShareGroupState,
  deleteTopics,
  describeAcls,
  describeClientQuotas,
  describeCluster,
  describeConfigs,
  describeDelegationToken,
  describeGroups,
  describeLogDirs,
  describeProducers,
  describeQuorum,
  describeShareGroupOffsets,
  describeTopicPartitions,
  describeTransactions,
  describeUserScramCredentials,
  electLeaders,
  endQuorumEpoch,
  endTxn,
  envelope,
  expireDelegationToken,
  fetch,
  fetchSnapshot,
  findCoordinator,
  getTelemetrySubscriptions,
  heartbeat,
  incrementalAlterConfigs,
  initProducerId,
  initializeShareGroupState,
  joinGroup,
  leaderAndIsr,
  leaveGroup,
  listConfigResources,
  listGroups,
  listOffsets,
  listPartitionReassignments,
  listTransactions,
  metadata,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  offsetForLeaderEpoch,
  produce,
  pushTelemetry,
  readShareGroupState,
  readShareGroupStateSummary,
  removeRaftVoter,
  renewDelegationToken,
  saslAuthenticate,
  saslHandshake,
  shareAcknowledge,
  shareFetch,
  shareGroupDescribe,
  shareGroupHeartbeat,
  stopReplica,
  streamsGroupDescribe,
  streamsGroupHeartbeat,
  streamsGroupTopologyDescriptionUpdate,
  syncGroup,
  txnOffsetCommit,
  unregisterBroker,
  unregisterController,
  updateFeatures,
  updateMetadata,
  updateRaftVoter,
  vote,
  writeShareGroupState,
  writeTxnMarkers,
  // Last, since it has the key of ListConfigResources: who looks for key 74 finds the name of today first.
  listClientMetricsResources,
]

const dataMessages: readonly Message[] = [
  requestHeader,
  responseHeader,
  consumerProtocolSubscription,
  consumerProtocolAssignment,
  abortedTxn,
  controlRecordTypeSchema,
  defaultPrincipalData,
  endTxnMarker,
  kRaftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
]

// Reversed, since the last one of a key wins in a Map, and the first one of `apis` is meant to.
const apiByKey = new Map([...apis].reverse().map((entry) => [entry.key, entry]))
const apiByName = new Map(apis.map((entry) => [entry.name, entry]))
const messageByName = new Map(
  [...dataMessages, ...apis.flatMap((entry) => [entry.request, entry.response])].map((entry) => [
    entry.name,
    entry,
  ]),
)

/**
 * The API of this key or of Kafka's name for it: `api(1)` and `api('Fetch')` are the same.
 * Throws ProtocolError UNSUPPORTED for one that is not known.
 */
export function api(nameOrKey: string | number): Api {
  const found = typeof nameOrKey === 'number' ? apiByKey.get(nameOrKey) : apiByName.get(nameOrKey)
  if (found === undefined) {
    const highest = Math.max(...apiByKey.keys())
    throw new ProtocolError(
      'UNSUPPORTED',
      `API ${JSON.stringify(nameOrKey)} is not known: allowed are Kafka's names, such as "Fetch", and keys from 0 to ${highest}`,
    )
  }
  return found
}

/**
 * The message of Kafka's own name: `message('FetchResponse')`, `message('RequestHeader')`.
 * Throws ProtocolError UNSUPPORTED for one that is not known.
 */
export function message(name: string): Message {
  const found = messageByName.get(name)
  if (found === undefined) {
    throw new ProtocolError(
      'UNSUPPORTED',
      `message ${JSON.stringify(name)} is not known: allowed are Kafka's names, such as "FetchRequest", see messageNames()`,
    )
  }
  return found
}

/** Kafka's own names of all messages, sorted. */
export function messageNames(): string[] {
  return [...messageByName.keys()].sort()
}
