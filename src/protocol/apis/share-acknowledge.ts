import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, int64, string, struct, uuid } from '../schema.ts'

/** Says what became of records that a member of a share group had acquired (KIP-932). */
export const shareAcknowledge = api({
  key: 79,
  name: 'ShareAcknowledge',
  versions: '0-2',
  flexible: '0+',
  route: 'partitionLeader',
  request: {
    groupId: string('0+', { nullable: true, default: null }),
    memberId: string('0+', { nullable: true }),
    /** Counts up with each request; -1: closes the session. */
    shareSessionEpoch: int32(),
    /** Some of the types are 4, renew (KIP-1222). */
    isRenewAck: bool('2+'),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          /**
           * One for each offset, or one for all: 0: gap, 1: accept, 2: release, 3: reject, 4: renew
           * (KIP-1222).
           */
          acknowledgeTypes: array(int8()),
        }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true, default: null }),
    /** How long acquired records stay locked, in milliseconds. */
    acquisitionLockTimeoutMs: int32('2+', { ignorable: true }),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string('0+', { nullable: true, default: null }),
        currentLeader: struct({
          leaderId: int32(),
          leaderEpoch: int32(),
        }),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string('0+', { nullable: true, default: null }),
    }),
  },
})

export type ShareAcknowledgeRequest = RequestOf<typeof shareAcknowledge>
export type ShareAcknowledgeResponse = ResponseOf<typeof shareAcknowledge>
