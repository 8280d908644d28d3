import { ProtocolError } from '../../protocol/errors.ts'
import type { RecordBatch } from '../../protocol/records/record-batch.ts'
import type { Partition } from '../cluster/partition.ts'
import { AppendError } from './append-error.ts'
import { checkBatch, withLogAppendTime } from './check-batch.ts'
import { toCurrentMagic } from './convert-records.ts'

export interface AppendOptions {
  readonly nowMs: number
  /** Version of the Produce request: older ones may hold older record formats. */
  readonly produceVersion: number
  readonly acks: number
  /** Looks at the batch before it is appended; throws AppendError. */
  readonly check: (batch: RecordBatch) => void
}

export interface Appended {
  readonly baseOffset: number
  /** -1 with CreateTime. */
  readonly logAppendTimeMs: number
}

/**
 * Appends what a client sent for one partition, once (Java's `ReplicaManager.appendToLocalLog`): a batch that an
 * idempotent producer repeats is answered with the offset that it has got.
 *
 * @throws AppendError
 */
export function appendBatch(
  partition: Partition,
  records: Uint8Array | null,
  options: AppendOptions,
): Appended {
  const { topic, log, isr } = partition
  const { config } = topic
  const { nowMs } = options
  if (options.acks === -1 && isr.length < config.getNumber('min.insync.replicas')) {
    throw new AppendError(
      'NOT_ENOUGH_REPLICAS',
      `The size of the current ISR : ${isr.length} is insufficient to satisfy the min.isr requirement of ${config.getNumber('min.insync.replicas')} for partition ${partition.name}`,
    )
  }
  if (records === null || records.length === 0) {
    throw AppendError.beforeLog('INVALID_RECORD', 'Produce requests must have exactly one record batch')
  }
  const given = options.produceVersion < 3 ? converted(records, nowMs) : records
  const batch = checkBatch(given, {
    partition: partition.name,
    maxMessageBytes: config.getNumber('max.message.bytes'),
    compacted: config.getList('cleanup.policy').includes('compact'),
    timestampBeforeMaxMs: config.getNumber('message.timestamp.before.max.ms'),
    timestampAfterMaxMs: config.getNumber('message.timestamp.after.max.ms'),
    nowMs,
  })
  if (batch.compression === 'zstd' && options.produceVersion < 7) {
    throw new AppendError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      'Produce requests with version less than 7 are not allowed to use ZStandard compression',
    )
  }
  options.check(batch)
  const idempotent = batch.producerId !== -1n
  if (idempotent) {
    const repeated = log.producers.check(batch)
    if (repeated !== null) return { baseOffset: repeated.baseOffset, logAppendTimeMs: repeated.timestamp }
  }
  const stampedByBroker = config.getString('message.timestamp.type') === 'LogAppendTime'
  const bytes = stampedByBroker ? withLogAppendTime(given, nowMs) : given
  // Before the append: what is read in the same turn must know of the open transaction.
  const baseOffset = log.logEndOffset
  if (idempotent) {
    const lastOffset = baseOffset + batch.lastOffsetDelta
    const timestamp = stampedByBroker ? nowMs : batch.maxTimestampNumber
    log.producers.append(batch, baseOffset, lastOffset, timestamp, nowMs)
  }
  log.append(bytes, partition.leaderEpoch)
  return { baseOffset, logAppendTimeMs: stampedByBroker ? nowMs : -1 }
}

function converted(records: Uint8Array, nowMs: number): Uint8Array {
  try {
    return toCurrentMagic(records, nowMs)
  } catch (error) {
    throw error instanceof ProtocolError ? new AppendError('CORRUPT_MESSAGE', error.message) : error
  }
}
