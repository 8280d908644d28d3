import {
  attributeBit,
  batchField,
  batchHeaderBytes,
  logOverheadBytes,
} from '../../protocol/records/batch-header.ts'
import type { RequestContext } from '../broker/request-context.ts'
import type { GroupConfig } from '../configs/group-config.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { sharedPartition } from './share-access.ts'
import type { AcquiredRange, SharePartition } from './share-partition.ts'
import type { SessionPartition } from './share-sessions.ts'

/** What a ShareFetch may take of one partition. */
export interface ShareReadOptions {
  readonly groupId: string
  readonly memberId: string
  readonly maxBytes: number
  readonly maxRecords: number
  readonly strict: boolean
  readonly batchSize: number
}

/** What it has got. */
export interface ShareRead {
  readonly errorCode: number
  readonly leader: { readonly leaderId: number; readonly leaderEpoch: number } | null
  readonly records: Uint8Array
  readonly acquired: readonly AcquiredRange[]
  /** To be watched for more; null where there is an error. */
  readonly waitsFor: { readonly log: PartitionLog; readonly state: SharePartition } | null
}

const nothing = new Uint8Array(0)

/** Acquires what there is in a partition, and reads it. */
export function readShared(
  at: SessionPartition,
  options: ShareReadOptions,
  context: RequestContext,
): ShareRead {
  const { groupId, memberId } = options
  const failed = (error: ErrorName, leader: ShareRead['leader'] = null): ShareRead => ({
    errorCode: errors[error],
    leader,
    records: nothing,
    acquired: [],
    waitsFor: null,
  })
  const found = sharedPartition(groupId, at, context)
  if ('error' in found) return failed(found.error, found.leader)
  const { partition, state } = found
  // What Kafka makes of a state that its share coordinator does not have.
  if (state === null) return failed('UNKNOWN_SERVER_ERROR')
  const { log } = partition
  const config = context.cluster.groupConfigs.get(groupId)
  begin(state, log, config, context.now)
  state.logStartMoved(log.logStartOffset)
  state.deliveryLimit = config.getNumber('share.delivery.count.limit')
  const readCommitted = config.getString('share.isolation.level') === 'read_committed'
  const end = readCommitted ? log.lastStableOffset : log.highWatermark
  const none: ShareRead = {
    errorCode: errors.NONE,
    leader: null,
    records: nothing,
    acquired: [],
    waitsFor: { log, state },
  }
  const from = state.nextFetchOffset
  if (from >= end || options.maxRecords <= 0) return none
  const slice = log.read(from, options.maxBytes, end, true)
  const batches = slice === null ? [] : wholeBatches(slice.bytes)
  if (batches.length === 0) return none
  const acquired = state.acquire({
    memberId,
    lastOffset: batches.at(-1)!.lastOffset,
    maxRecords: options.maxRecords,
    strict: options.strict,
    batchEnds: batches.map(({ lastOffset }) => lastOffset),
    batchSize: options.batchSize,
    lockMs: config.getNumber('share.record.lock.duration.ms'),
    maxLocks: config.getNumber('share.partition.max.record.locks'),
  })
  if (acquired.length === 0) return none
  const visible = readCommitted ? withoutAborted(acquired, batches, state, log) : acquired
  // It was all aborted: there may be more behind it.
  if (visible.length === 0) return readShared(at, options, context)
  const last = batches.find(({ lastOffset }) => lastOffset >= visible.at(-1)!.lastOffset)!
  return { ...none, acquired: visible, records: slice!.bytes.subarray(0, last.end) }
}

/** A group that has no place yet in a partition begins where `share.auto.offset.reset` has it. */
function begin(state: SharePartition, log: PartitionLog, config: GroupConfig, nowMs: number): void {
  if (state.isStarted) return
  const reset = config.getString('share.auto.offset.reset') ?? 'latest'
  if (reset === 'earliest') return state.start(log.logStartOffset)
  const duration = reset.startsWith('by_duration:') ? durationMs(reset.slice('by_duration:'.length)) : null
  const found = duration === null ? null : log.offsetForTimestamp(nowMs - duration)
  state.start(found?.offset ?? log.highWatermark)
}

/** Milliseconds of a duration as ISO 8601 and Java write it: `P1DT2H30M0.5S`; null where it is none. */
function durationMs(text: string): number | null {
  const parts = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/i.exec(text)
  if (parts === null) return null
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0))
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
}

interface ReadBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  /** Where it ends in the bytes. */
  readonly end: number
  /** Null: not of a transaction. */
  readonly producerId: bigint | null
}

/** What is left of `acquired` without aborted records: share consumers are not told which these are. */
function withoutAborted(
  acquired: readonly AcquiredRange[],
  batches: readonly ReadBatch[],
  state: SharePartition,
  log: PartitionLog,
): AcquiredRange[] {
  let left = [...acquired]
  for (const { baseOffset, lastOffset, producerId } of batches) {
    if (producerId === null) continue
    const isAborted = log
      .abortedBetween(baseOffset, lastOffset + 1)
      .some((one) => one.producerId === producerId && one.firstOffset <= baseOffset)
    if (!isAborted) continue
    state.archive(baseOffset, lastOffset)
    left = left.flatMap((range) => cutOut(range, baseOffset, lastOffset))
  }
  return left
}

function cutOut(range: AcquiredRange, first: number, last: number): AcquiredRange[] {
  if (range.lastOffset < first || range.firstOffset > last) return [range]
  const parts: AcquiredRange[] = []
  if (range.firstOffset < first) parts.push({ ...range, lastOffset: first - 1 })
  if (range.lastOffset > last) parts.push({ ...range, firstOffset: last + 1 })
  return parts
}

/** The batches that are there as a whole. */
function wholeBatches(bytes: Uint8Array): ReadBatch[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const batches: ReadBatch[] = []
  for (let at = 0; at + batchHeaderBytes <= bytes.length; ) {
    const end = at + logOverheadBytes + view.getInt32(at + batchField.length)
    if (end > bytes.length) break
    const baseOffset = Number(view.getBigInt64(at + batchField.baseOffset))
    const isTransactional = (view.getInt16(at + batchField.attributes) & attributeBit.transactional) !== 0
    batches.push({
      baseOffset,
      lastOffset: baseOffset + view.getInt32(at + batchField.lastOffsetDelta),
      end,
      producerId: isTransactional ? view.getBigInt64(at + batchField.producerId) : null,
    })
    at = end
  }
  return batches
}
