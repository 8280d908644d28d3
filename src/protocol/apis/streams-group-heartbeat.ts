import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, int64, string, struct, uint16 } from '../schema.ts'

/** All that a member of a Kafka Streams group says and is told (KIP-1071). */
export const streamsGroupHeartbeat = api({
  key: 88,
  name: 'StreamsGroupHeartbeat',
  versions: '0-1',
  flexible: '0+',
  route: 'groupCoordinator',
  request: {
    groupId: string(),
    /** A uuid made by the member itself. */
    memberId: string(),
    /**
     * 0: joins; -1: leaves; -2: leaves for a short while (static members). Else the epoch of the last
     * answer.
     */
    memberEpoch: int32(),
    /** Of the `partitionsByUserEndpoint` that the member knows. */
    endpointInformationEpoch: int32(),
    instanceId: string('0+', { nullable: true, default: null }),
    rackId: string('0+', { nullable: true, default: null }),
    /** Milliseconds; -1: unchanged. */
    rebalanceTimeoutMs: int32('0+', { default: -1 }),
    /** Given when joining; null: unchanged. */
    topology: struct(
      {
        epoch: int32(),
        subtopologies: array({
          subtopologyId: string(),
          sourceTopics: array(string()),
          /** Regular expressions of further source topics. */
          sourceTopicRegex: array(string()),
          stateChangelogTopics: array({
            name: string(),
            /** 0: as many as the source topics have. */
            partitions: int32(),
            /** 0: the default of the broker. */
            replicationFactor: int16(),
            topicConfigs: array({
              key: string(),
              value: string(),
            }),
          }),
          repartitionSinkTopics: array(string()),
          repartitionSourceTopics: array({
            name: string(),
            partitions: int32(),
            replicationFactor: int16(),
            topicConfigs: array({
              key: string(),
              value: string(),
            }),
          }),
          /** Topics that must have the same number of partitions, as indexes into the lists above. */
          copartitionGroups: array({
            sourceTopics: array(int16()),
            sourceTopicRegex: array(int16()),
            repartitionSourceTopics: array(int16()),
          }),
        }),
      },
      '0+',
      { nullable: true, default: null },
    ),
    /** What the member has, as the two that follow; null: unchanged. */
    activeTasks: array(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: true, default: null },
    ),
    standbyTasks: array(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: true, default: null },
    ),
    warmupTasks: array(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: true, default: null },
    ),
    /** The same for all members of one process; null: unchanged. */
    processId: string('0+', { nullable: true, default: null }),
    /** Address for interactive queries; null: none, or unchanged. */
    userEndpoint: struct(
      {
        host: string(),
        port: uint16(),
      },
      '0+',
      { nullable: true, default: null },
    ),
    /** For rack-aware standby tasks; null: unchanged. */
    clientTags: array(
      {
        key: string(),
        value: string(),
      },
      '0+',
      { nullable: true, default: null },
    ),
    /** How far the changelogs of its tasks are restored; null: unchanged. */
    taskOffsets: array(
      {
        subtopologyId: string(),
        partition: int32(),
        offset: int64(),
      },
      '0+',
      { nullable: true, default: null },
    ),
    taskEndOffsets: array(
      {
        subtopologyId: string(),
        partition: int32(),
        offset: int64(),
      },
      '0+',
      { nullable: true, default: null },
    ),
    /** Asks all members of the group to stop. */
    shutdownApplication: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true, default: null }),
    memberId: string(),
    memberEpoch: int32(),
    /** Milliseconds until the next heartbeat. */
    heartbeatIntervalMs: int32(),
    acceptableRecoveryLagLegacy: int32('0'),
    /** Milliseconds between reports of `taskOffsets`. */
    taskOffsetIntervalMs: int32(),
    /**
     * Records by which a task may lag and still count as caught up; an int32 of another name in version 0.
     */
    acceptableRecoveryLag: int64('1+', { default: -1n, ignorable: true }),
    /** Problems of the group, such as missing topics; null: unchanged. */
    status: array(
      {
        statusCode: int8(),
        statusDetail: string(),
      },
      '0+',
      { nullable: true },
    ),
    /** What the member is to have, as the two that follow; null: unchanged. */
    activeTasks: array(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: true, default: null },
    ),
    standbyTasks: array(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: true, default: null },
    ),
    warmupTasks: array(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: true, default: null },
    ),
    /** Asks for a StreamsGroupTopologyDescriptionUpdate. */
    topologyDescriptionRequired: bool('1+'),
    endpointInformationEpoch: int32(),
    /** Who holds which partitions, for interactive queries; null: unchanged. */
    partitionsByUserEndpoint: array(
      {
        userEndpoint: struct({
          host: string(),
          port: uint16(),
        }),
        activePartitions: array({
          topic: string(),
          partitions: array(int32()),
        }),
        standbyPartitions: array({
          topic: string(),
          partitions: array(int32()),
        }),
      },
      '0+',
      { nullable: true, default: null },
    ),
  },
})

export type StreamsGroupHeartbeatRequest = RequestOf<typeof streamsGroupHeartbeat>
export type StreamsGroupHeartbeatResponse = ResponseOf<typeof streamsGroupHeartbeat>
