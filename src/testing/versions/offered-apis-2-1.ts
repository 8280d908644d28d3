import type { OfferedApi } from './version-tables.ts'

/** What a broker of Kafka 2.1 offers. Recorded by scripts/record-broker-tables.ts. */
export const offeredApis21: readonly OfferedApi[] = [
  // key, lowest version, highest version
  [0, 0, 7], // Produce
  [1, 0, 10], // Fetch
  [2, 0, 4], // ListOffsets
  [3, 0, 7], // Metadata
  [4, 0, 1], // LeaderAndIsr
  [5, 0, 0], // StopReplica
  [6, 0, 4], // UpdateMetadata
  [7, 0, 1], // ControlledShutdown
  [8, 0, 6], // OffsetCommit
  [9, 0, 5], // OffsetFetch
  [10, 0, 2], // FindCoordinator
  [11, 0, 3], // JoinGroup
  [12, 0, 2], // Heartbeat
  [13, 0, 2], // LeaveGroup
  [14, 0, 2], // SyncGroup
  [15, 0, 2], // DescribeGroups
  [16, 0, 2], // ListGroups
  [17, 0, 1], // SaslHandshake
  [18, 0, 2], // ApiVersions
  [19, 0, 3], // CreateTopics
  [20, 0, 3], // DeleteTopics
  [21, 0, 1], // DeleteRecords
  [22, 0, 1], // InitProducerId
  [23, 0, 2], // OffsetForLeaderEpoch
  [24, 0, 1], // AddPartitionsToTxn
  [25, 0, 1], // AddOffsetsToTxn
  [26, 0, 1], // EndTxn
  [27, 0, 0], // WriteTxnMarkers
  [28, 0, 2], // TxnOffsetCommit
  [29, 0, 1], // DescribeAcls
  [30, 0, 1], // CreateAcls
  [31, 0, 1], // DeleteAcls
  [32, 0, 2], // DescribeConfigs
  [33, 0, 1], // AlterConfigs
  [34, 0, 1], // AlterReplicaLogDirs
  [35, 0, 1], // DescribeLogDirs
  [36, 0, 0], // SaslAuthenticate
  [37, 0, 1], // CreatePartitions
  [38, 0, 1], // CreateDelegationToken
  [39, 0, 1], // RenewDelegationToken
  [40, 0, 1], // ExpireDelegationToken
  [41, 0, 1], // DescribeDelegationToken
  [42, 0, 1], // DeleteGroups
]
