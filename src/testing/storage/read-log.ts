import { type FileHandle, open } from 'node:fs/promises'
import { InvalidOptionError } from '../../errors.ts'
import { crc32c } from '../../protocol/crc32c.ts'
import { batchField, batchHeaderBytes, logOverheadBytes } from '../../protocol/records/batch-header.ts'
import { controlTypeOf, coordinatorEpochOf } from '../../protocol/records/control-record.ts'
import { decodeRecords, type RecordBatch } from '../../protocol/records/record-batch.ts'
import type { PartitionLog } from '../log/partition-log.ts'

/** Read at once. */
const chunkBytes = 4 * 1024 * 1024

/**
 * Puts the batches of a file into an empty log, with what follows from them: leader epochs, sequences, transactions. A
 * last batch that was cut short, because the process was killed while it wrote, is taken off the file. No file: no
 * batches.
 *
 * @param startOffset where the log begins; batches before it are left out.
 * @param nowMs from when on the time counts after which a producer is forgotten.
 * @throws InvalidOptionError for a file that is damaged.
 */
export async function readLog(
  path: string,
  log: PartitionLog,
  startOffset: number,
  nowMs: number,
): Promise<void> {
  let handle: FileHandle
  try {
    handle = await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    const { size } = await handle.stat()
    let rest: Uint8Array = new Uint8Array(0)
    let position = 0
    while (position + rest.length < size) {
      const next = Buffer.alloc(Math.min(chunkBytes, size - position - rest.length))
      const { bytesRead } = await handle.read(next, 0, next.length, position + rest.length)
      // Somebody has shortened it in this moment: what is there counts.
      if (bytesRead === 0) break
      rest = Buffer.concat([rest, next.subarray(0, bytesRead)])
      const used = takeBatches(rest, { log, startOffset, nowMs }, (at, why) =>
        damaged(path, position + at, why),
      )
      position += used
      rest = rest.subarray(used)
    }
    if (rest.length > 0) await handle.truncate(position)
  } finally {
    await handle.close()
  }
}

interface Target {
  readonly log: PartitionLog
  readonly startOffset: number
  readonly nowMs: number
}

/** Gives how many bytes the whole batches take. */
function takeBatches(
  bytes: Uint8Array,
  { log, startOffset, nowMs }: Target,
  wrong: (at: number, why: string) => InvalidOptionError,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (bytes.length - at >= batchHeaderBytes) {
    const size = logOverheadBytes + view.getInt32(at + batchField.length)
    const magic = view.getInt8(at + batchField.magic)
    if (magic !== 2) throw wrong(at, `a batch of magic ${magic}, where only 2 is written`)
    if (size < batchHeaderBytes) throw wrong(at, `a batch of ${size} bytes`)
    if (size > bytes.length - at) break
    const batch = bytes.subarray(at, at + size)
    if (crc32c(batch, batchField.attributes) !== view.getUint32(at + batchField.crc)) {
      throw wrong(at, 'a batch with a wrong checksum')
    }
    const baseOffset = Number(view.getBigInt64(at + batchField.baseOffset))
    if (baseOffset < log.logEndOffset) {
      throw wrong(at, `a batch at offset ${baseOffset}, behind one that ends at ${log.logEndOffset - 1}`)
    }
    if (baseOffset + view.getInt32(at + batchField.lastOffsetDelta) >= startOffset) {
      log.restore(batch)
      remember(log, [...decodeRecords(batch, { checkCrcs: false })][0]!, nowMs)
    }
    at += size
  }
  return at
}

/** What an append would have taken note of. */
function remember({ producers }: PartitionLog, batch: RecordBatch, nowMs: number): void {
  if (batch.producerId === -1n) return
  const { producerId, producerEpoch, baseOffsetNumber, lastOffsetNumber } = batch
  if (!batch.isControl) {
    producers.append(batch, baseOffsetNumber, lastOffsetNumber, Number(batch.maxTimestamp), nowMs)
    return
  }
  const record = [...batch][0]
  const type = record === undefined ? null : controlTypeOf(record.key)
  if (record === undefined || (type !== 'COMMIT' && type !== 'ABORT')) return
  const coordinatorEpoch = coordinatorEpochOf(record.value)
  const marker = { producerId, producerEpoch, coordinatorEpoch, commit: type === 'COMMIT' }
  producers.appendMarker({ ...marker, transactionVersion: 0 }, baseOffsetNumber, nowMs)
}

function damaged(path: string, at: number, why: string): InvalidOptionError {
  return new InvalidOptionError(
    `the option dataDir: ${path} is damaged at byte ${at}: ${why}; without the file its records are gone, and the rest can be used`,
  )
}
