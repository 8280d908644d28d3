import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, string, uuid } from '../schema.ts'

/** Stores how far a group has come. */
export const offsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: '0-10',
  flexible: '8+',
  route: 'groupCoordinator',
  request: {
    groupId: string(),
    /** -1: a commit from outside of the group, allowed while it is empty. */
    generationIdOrMemberEpoch: int32('1+', { default: -1, ignorable: true }),
    memberId: string('1+', { ignorable: true }),
    groupInstanceId: string('7+', { nullable: true, default: null }),
    /** -1: the broker's own. */
    retentionTimeMs: int64('2-4', { default: -1n, ignorable: true }),
    topics: array({
      name: string('0-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        /** Offset of the next record to read. */
        committedOffset: int64(),
        committedLeaderEpoch: int32('6+', { default: -1, ignorable: true }),
        commitTimestamp: int64('1', { default: -1n }),
        committedMetadata: string('0+', { nullable: true }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: array({
      name: string('0-9', { ignorable: true }),
      topicId: uuid('10+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
})

export type OffsetCommitRequest = RequestOf<typeof offsetCommit>
export type OffsetCommitResponse = ResponseOf<typeof offsetCommit>
