import type { DecodedRecord, RecordBatch } from '../../../src/protocol/records/record-batch.ts'
import { vectors } from '../../support/vectors.ts'

/** A record as the vectors write it: int64 as decimal strings, bytes as base64. Before magic 2 without what came with it. */
export interface VectorRecord {
  offset: string
  timestamp: string
  createTimestamp?: string
  key: string | null
  value: string | null
  headers: { key: string; value: string | null }[]
  sequence: number
  controlType?: string
  coordinatorEpoch?: number
}

export interface VectorBatch {
  magic: number
  sizeInBytes: number
  baseOffset: string
  lastOffset: string
  crc: number
  compression: string
  timestampType: string
  maxTimestamp: string
  attributes: number
  lastOffsetDelta: number
  baseTimestamp: string
  partitionLeaderEpoch: number
  producerId: string
  producerEpoch: number
  baseSequence: number
  lastSequence: number
  isTransactional: boolean
  isControl: boolean
  count: number
  deleteHorizonMs: string | null
  valid: boolean
  records: VectorRecord[]
}

export interface RecordsVector {
  id: number
  label: string
  note?: string
  encodable: boolean
  outcome: 'ok' | 'error'
  trailingBytes?: number
  error?: { at: 'batchIteration' | 'checksum' | 'records'; batchIndex: number; message: string }
  batches: VectorBatch[]
  hex: string
}

export const recordVectors = vectors<RecordsVector>('records')

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64')
}

export function recordAsVector(record: DecodedRecord, magic: number): VectorRecord {
  const common = {
    offset: String(record.offset),
    timestamp: String(record.timestamp),
    key: base64(record.key),
    value: base64(record.value),
  }
  if (magic < 2) return common as VectorRecord
  return {
    ...common,
    ...(record.createTimestamp === undefined ? {} : { createTimestamp: String(record.createTimestamp) }),
    headers: record.headers.map(({ key, value }) => ({ key, value: base64(value) })),
    sequence: record.sequence,
    ...(record.controlType === undefined ? {} : { controlType: record.controlType }),
    ...(record.coordinatorEpoch === undefined ? {} : { coordinatorEpoch: record.coordinatorEpoch }),
  }
}

export function batchAsVector(batch: RecordBatch): VectorBatch {
  const common = {
    magic: batch.magic,
    sizeInBytes: batch.sizeInBytes,
    baseOffset: String(batch.baseOffset),
    lastOffset: String(batch.lastOffset),
    crc: batch.crc,
    compression: batch.compression,
    timestampType: batch.timestampType,
    maxTimestamp: String(batch.maxTimestamp),
    valid: true,
    records: Array.from(batch, (record) => recordAsVector(record, batch.magic)),
  }
  if (batch.magic < 2) return common as VectorBatch
  return {
    ...common,
    attributes: batch.attributes,
    lastOffsetDelta: batch.lastOffsetDelta,
    baseTimestamp: String(batch.baseTimestamp),
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    producerId: String(batch.producerId),
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    lastSequence: batch.lastSequence,
    isTransactional: batch.isTransactional,
    isControl: batch.isControl,
    count: batch.count,
    deleteHorizonMs: batch.deleteHorizonMs === null ? null : String(batch.deleteHorizonMs),
  }
}
