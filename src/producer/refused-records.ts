import { DeliveryError } from '../errors.ts'
import type { ProduceResponse } from '../protocol/apis/produce.ts'
import { brokerErrorCode, brokerErrorInfo, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { ProducerBatch } from './producer-batch.ts'
import type { Severity } from './transactions/transaction-errors.ts'

export type ProduceAnswerOfPartition = ProduceResponse['responses'][number]['partitionResponses'][number]

/** Single records of a batch that the broker refused, by their index, each with what it said (KIP-467). */
export type RefusedRecords = ProduceAnswerOfPartition['recordErrors']

type Persisted = 'no' | 'possibly'

/**
 * Whether a batch that was refused can be in the log all the same. Any error can come with the offset that it got: of a
 * leader that was replaced, say, while it waited for its followers (Java's DelayedProduce). What went wrong in a way that
 * the broker has no name for, or this client none, may have gone wrong after the write; so may a disk, while the
 * followers have read from it already.
 */
export function mayBeAppended({ errorCode, baseOffset }: ProduceAnswerOfPartition): boolean {
  if (baseOffset >= 0n) return true
  switch (errorCode) {
    case errorCodes.unknownServerError:
    case errorCodes.requestTimedOut:
    case errorCodes.notEnoughReplicasAfterAppend:
    case errorCodes.kafkaStorageError:
      return true
  }
  return brokerErrorCode(brokerErrorInfo(errorCode).name) === undefined
}

export function codeOf(error: Error): string {
  return error instanceof KafkaError ? error.code : 'DELIVERY_FAILED'
}

/**
 * Tells the senders of a batch's records why these are not confirmed.
 *
 * @param ends what their being missing has ended: sending them again would be of no use then.
 */
export function failRecords(
  batch: ProducerBatch,
  persisted: Persisted,
  code: string,
  reason: string,
  cause: Error | undefined,
  refused: RefusedRecords = [],
  ends?: Severity,
): void {
  if (refused.length === 0) batch.failed(deliveryError(batch, persisted, code, reason, cause, ends))
  else batch.failedEach(errorsByRecord(batch, persisted, code, reason, refused, ends))
}

function deliveryError(
  { topic, partition }: ProducerBatch,
  persisted: Persisted,
  code: string,
  reason: string,
  cause: Error | undefined,
  ends: Severity | undefined,
): DeliveryError {
  return new DeliveryError(code, `${topic}-${partition}: ${reason} (persisted: ${persisted})`, persisted, {
    topic,
    partition,
    cause,
    retriable: ends === undefined && cause instanceof KafkaError && cause.retriable,
    ...endsOf(ends),
  })
}

/**
 * The error of each record of a batch of which the broker refused some: theirs say why, and the others, which are as little
 * in the log, that it was not about them. As in Java's Sender, the code of the batch is that of a single refused record;
 * of several nobody knows which it is about, so they get INVALID_RECORD and their own message.
 */
function errorsByRecord(
  batch: ProducerBatch,
  persisted: Persisted,
  code: string,
  reason: string,
  refused: RefusedRecords,
  ends: Severity | undefined,
): (index: number) => DeliveryError {
  const errors = new Map(
    refused.map(({ batchIndex, batchIndexErrorMessage }) => [
      batchIndex,
      deliveryError(
        batch,
        persisted,
        refused.length === 1 ? code : 'INVALID_RECORD',
        batchIndexErrorMessage ?? reason,
        undefined,
        ends,
      ),
    ]),
  )
  const { topic, partition } = batch
  // Nothing is wrong with these: sent again, in another batch, they can be taken.
  const other = new DeliveryError(
    'BATCH_REFUSED',
    `${topic}-${partition}: not appended, as another record of its batch was refused: ${code} (persisted: ${persisted})`,
    persisted,
    { topic, partition, retriable: ends === undefined, ...endsOf(ends) },
  )
  return (index) => errors.get(index) ?? other
}

function endsOf(ends: Severity | undefined) {
  return { abortable: ends === 'abortable', fatal: ends === 'fatal' }
}
