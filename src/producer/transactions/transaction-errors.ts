import { BrokerError, messageOf, TransactionError } from '../../errors.ts'
import { KafkaError } from '../../protocol/errors.ts'

/** What of a transactional producer an error ends. */
export type Severity =
  /** The transaction: it must be aborted, and the producer then goes on. */
  | 'abortable'
  /** The producer: it can only be closed. */
  | 'fatal'

/** What is asked of the coordinators, and `Produce` of the leaders. */
export type TransactionApi =
  | 'InitProducerId'
  | 'AddPartitionsToTxn'
  | 'AddOffsetsToTxn'
  | 'TxnOffsetCommit'
  | 'EndTxn'
  | 'Produce'

/** A newer producer has the transactional id. Coordinators before KIP-588 say INVALID_PRODUCER_EPOCH for it. */
const fenced = ['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH'] as const

const always = ['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'UNSUPPORTED_VERSION'] as const

/**
 * Codes by which a producer is done for; any other costs the transaction alone, but for InitProducerId and EndTxn, where
 * there is none that could be given up (the handlers of Java's `TransactionManager`; KIP-588, KIP-654, KIP-1050).
 *
 * INVALID_PRODUCER_EPOCH in an answer to Produce is not among them: the leader cannot tell a newer producer from a
 * transaction that has timed out. The abort that follows can.
 */
const fatalCodes: Readonly<
  Record<Exclude<TransactionApi, 'InitProducerId' | 'EndTxn'>, ReadonlySet<string>>
> = {
  AddPartitionsToTxn: new Set([...always, ...fenced, 'INVALID_TXN_STATE']),
  AddOffsetsToTxn: new Set([...always, ...fenced, 'INVALID_TXN_STATE']),
  TxnOffsetCommit: new Set([
    ...always,
    ...fenced,
    'INVALID_PRODUCER_ID_MAPPING',
    'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  ]),
  Produce: new Set([
    ...always,
    'PRODUCER_FENCED',
    'INVALID_PRODUCER_ID_MAPPING',
    'CLUSTER_AUTHORIZATION_FAILED',
  ]),
}

/** The coordinator no longer knows the producer id: there is nothing to end, and a new epoch is needed (KIP-360). */
export const forgottenCodes: ReadonlySet<string> = new Set([
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_ID_MAPPING',
])

const abortableOfEnd: ReadonlySet<string> = new Set([
  'TRANSACTION_ABORTABLE',
  'UNKNOWN_PRODUCER_ID',
  // The coordinator has aborted it, most likely for having taken too long; the abort tells (KIP-890). Java gives up here.
  'INVALID_TXN_STATE',
])

export interface SeverityContext {
  /** Whether the coordinator raises the epoch of a producer that asks for it (InitProducerId 3, KIP-360). */
  readonly canRaiseEpoch: boolean
  /** EndTxn that commits. */
  readonly isCommit?: boolean
}

/** What an error that no retry has mended means for the producer. */
export function severityOf(api: TransactionApi, error: Error, context: SeverityContext): Severity {
  const code = error instanceof KafkaError ? error.code : ''
  // Credentials, a closed client, an answer that cannot be read: nothing of which an abort would get through either.
  if (api !== 'Produce' && !(error instanceof BrokerError)) {
    return error instanceof KafkaError && error.retriable ? 'abortable' : 'fatal'
  }
  if (error instanceof KafkaError && error.fatal) return 'fatal'
  if (api === 'InitProducerId') return code === 'TRANSACTION_ABORTABLE' ? 'abortable' : 'fatal'
  if (api === 'EndTxn') return context.isCommit && abortableOfEnd.has(code) ? 'abortable' : 'fatal'
  if (fatalCodes[api].has(code)) return 'fatal'
  if (api !== 'Produce' && forgottenCodes.has(code) && !context.canRaiseEpoch) return 'fatal'
  return 'abortable'
}

/** Whether a coordinator says that a newer producer has the transactional id. */
export function isFenced(error: unknown): boolean {
  return error instanceof KafkaError && (fenced as readonly string[]).includes(error.code)
}

/** What applications are told from then on. */
export function transactionError(
  severity: Severity,
  transactionalId: string,
  cause: Error,
  code?: string,
): TransactionError {
  const isFatal = severity === 'fatal'
  const known =
    cause instanceof KafkaError ? cause : new KafkaError('TRANSACTION_FAILED', messageOf(cause), { cause })
  const what = isFatal
    ? `the producer ${transactionalId} is of no more use, close it`
    : `the transaction of ${transactionalId} must be aborted`
  return new TransactionError(
    isFatal && isFenced(cause) ? 'PRODUCER_FENCED' : (code ?? known.code),
    `${what}: ${messageOf(cause)}`,
    {
      cause,
      fatal: isFatal,
      abortable: !isFatal,
    },
  )
}
