import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, string } from '../schema.ts'

/** Raises the number of partitions of topics (KIP-195). */
export const createPartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-3',
  flexible: '2+',
  route: 'controller',
  request: {
    topics: array({
      name: string(),
      /** The new number of partitions in all. */
      count: int32(),
      /** Replicas of each new partition; null: the broker chooses. */
      assignments: array(
        {
          brokerIds: array(int32()),
        },
        '0+',
        { nullable: true },
      ),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true, default: null }),
    }),
  },
})

export type CreatePartitionsRequest = RequestOf<typeof createPartitions>
export type CreatePartitionsResponse = ResponseOf<typeof createPartitions>
