import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, string, struct, uuid } from '../schema.ts'

/** Partitions of topics, a page at a time (KIP-966). */
export const describeTopicPartitions = api({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: '0',
  flexible: '0+',
  route: 'any',
  request: {
    /** Empty: all topics. */
    topics: array({
      name: string(),
    }),
    /** Partitions on one page; brokers have a limit of their own. */
    responsePartitionLimit: int32('0+', { default: 2000 }),
    /** The last answer's `nextCursor`; null: begin. */
    cursor: struct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      '0+',
      { nullable: true, default: null },
    ),
  },
  response: {
    throttleTimeMs: int32('0+', { ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: string('0+', { nullable: true }),
      topicId: uuid('0+', { ignorable: true }),
      isInternal: bool('0+', { ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        /** -1: no leader at the moment. */
        leaderId: int32(),
        leaderEpoch: int32('0+', { default: -1, ignorable: true }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        /** Not in sync, but known to have all that is committed. */
        eligibleLeaderReplicas: array(int32(), '0+', { nullable: true, default: null }),
        /** The last eligible leader replicas, to choose from when an operator recovers the partition. */
        lastKnownElr: array(int32(), '0+', { nullable: true, default: null }),
        offlineReplicas: array(int32(), '0+', { ignorable: true }),
      }),
      /** Bit field of ACL operations; -2147483648: not asked for. */
      topicAuthorizedOperations: int32('0+', { default: -0x80000000 }),
    }),
    /** Where the next page begins; null: this was the last one. */
    nextCursor: struct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      '0+',
      { nullable: true, default: null },
    ),
  },
})

export type DescribeTopicPartitionsRequest = RequestOf<typeof describeTopicPartitions>
export type DescribeTopicPartitionsResponse = ResponseOf<typeof describeTopicPartitions>
