import { IllegalStateError } from '../../errors.ts'
import {
  type AcknowledgedRange,
  type AcquiredFrom,
  acknowledgeTypeIds,
  type PartitionAcknowledgements,
} from './acknowledgements.ts'
import type { ShareRecord } from './share-record.ts'
import type { AcknowledgeType, RecordPlace } from './share-types.ts'

/** A record that was handed out, and what the application has said of it. */
interface Held {
  readonly record: ShareRecord<unknown, unknown>
  readonly from: AcquiredFrom
  /** Null: nothing yet. */
  type: AcknowledgeType | null
  /** Its loop was left while it was in hand. */
  isLeft: boolean
  /** Its lock was renewed, and it was not handed out since. */
  isRenewed: boolean
}

/** Acknowledgements of one partition, about to be sent. */
export interface TakenAcknowledgements {
  readonly from: AcquiredFrom
  readonly ranges: AcknowledgedRange[]
  readonly offsets: number[]
}

/**
 * What the application has been given and the broker was not told of yet. An acknowledgement can be changed until it is
 * taken to be sent; one that renews brings its record back here once the broker has agreed.
 */
export class RecordsInHand {
  readonly #held = new Map<string, Held>()
  /** Those that nothing was said of. */
  readonly #open = new Set<Held>()
  readonly #acknowledged = new Set<Held>()
  readonly #renewing = new Map<string, Held>()
  #hasRenewals = false

  /** Whether the application owes acknowledgements for what it was given. */
  get hasOpen(): boolean {
    for (const { isRenewed } of this.#open) if (!isRenewed) return true
    return false
  }

  /** Whether something was said that is to be sent at once, as a lock may end before the rest is. */
  get hasRenewals(): boolean {
    return this.#hasRenewals
  }

  /** Whether the broker has yet to say if locks are renewed. */
  get isRenewing(): boolean {
    return this.#renewing.size > 0
  }

  add(record: ShareRecord<unknown, unknown>, from: AcquiredFrom): void {
    const held: Held = { record, from, type: null, isLeft: false, isRenewed: false }
    const key = keyOf(record)
    // Acquired again, as its lock had ended: the older one can no longer be acknowledged.
    const before = this.#held.get(key)
    if (before !== undefined) {
      this.#open.delete(before)
      this.#acknowledged.delete(before)
    }
    this.#held.set(key, held)
    this.#open.add(held)
  }

  /** @throws IllegalStateError when it is not in hand. */
  acknowledge(place: RecordPlace, type: AcknowledgeType): void {
    const held = this.#held.get(keyOf(place))
    if (held === undefined) {
      const { topic, partition, offset } = place
      throw new IllegalStateError(
        `${topic}-${partition} at offset ${offset} is not in hand: it was not handed out, or its acknowledgement was sent`,
        { topic, partition },
      )
    }
    held.type = type
    if (type === 'renew') this.#hasRenewals = true
    this.#open.delete(held)
    this.#acknowledged.add(held)
  }

  /** Accepts what nothing was said of, but what a deserializer has thrown for: that is released, as in Java. */
  acceptOpen(): void {
    this.#acknowledgeOpen(() => 'accept')
  }

  /** The same when more is asked for: what was in hand when its loop was left may not have been handled. */
  finishOpen(): void {
    this.#acknowledgeOpen(({ isLeft }) => (isLeft ? 'release' : 'accept'))
  }

  #acknowledgeOpen(typeOf: (held: Held) => AcknowledgeType): void {
    for (const held of this.#open) {
      held.type = held.record.isUnreadable ? 'release' : typeOf(held)
      this.#acknowledged.add(held)
    }
    this.#open.clear()
  }

  /** The loop that these were handed out by was left. */
  leave(): void {
    for (const held of this.#open) held.isLeft = true
  }

  /** What was acknowledged, by partition and broker; renewals apart. It can no longer be changed. */
  take(): TakenAcknowledgements[] {
    const taken = new Map<string, TakenAcknowledgements>()
    for (const held of this.#acknowledged) {
      const { from, type } = held
      const { offset } = held.record
      const key = keyOf(held.record)
      this.#held.delete(key)
      if (type === 'renew') this.#renewing.set(key, held)
      const group = `${from.nodeId} ${from.topicId} ${from.partition} ${type === 'renew'}`
      let entry = taken.get(group)
      if (entry === undefined) {
        entry = { from, ranges: [], offsets: [] }
        taken.set(group, entry)
      }
      entry.ranges.push({ first: offset, last: offset, type: acknowledgeTypeIds[type!] })
      entry.offsets.push(offset)
    }
    this.#acknowledged.clear()
    this.#hasRenewals = false
    for (const { offsets } of taken.values()) offsets.sort((a, b) => a - b)
    return [...taken.values()]
  }

  /** The broker has answered a renewal: what it has agreed to is in hand again. */
  renewed({ from, offsets }: PartitionAcknowledgements, isAgreed: boolean): void {
    for (const offset of offsets) {
      const key = keyOf({ ...from, offset })
      const held = this.#renewing.get(key)
      this.#renewing.delete(key)
      if (held === undefined || !isAgreed) continue
      held.type = null
      held.isRenewed = true
      this.#held.set(key, held)
      this.#open.add(held)
    }
  }

  /** Those whose lock was renewed and of which nothing was said since; at most `max`. They count as handed out again. */
  takeRenewed(max: number): ShareRecord<unknown, unknown>[] {
    const records: ShareRecord<unknown, unknown>[] = []
    for (const held of this.#open) {
      if (records.length === max) break
      if (!held.isRenewed) continue
      held.isRenewed = false
      records.push(held.record)
    }
    return records
  }

  /** Whether `takeRenewed` would give something. */
  get hasRenewed(): boolean {
    for (const { isRenewed } of this.#open) if (isRenewed) return true
    return false
  }

  clear(): void {
    this.#held.clear()
    this.#open.clear()
    this.#acknowledged.clear()
    this.#renewing.clear()
  }
}

function keyOf({ topic, partition, offset }: RecordPlace): string {
  return `${offset} ${partition} ${topic}`
}
