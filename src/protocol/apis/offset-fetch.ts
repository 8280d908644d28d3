import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, int64, string, uuid } from '../schema.ts'

/** Reads how far groups have come; several groups at once since version 8 (KIP-709). */
export const offsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: '0-10',
  flexible: '6+',
  route: 'groupCoordinator',
  request: {
    groupId: string('0-7'),
    /** Null: all that the group has committed. */
    topics: array(
      {
        name: string('0-7'),
        partitionIndexes: array(int32(), '0-7'),
      },
      '0-7',
      { nullable: '2-7' },
    ),
    groups: array(
      {
        groupId: string('8+'),
        memberId: string('9+', { nullable: true, default: null, ignorable: true }),
        memberEpoch: int32('9+', { default: -1, ignorable: true }),
        /** Null: all that the group has committed. */
        topics: array(
          {
            name: string('8-9', { ignorable: true }),
            topicId: uuid('10+', { ignorable: true }),
            partitionIndexes: array(int32(), '8+'),
          },
          '8+',
          { nullable: true },
        ),
      },
      '8+',
    ),
    /** Answer UNSTABLE_OFFSET_COMMIT while a transaction is open on an offset (KIP-447). */
    requireStable: bool('7+'),
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    topics: array(
      {
        name: string('0-7'),
        partitions: array(
          {
            partitionIndex: int32('0-7'),
            /** -1: nothing committed. */
            committedOffset: int64('0-7'),
            committedLeaderEpoch: int32('5-7', { default: -1, ignorable: true }),
            metadata: string('0-7', { nullable: true }),
            errorCode: int16('0-7'),
          },
          '0-7',
        ),
      },
      '0-7',
    ),
    errorCode: int16('2-7', { ignorable: true }),
    groups: array(
      {
        groupId: string('8+'),
        topics: array(
          {
            name: string('8-9', { ignorable: true }),
            topicId: uuid('10+', { ignorable: true }),
            partitions: array(
              {
                partitionIndex: int32('8+'),
                /** -1: nothing committed. */
                committedOffset: int64('8+'),
                committedLeaderEpoch: int32('8+', { default: -1, ignorable: true }),
                metadata: string('8+', { nullable: true }),
                errorCode: int16('8+'),
              },
              '8+',
            ),
          },
          '8+',
        ),
        errorCode: int16('8+'),
      },
      '8+',
    ),
  },
})

export type OffsetFetchRequest = RequestOf<typeof offsetFetch>
export type OffsetFetchResponse = ResponseOf<typeof offsetFetch>
