import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, string } from '../schema.ts'

/** Elects leaders of partitions anew (KIP-183, KIP-460). */
export const electLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2',
  flexible: '2+',
  route: 'controller',
  request: {
    /** 0: the preferred replica; 1: one that is not in sync, where no other lives (unclean). */
    electionType: int8('1+'),
    /** Null: all partitions. */
    topicPartitions: array(
      {
        topic: string(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: true },
    ),
    timeoutMs: int32('0+', { default: 60000 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16('1+'),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: string('0+', { nullable: true }),
      }),
    }),
  },
})

export type ElectLeadersRequest = RequestOf<typeof electLeaders>
export type ElectLeadersResponse = ResponseOf<typeof electLeaders>
