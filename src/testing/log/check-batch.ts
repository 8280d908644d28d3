import { crc32c } from '../../protocol/crc32c.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { attributeBit, batchField } from '../../protocol/records/batch-header.ts'
import { decodeRecords, type RecordBatch } from '../../protocol/records/record-batch.ts'
import { AppendError, type RecordError } from './append-error.ts'

/** Of a message of magic 0 (Java's `LegacyRecord.RECORD_OVERHEAD_V0`). */
const smallestRecordSize = 14

/** What a topic demands of the batches that clients write. */
export interface BatchRules {
  /** For messages. */
  readonly partition: string
  /** `max.message.bytes` */
  readonly maxMessageBytes: number
  /** Records need keys (`cleanup.policy` has `compact`). */
  readonly compacted: boolean
  /** `message.timestamp.before.max.ms` */
  readonly timestampBeforeMaxMs: number
  /** `message.timestamp.after.max.ms` */
  readonly timestampAfterMaxMs: number
  readonly nowMs: number
}

/**
 * The one batch of magic 2 in `bytes`, as a client may send it (Java's `LogValidator`, `UnifiedLog`).
 *
 * @throws AppendError INVALID_RECORD, CORRUPT_MESSAGE, MESSAGE_TOO_LARGE, INVALID_TIMESTAMP
 */
export function checkBatch(bytes: Uint8Array, rules: BatchRules): RecordBatch {
  const { partition } = rules
  let batch: RecordBatch
  checkStart(bytes)
  try {
    const batches = [...decodeRecords(bytes, { checkCrcs: false })]
    if (batches.length !== 1 || batches[0]!.sizeInBytes !== bytes.length) {
      throw AppendError.beforeLog('INVALID_RECORD', 'Produce requests must have exactly one record batch')
    }
    batch = batches[0]!
  } catch (error) {
    throw error instanceof ProtocolError ? new AppendError('CORRUPT_MESSAGE', error.message) : error
  }
  if (batch.baseOffset !== 0n) {
    throw new AppendError(
      'INVALID_RECORD',
      `The baseOffset of the record batch in the append to ${partition} should be 0, but it is ${batch.baseOffset}`,
    )
  }
  if (batch.sizeInBytes > rules.maxMessageBytes) {
    throw new AppendError(
      'MESSAGE_TOO_LARGE',
      `The record batch size in the append to ${partition} is ${batch.sizeInBytes} bytes which exceeds the maximum configured value of ${rules.maxMessageBytes}.`,
    )
  }
  try {
    batch.checkCrc()
  } catch {
    throw new AppendError(
      'CORRUPT_MESSAGE',
      `Record is corrupt (stored crc = ${batch.crc}) in topic partition ${partition}.`,
    )
  }
  checkHeader(batch, partition)
  checkRecords(batch, rules)
  return batch
}

function checkHeader(batch: RecordBatch, partition: string): void {
  const expected = batch.lastOffsetDelta + 1
  if (expected <= 0) {
    throw new AppendError(
      'INVALID_RECORD',
      `Batch has an invalid offset range: [${batch.baseOffset}, ${batch.lastOffset}]`,
    )
  }
  if (batch.count <= 0) {
    throw new AppendError(
      'INVALID_RECORD',
      `Invalid reported count for record batch: ${batch.count} in topic partition ${partition}`,
    )
  }
  if (batch.count !== expected) {
    throw new AppendError(
      'INVALID_RECORD',
      `Inconsistent batch offset range [${batch.baseOffset}, ${batch.lastOffset}] and count of records ${batch.count}`,
    )
  }
  if (batch.isControl) {
    throw new AppendError(
      'INVALID_RECORD',
      `Clients are not allowed to write control records in topic partition ${partition}.`,
    )
  }
  if (batch.producerId !== -1n && batch.baseSequence < 0) {
    throw new AppendError(
      'INVALID_RECORD',
      `Invalid sequence number ${batch.baseSequence} in record batch with producerId ${batch.producerId} in topic partition ${partition}.`,
    )
  }
}

/** Reads every record, as the broker does: what is stored has to be readable. */
function checkRecords(batch: RecordBatch, rules: BatchRules): void {
  const wrong: RecordError[] = []
  let timestampWrong = false
  const base = batch.baseTimestampNumber
  const { nowMs, partition } = rules
  const createTime = batch.timestampType === 'CreateTime'
  let index = 0
  try {
    const cursor = batch.cursor()
    while (cursor.next()) {
      if (cursor.offsetDelta !== index) {
        throw new AppendError(
          'INVALID_RECORD',
          `The offset of record ${index} of the batch is ${cursor.offsetDelta} in topic partition ${partition}.`,
        )
      }
      if (rules.compacted && cursor.keyLength < 0) {
        wrong.push({
          batchIndex: index,
          message: `Compacted topic cannot accept message without key in topic partition ${partition}`,
        })
      } else if (createTime) {
        const timestamp = base + cursor.timestampDelta
        if (
          timestamp !== -1 &&
          (nowMs - timestamp > rules.timestampBeforeMaxMs || timestamp - nowMs > rules.timestampAfterMaxMs)
        ) {
          timestampWrong = true
          wrong.push({
            batchIndex: index,
            message: `Timestamp ${timestamp} of message with offset ${index} is out of range. The timestamp should be within [${nowMs - rules.timestampBeforeMaxMs}, ${nowMs + rules.timestampAfterMaxMs}]`,
          })
        }
      }
      index++
    }
  } catch (error) {
    if (error instanceof ProtocolError) {
      throw new AppendError('INVALID_RECORD', `${error.message} in topic partition ${partition}.`)
    }
    throw error
  }
  if (wrong.length === 0) return
  const shown = wrong
    .slice(0, 3)
    .map(({ batchIndex, message }) => `RecordError(batchIndex=${batchIndex}, message='${message}')`)
  throw new AppendError(
    timestampWrong ? 'INVALID_TIMESTAMP' : 'INVALID_RECORD',
    timestampWrong
      ? 'One or more records have been rejected due to invalid timestamp'
      : `One or more records have been rejected due to ${wrong.length} record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`,
    wrong,
  )
}

/** Kafka tells of these two, and of no other way in which a batch is no batch (Java's `ByteBufferLogInputStream`). */
function checkStart(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < batchField.partitionLeaderEpoch) return
  const size = view.getInt32(batchField.length)
  if (size < smallestRecordSize) {
    const told = `Record size ${size} is less than the minimum record overhead (${smallestRecordSize})`
    throw AppendError.beforeLog('CORRUPT_MESSAGE', told, true)
  }
  if (bytes.length <= batchField.magic) return
  const magic = view.getInt8(batchField.magic)
  if (magic < 0 || magic > 2) {
    throw AppendError.beforeLog('CORRUPT_MESSAGE', `Invalid magic found in record: ${magic}`, true)
  }
}

/** A copy of `bytes` that says LogAppendTime, with `nowMs` for all of its records. */
export function withLogAppendTime(bytes: Uint8Array, nowMs: number): Uint8Array {
  const copy = bytes.slice()
  const view = new DataView(copy.buffer, copy.byteOffset, copy.byteLength)
  view.setInt16(batchField.attributes, view.getInt16(batchField.attributes) | attributeBit.logAppendTime)
  view.setBigInt64(batchField.maxTimestamp, BigInt(nowMs))
  view.setUint32(batchField.crc, crc32c(copy, batchField.attributes))
  return copy
}
