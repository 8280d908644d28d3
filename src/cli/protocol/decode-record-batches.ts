import { ProtocolError } from '../../protocol/errors.ts'
import { formatExplanation } from '../../protocol/explain/format-explanation.ts'
import { explainRecords } from '../../protocol/explain.ts'
import { type DecodedRecord, decodeRecords, type RecordBatch } from '../../protocol/records/record-batch.ts'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import type { Io } from '../output.ts'
import { errorJson, isFault, type PrintOptions, warningsJson } from './findings.ts'

/** Prints what stands in a `records` field, or in a file of a log. */
export async function decodeRecordBatches(
  bytes: Uint8Array,
  options: PrintOptions,
  io: Io,
): Promise<ExitCode> {
  const { json, strict } = options
  if (!json) {
    const explanation = explainRecords(bytes, { strict })
    await io.stdout.print(`record batches, ${bytes.length} bytes\n${formatExplanation(explanation)}`)
    return isFault(explanation) ? exitCodes.failed : exitCodes.ok
  }
  let isFine = await printBatches(bytes, io)
  const explanation = strict ? explainRecords(bytes, { strict }) : null
  if (explanation !== null && isFault(explanation)) {
    await io.stdout.print(`${JSON.stringify(warningsJson(explanation))}\n`)
    isFine = false
  }
  return isFine ? exitCodes.ok : exitCodes.failed
}

/** A line for each batch. A broken one is told and does not hide the next; a broken length ends it all. */
async function printBatches(bytes: Uint8Array, io: Io): Promise<boolean> {
  let isFine = true
  try {
    const batches = decodeRecords(bytes, { checkCrcs: false })
    for (const batch of batches) {
      const json = batchJson(batch)
      if ('error' in json) isFine = false
      await io.stdout.print(`${stringify(json)}\n`)
    }
    const { trailingBytes } = batches
    if (trailingBytes > 0) await io.stdout.print(`${JSON.stringify({ trailingBytes })}\n`)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    await io.stdout.print(`${JSON.stringify({ error: errorJson(error) })}\n`)
    isFine = false
  }
  return isFine
}

function batchJson(batch: RecordBatch): Record<string, unknown> {
  const { magic, sizeInBytes, crc, attributes } = batch
  const json: Record<string, unknown> = { magic, sizeInBytes, crc, attributes }
  try {
    json.baseOffset = batch.baseOffset
    json.lastOffset = batch.lastOffset
    json.compression = batch.compression
    json.timestampType = batch.timestampType
    json.maxTimestamp = batch.maxTimestamp
    if (magic === 2) Object.assign(json, fieldsOfMagic2(batch))
    batch.checkCrc()
    json.records = [...batch].map(recordJson)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    json.error = errorJson(error)
  }
  return json
}

function fieldsOfMagic2(batch: RecordBatch): Record<string, unknown> {
  const { lastOffsetDelta, baseTimestamp, partitionLeaderEpoch, producerId, producerEpoch } = batch
  const { baseSequence, lastSequence, isTransactional, isControl, count, deleteHorizonMs } = batch
  return {
    lastOffsetDelta,
    baseTimestamp,
    partitionLeaderEpoch,
    producerId,
    producerEpoch,
    baseSequence,
    lastSequence,
    isTransactional,
    isControl,
    count,
    deleteHorizonMs,
  }
}

function recordJson(record: DecodedRecord): Record<string, unknown> {
  const { key, value, headers, ...rest } = record
  return {
    ...rest,
    key: base64(key),
    value: base64(value),
    headers: headers.map((header) => ({ key: header.key, value: base64(header.value) })),
  }
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null
    ? null
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

function stringify(json: unknown): string {
  return JSON.stringify(json, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}
