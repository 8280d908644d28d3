import { ProtocolError } from '../protocol/errors.ts'
import type { RecordBatch } from '../protocol/records/decoded-batch.ts'
import type { RecordCursor } from '../protocol/records/record-cursor.ts'
import type { Deserializer } from '../serializers.ts'
import type { RecordOrigin } from './consumer-record.ts'

export interface ReadSettings {
  readonly checkCrcs: boolean
  readonly keyDeserializer: Deserializer<unknown> | null
  readonly valueDeserializer: Deserializer<unknown> | null
}

/** What the records that `cursor` walks over have in common. */
export function originOf(
  batch: RecordBatch,
  { bytes }: RecordCursor,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  { keyDeserializer, valueDeserializer }: ReadSettings,
): RecordOrigin {
  return {
    topic,
    partition,
    leaderEpoch: batch.partitionLeaderEpoch,
    baseOffset: batch.baseOffsetNumber,
    // Not checked here: a timestamp that is no safe integer is an error for who asks for it.
    baseTimestamp: Number(batch.baseTimestamp),
    timestampType: batch.timestampType,
    logAppendTime: batch.timestampType === 'LogAppendTime' ? Number(batch.maxTimestamp) : null,
    buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    keyDeserializer,
    valueDeserializer,
  }
}

/**
 * Offset of the record at the cursor, behind that of its batch.
 *
 * @throws ProtocolError MALFORMED for a record behind the last of its batch: it would be read again with the next.
 */
export function offsetDeltaOf({ offsetDelta }: RecordCursor, lastOffsetDelta: number): number {
  if (offsetDelta <= lastOffsetDelta) return offsetDelta
  throw new ProtocolError(
    'MALFORMED',
    `a record has offset delta ${offsetDelta}, the last of its batch is ${lastOffsetDelta}`,
  )
}
