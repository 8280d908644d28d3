import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int8, int16, int32, string } from '../schema.ts'

/** Brokers, controller and cluster id (KIP-700). */
export const describeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: '0-2',
  flexible: '0+',
  route: 'any',
  request: {
    includeClusterAuthorizedOperations: bool(),
    /** 1: brokers; 2: controllers (KIP-919). */
    endpointType: int8('1+', { default: 1 }),
    includeFencedBrokers: bool('2+'),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true, default: null }),
    endpointType: int8('1+', { default: 1 }),
    clusterId: string(),
    controllerId: int32('0+', { default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: string('0+', { nullable: true, default: null }),
      isFenced: bool('2+'),
    }),
    clusterAuthorizedOperations: int32('0+', { default: -0x80000000 }),
  },
})

export type DescribeClusterRequest = RequestOf<typeof describeCluster>
export type DescribeClusterResponse = ResponseOf<typeof describeCluster>
