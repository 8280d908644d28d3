import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, string } from '../schema.ts'

/**
 * A broker that wants to stop asks the controller to move its leaders away. ZooKeeper alone; gone since
 * Kafka 4.0.
 */
export const controlledShutdown = api({
  key: 7,
  name: 'ControlledShutdown',
  versions: '0-3',
  flexible: '3+',
  route: 'controller',
  request: {
    brokerId: int32(),
    brokerEpoch: int64('2+', { default: -1n, ignorable: true }),
  },
  response: {
    errorCode: int16(),
    remainingPartitions: array({
      topicName: string(),
      partitionIndex: int32(),
    }),
  },
})

export type ControlledShutdownRequest = RequestOf<typeof controlledShutdown>
export type ControlledShutdownResponse = ResponseOf<typeof controlledShutdown>
