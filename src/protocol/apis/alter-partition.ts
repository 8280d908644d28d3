import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int8, int16, int32, int64, string, uuid } from '../schema.ts'

/** A partition leader changes its set of in-sync replicas (KIP-497). */
export const alterPartition = api({
  key: 56,
  name: 'AlterPartition',
  versions: '0-3',
  flexible: '0+',
  route: 'controller',
  request: {
    brokerId: int32(),
    brokerEpoch: int64('0+', { default: -1n }),
    topics: array({
      topicName: string('0-1', { ignorable: true }),
      topicId: uuid('2+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        leaderEpoch: int32(),
        newIsr: array(int32(), '0-2'),
        /** With the epochs of the brokers, so that one that has restarted is not taken in (KIP-903). */
        newIsrWithEpochs: array(
          {
            brokerId: int32('3+'),
            brokerEpoch: int64('3+', { default: -1n }),
          },
          '3+',
        ),
        /** 0: recovered; 1: recovering after an unclean election (KIP-704). */
        leaderRecoveryState: int8('1+'),
        /** The one that the change was based on. */
        partitionEpoch: int32(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    topics: array({
      topicName: string('0-1', { ignorable: true }),
      topicId: uuid('2+', { ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
        isr: array(int32()),
        /** 0: recovered; 1: recovering after an unclean election (KIP-704). */
        leaderRecoveryState: int8('1+', { ignorable: true }),
        partitionEpoch: int32(),
      }),
    }),
  },
})

export type AlterPartitionRequest = RequestOf<typeof alterPartition>
export type AlterPartitionResponse = ResponseOf<typeof alterPartition>
