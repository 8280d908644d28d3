import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, int64, string } from '../schema.ts'

/**
 * Names the partitions that a transaction is about to write to (KIP-98). Clients use versions up to 3;
 * later ones are sent by brokers that verify a transaction (KIP-890).
 */
export const addPartitionsToTxn = api({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: '0-5',
  flexible: '3+',
  route: 'transactionCoordinator',
  request: {
    /** Several at once, from brokers. */
    transactions: array(
      {
        transactionalId: string('4+'),
        producerId: int64('4+'),
        producerEpoch: int16('4+'),
        /** Ask whether the partitions are in the transaction, and add nothing. */
        verifyOnly: bool('4+'),
        topics: array(
          {
            name: string(),
            partitions: array(int32()),
          },
          '4+',
        ),
      },
      '4+',
    ),
    /** Clients give the one transaction by these four fields. */
    v3AndBelowTransactionalId: string('0-3'),
    v3AndBelowProducerId: int64('0-3'),
    v3AndBelowProducerEpoch: int16('0-3'),
    v3AndBelowTopics: array(
      {
        name: string(),
        partitions: array(int32()),
      },
      '0-3',
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16('4+', { ignorable: true }),
    resultsByTransaction: array(
      {
        transactionalId: string('4+'),
        topicResults: array(
          {
            name: string(),
            resultsByPartition: array({
              partitionIndex: int32(),
              partitionErrorCode: int16(),
            }),
          },
          '4+',
        ),
      },
      '4+',
    ),
    resultsByTopicV3AndBelow: array(
      {
        name: string(),
        resultsByPartition: array({
          partitionIndex: int32(),
          partitionErrorCode: int16(),
        }),
      },
      '0-3',
    ),
  },
})

export type AddPartitionsToTxnRequest = RequestOf<typeof addPartitionsToTxn>
export type AddPartitionsToTxnResponse = ResponseOf<typeof addPartitionsToTxn>
