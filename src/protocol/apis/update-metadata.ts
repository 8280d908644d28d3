import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, int64, string, uuid } from '../schema.ts'

/**
 * Tells a broker the leaders of all partitions. From the controller under ZooKeeper; gone since Kafka 4.0.
 */
export const updateMetadata = api({
  key: 6,
  name: 'UpdateMetadata',
  versions: '0-8',
  flexible: '6+',
  route: 'broker',
  request: {
    controllerId: int32(),
    isKRaftController: bool('8+'),
    /** 0: unknown; 1: only what has changed; 2: all partitions. */
    type: int8('8+', { tag: 0 }),
    controllerEpoch: int32(),
    brokerEpoch: int64('5+', { default: -1n, ignorable: true }),
    ungroupedPartitionStates: array(
      {
        topicName: string('0-4', { ignorable: true }),
        partitionIndex: int32(),
        controllerEpoch: int32(),
        leader: int32(),
        leaderEpoch: int32(),
        isr: array(int32()),
        zkVersion: int32(),
        replicas: array(int32()),
        offlineReplicas: array(int32(), '4+', { ignorable: true }),
      },
      '0-4',
    ),
    topicStates: array(
      {
        topicName: string('5+'),
        topicId: uuid('7+', { ignorable: true }),
        partitionStates: array(
          {
            topicName: string('0-4', { ignorable: true }),
            partitionIndex: int32(),
            controllerEpoch: int32(),
            leader: int32(),
            leaderEpoch: int32(),
            isr: array(int32()),
            zkVersion: int32(),
            replicas: array(int32()),
            offlineReplicas: array(int32(), '4+', { ignorable: true }),
          },
          '5+',
        ),
      },
      '5+',
    ),
    liveBrokers: array({
      id: int32(),
      v0Host: string('0', { ignorable: true }),
      v0Port: int32('0', { ignorable: true }),
      endpoints: array(
        {
          port: int32('1+'),
          host: string('1+'),
          listener: string('3+', { ignorable: true }),
          /** 0: PLAINTEXT, 1: SSL, 2: SASL_PLAINTEXT, 3: SASL_SSL. */
          securityProtocol: int16('1+'),
        },
        '1+',
        { ignorable: true },
      ),
      rack: string('2+', { nullable: '0+', ignorable: true }),
    }),
  },
  response: {
    errorCode: int16(),
  },
})

export type UpdateMetadataRequest = RequestOf<typeof updateMetadata>
export type UpdateMetadataResponse = ResponseOf<typeof updateMetadata>
