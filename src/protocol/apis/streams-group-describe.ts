import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, int64, string, struct, uint16 } from '../schema.ts'

/** State, topology, members and tasks of Kafka Streams groups (KIP-1071). */
export const streamsGroupDescribe = api({
  key: 89,
  name: 'StreamsGroupDescribe',
  versions: '0-1',
  flexible: '0+',
  route: 'groupCoordinator',
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
    /** List also the topology in words. */
    includeTopologyDescription: bool('1+'),
  },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true, default: null }),
      groupId: string(),
      /** Empty, NotReady, Assigning, Reconciling, Stable or Dead. */
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      /** Null: not there yet. */
      topology: struct(
        {
          epoch: int32(),
          subtopologies: array(
            {
              subtopologyId: string(),
              sourceTopics: array(string()),
              repartitionSinkTopics: array(string()),
              stateChangelogTopics: array({
                name: string(),
                partitions: int32(),
                replicationFactor: int16(),
                topicConfigs: array({
                  key: string(),
                  value: string(),
                }),
              }),
              repartitionSourceTopics: array({
                name: string(),
                partitions: int32(),
                replicationFactor: int16(),
                topicConfigs: array({
                  key: string(),
                  value: string(),
                }),
              }),
            },
            '0+',
            { nullable: true, default: null },
          ),
        },
        '0+',
        { nullable: true, default: null },
      ),
      members: array({
        memberId: string(),
        memberEpoch: int32(),
        instanceId: string('0+', { nullable: true, default: null }),
        rackId: string('0+', { nullable: true, default: null }),
        clientId: string(),
        clientHost: string(),
        topologyEpoch: int32(),
        /** The same for all members of one process. */
        processId: string(),
        /** Address for interactive queries; null: none. */
        userEndpoint: struct(
          {
            host: string(),
            port: uint16(),
          },
          '0+',
          { nullable: true, default: null },
        ),
        clientTags: array({
          key: string(),
          value: string(),
        }),
        /** How far the changelogs of its tasks are restored. */
        taskOffsets: array({
          subtopologyId: string(),
          partition: int32(),
          offset: int64(),
        }),
        taskEndOffsets: array({
          subtopologyId: string(),
          partition: int32(),
          offset: int64(),
        }),
        /** What the member has now. */
        assignment: struct({
          activeTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
          standbyTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
          warmupTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
        }),
        /** What the member is to have in the end. */
        targetAssignment: struct({
          activeTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
          standbyTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
          warmupTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
        }),
        /** Member of the classic protocol, in a group that moves over. */
        isClassic: bool(),
      }),
      /** Bit field of ACL operations; -2147483648: not asked for. */
      authorizedOperations: int32('0+', { default: -0x80000000 }),
      topologyDescription: struct(
        {
          subtopologies: array(
            {
              subtopologyId: string('1+'),
              nodes: array(
                {
                  name: string('1+'),
                  nodeType: int8('1+'),
                  sourceTopics: array(string(), '1+'),
                  sinkTopic: string('1+', { nullable: true, default: null }),
                  stores: array(string(), '1+'),
                  successors: array(string(), '1+'),
                },
                '1+',
              ),
            },
            '1+',
          ),
          globalStores: array(
            {
              source: struct(
                {
                  name: string('1+'),
                  nodeType: int8('1+'),
                  sourceTopics: array(string(), '1+'),
                  sinkTopic: string('1+', { nullable: true, default: null }),
                  stores: array(string(), '1+'),
                  successors: array(string(), '1+'),
                },
                '1+',
              ),
              processor: struct(
                {
                  name: string('1+'),
                  nodeType: int8('1+'),
                  sourceTopics: array(string(), '1+'),
                  sinkTopic: string('1+', { nullable: true, default: null }),
                  stores: array(string(), '1+'),
                  successors: array(string(), '1+'),
                },
                '1+',
              ),
            },
            '1+',
          ),
        },
        '1+',
        { nullable: true, default: null },
      ),
      topologyDescriptionStatus: int8('1+'),
      assignorName: string('1+', { nullable: true, default: null, ignorable: true }),
    }),
  },
})

export type StreamsGroupDescribeRequest = RequestOf<typeof streamsGroupDescribe>
export type StreamsGroupDescribeResponse = ResponseOf<typeof streamsGroupDescribe>
