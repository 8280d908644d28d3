import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, uuid } from '../schema.ts'

/** A broker tells the controller in which log directories its replicas are (KIP-858). */
export const assignReplicasToDirs = api({
  key: 73,
  name: 'AssignReplicasToDirs',
  versions: '0',
  flexible: '0+',
  route: 'controller',
  request: {
    brokerId: int32(),
    brokerEpoch: int64('0+', { default: -1n }),
    directories: array({
      id: uuid(),
      topics: array({
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
        }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    directories: array({
      id: uuid(),
      topics: array({
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
          errorCode: int16(),
        }),
      }),
    }),
  },
})

export type AssignReplicasToDirsRequest = RequestOf<typeof assignReplicasToDirs>
export type AssignReplicasToDirsResponse = ResponseOf<typeof assignReplicasToDirs>
