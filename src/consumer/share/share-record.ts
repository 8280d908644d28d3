import { ConsumerRecord, type RecordOrigin, type RecordPlaces } from '../consumer-record.ts'

/** What the records of one batch have in common that were acquired together. */
export interface ShareRecordOrigin extends RecordOrigin {
  readonly deliveryCount: number
}

/** A record of a share group: a view into the fetched frame, locked for this consumer for a time. */
export class ShareRecord<K = Buffer | null, V = Buffer | null> extends ConsumerRecord<K, V> {
  /** Shared with copies: which of them could not be deserialized is all the same. Null: none yet, nor a copy. */
  declare private mark: { isUnreadable: boolean } | null

  constructor(origin: ShareRecordOrigin, places: RecordPlaces) {
    super(origin, places)
    this.mark = null
  }

  /** How many times it was given out, this time included: 1 at first. */
  get deliveryCount(): number {
    return (this.origin as ShareRecordOrigin).deliveryCount
  }

  /** Whether a deserializer has thrown for it. In implicit mode it is then released, not accepted, as in Java. */
  get isUnreadable(): boolean {
    return this.mark?.isUnreadable ?? false
  }

  override get key(): K | null {
    try {
      return super.key
    } catch (error) {
      this.shared().isUnreadable = true
      throw error
    }
  }

  override get value(): V | null {
    try {
      return super.value
    } catch (error) {
      this.shared().isUnreadable = true
      throw error
    }
  }

  override copy(): ShareRecord<K, V> {
    const copy = super.copy() as ShareRecord<K, V>
    copy.mark = this.shared()
    return copy
  }

  override with(changed: { readonly key?: K | null; readonly value?: V | null }): ShareRecord<K, V> {
    // Made here, or the other would have one of its own.
    this.shared()
    return super.with(changed) as ShareRecord<K, V>
  }

  override toJSON() {
    return { ...super.toJSON(), deliveryCount: this.deliveryCount }
  }

  private shared(): { isUnreadable: boolean } {
    this.mark ??= { isUnreadable: false }
    return this.mark
  }
}
