import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, int64, string } from '../schema.ts'

/** Tells a broker to drop replicas. From the controller under ZooKeeper; gone since Kafka 4.0. */
export const stopReplica = api({
  key: 5,
  name: 'StopReplica',
  versions: '0-4',
  flexible: '2+',
  route: 'broker',
  request: {
    controllerId: int32(),
    isKRaftController: bool('4+'),
    controllerEpoch: int32(),
    brokerEpoch: int64('1+', { default: -1n, ignorable: true }),
    deletePartitions: bool('0-2'),
    ungroupedPartitions: array(
      {
        topicName: string('0'),
        partitionIndex: int32('0'),
      },
      '0',
    ),
    topics: array(
      {
        name: string('1-2'),
        partitionIndexes: array(int32(), '1-2'),
      },
      '1-2',
    ),
    topicStates: array(
      {
        topicName: string('3+'),
        partitionStates: array(
          {
            partitionIndex: int32('3+'),
            leaderEpoch: int32('3+', { default: -1 }),
            deletePartition: bool('3+'),
          },
          '3+',
        ),
      },
      '3+',
    ),
  },
  response: {
    errorCode: int16(),
    partitionErrors: array({
      topicName: string(),
      partitionIndex: int32(),
      errorCode: int16(),
    }),
  },
})

export type StopReplicaRequest = RequestOf<typeof stopReplica>
export type StopReplicaResponse = ResponseOf<typeof stopReplica>
