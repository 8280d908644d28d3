import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, string, uuid } from '../schema.ts'

/** Creates topics. */
export const createTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: '0-7',
  flexible: '5+',
  route: 'controller',
  request: {
    topics: array({
      name: string(),
      /** -1: the broker's default (KIP-464), or given by `assignments`. */
      numPartitions: int32(),
      /** -1: the broker's default (KIP-464), or given by `assignments`. */
      replicationFactor: int16(),
      /** Replicas of each partition, the preferred leader first; empty: the broker chooses. */
      assignments: array({
        partitionIndex: int32(),
        brokerIds: array(int32()),
      }),
      configs: array({
        name: string(),
        value: string('0+', { nullable: true }),
      }),
    }),
    timeoutMs: int32('0+', { default: 60000 }),
    /** Check, and create nothing. */
    validateOnly: bool('1+'),
  },
  response: {
    throttleTimeMs: int32('2+', { ignorable: true }),
    topics: array({
      name: string(),
      topicId: uuid('7+', { ignorable: true }),
      errorCode: int16(),
      errorMessage: string('1+', { nullable: '0+', ignorable: true }),
      topicConfigErrorCode: int16('5+', { ignorable: true, tag: 0 }),
      numPartitions: int32('5+', { default: -1, ignorable: true }),
      replicationFactor: int16('5+', { default: -1, ignorable: true }),
      configs: array(
        {
          name: string('5+'),
          value: string('5+', { nullable: true }),
          readOnly: bool('5+'),
          configSource: int8('5+', { default: -1, ignorable: true }),
          isSensitive: bool('5+'),
        },
        '5+',
        { nullable: true, ignorable: true },
      ),
    }),
  },
})

export type CreateTopicsRequest = RequestOf<typeof createTopics>
export type CreateTopicsResponse = ResponseOf<typeof createTopics>
