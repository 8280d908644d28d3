import { ConsumerRecord, type RecordOrigin } from '../consumer-record.ts'

/** What the records of one batch have in common that were acquired together. */
export interface ShareRecordOrigin extends RecordOrigin {
  readonly deliveryCount: number
}

/** A record of a share group: a view into the fetched frame, locked for this consumer for a time. */
export class ShareRecord<K = Buffer | null, V = Buffer | null> extends ConsumerRecord<K, V> {
  /** Its key or value was asked for, and could not be deserialized. */
  #isUnreadable = false

  /** How many times it was given out, this time included: 1 at first. */
  get deliveryCount(): number {
    return (this.origin as ShareRecordOrigin).deliveryCount
  }

  /** Whether a deserializer has thrown for it. In implicit mode it is then released, not accepted, as in Java. */
  get isUnreadable(): boolean {
    return this.#isUnreadable
  }

  override get key(): K | null {
    try {
      return super.key
    } catch (error) {
      this.#isUnreadable = true
      throw error
    }
  }

  override get value(): V | null {
    try {
      return super.value
    } catch (error) {
      this.#isUnreadable = true
      throw error
    }
  }

  override copy(): ShareRecord<K, V> {
    return super.copy() as ShareRecord<K, V>
  }

  override toJSON() {
    return { ...super.toJSON(), deliveryCount: this.deliveryCount }
  }
}
