import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, string, uuid } from '../schema.ts'

/** Brokers, topics, partitions and their leaders. */
export const metadata = api({
  key: 3,
  name: 'Metadata',
  versions: '0-13',
  flexible: '9+',
  route: 'any',
  request: {
    /** Null: all topics. Empty: none, but all in version 0. */
    topics: array(
      {
        /** Only of use from version 12 on: brokers ignore it in 10 and 11. */
        topicId: uuid('10+', { ignorable: true }),
        name: string('0+', { nullable: '10+' }),
      },
      '0+',
      { nullable: '1+' },
    ),
    allowAutoTopicCreation: bool('4+', { default: true }),
    includeClusterAuthorizedOperations: bool('8-10'),
    includeTopicAuthorizedOperations: bool('8+'),
  },
  response: {
    throttleTimeMs: int32('3+', { ignorable: true }),
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string('1+', { nullable: true, default: null, ignorable: true }),
    }),
    clusterId: string('2+', { nullable: true, default: null, ignorable: true }),
    /** -1: unknown. Under KRaft a random broker, which passes requests on. */
    controllerId: int32('1+', { default: -1, ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: string('0+', { nullable: '12+' }),
      topicId: uuid('10+', { ignorable: true }),
      isInternal: bool('1+', { ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        /** -1: no leader at the moment. */
        leaderId: int32(),
        /** Grows with each new leader: tells which of two answers is the newer (KIP-320). */
        leaderEpoch: int32('7+', { default: -1, ignorable: true }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        offlineReplicas: array(int32(), '5+', { ignorable: true }),
      }),
      topicAuthorizedOperations: int32('8+', { default: -0x80000000 }),
    }),
    clusterAuthorizedOperations: int32('8-10', { default: -0x80000000 }),
    /** REBOOTSTRAP_REQUIRED asks the client to start again from its bootstrap servers (KIP-1102). */
    errorCode: int16('13+', { ignorable: true }),
  },
})

export type MetadataRequest = RequestOf<typeof metadata>
export type MetadataResponse = ResponseOf<typeof metadata>
