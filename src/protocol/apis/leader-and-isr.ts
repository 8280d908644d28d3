import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, int64, string, uuid } from '../schema.ts'

/**
 * Tells a broker which replicas it leads and follows. From the controller under ZooKeeper; gone since Kafka
 * 4.0.
 */
export const leaderAndIsr = api({
  key: 4,
  name: 'LeaderAndIsr',
  versions: '0-7',
  flexible: '4+',
  route: 'broker',
  request: {
    controllerId: int32(),
    isKRaftController: bool('7+'),
    controllerEpoch: int32(),
    brokerEpoch: int64('2+', { default: -1n, ignorable: true }),
    /** 1: only what has changed; 2: all partitions. */
    type: int8('5+'),
    ungroupedPartitionStates: array(
      {
        topicName: string('0-1', { ignorable: true }),
        partitionIndex: int32(),
        controllerEpoch: int32(),
        leader: int32(),
        leaderEpoch: int32(),
        isr: array(int32()),
        partitionEpoch: int32(),
        replicas: array(int32()),
        addingReplicas: array(int32(), '3+', { ignorable: true }),
        removingReplicas: array(int32(), '3+', { ignorable: true }),
        isNew: bool('1+', { ignorable: true }),
        /** 0: recovered; 1: recovering after an unclean election (KIP-704). */
        leaderRecoveryState: int8('6+'),
      },
      '0-1',
    ),
    topicStates: array(
      {
        topicName: string('2+'),
        topicId: uuid('5+', { ignorable: true }),
        partitionStates: array(
          {
            topicName: string('0-1', { ignorable: true }),
            partitionIndex: int32(),
            controllerEpoch: int32(),
            leader: int32(),
            leaderEpoch: int32(),
            isr: array(int32()),
            partitionEpoch: int32(),
            replicas: array(int32()),
            addingReplicas: array(int32(), '3+', { ignorable: true }),
            removingReplicas: array(int32(), '3+', { ignorable: true }),
            isNew: bool('1+', { ignorable: true }),
            leaderRecoveryState: int8('6+'),
          },
          '2+',
        ),
      },
      '2+',
    ),
    liveLeaders: array({
      brokerId: int32(),
      hostName: string(),
      port: int32(),
    }),
  },
  response: {
    errorCode: int16(),
    partitionErrors: array(
      {
        topicName: string('0-4', { ignorable: true }),
        partitionIndex: int32(),
        errorCode: int16(),
      },
      '0-4',
    ),
    topics: array(
      {
        topicId: uuid('5+'),
        partitionErrors: array(
          {
            topicName: string('0-4', { ignorable: true }),
            partitionIndex: int32(),
            errorCode: int16(),
          },
          '5+',
        ),
      },
      '5+',
    ),
  },
})

export type LeaderAndIsrRequest = RequestOf<typeof leaderAndIsr>
export type LeaderAndIsrResponse = ResponseOf<typeof leaderAndIsr>
