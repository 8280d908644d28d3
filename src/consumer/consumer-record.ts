import { messageOf, SerializationError } from '../errors.ts'
import type { TimestampType } from '../protocol/records/decoded-batch.ts'
import { readHeaders } from '../protocol/records/record-header.ts'
import { type Deserializer, string } from '../serializers.ts'

export interface ConsumerRecordHeader {
  readonly key: string
  /** A view into the fetched frame. */
  readonly value: Buffer | null
}

/** What the records of one batch have in common. */
export interface RecordOrigin {
  readonly topic: string
  readonly partition: number
  readonly leaderEpoch: number
  readonly baseOffset: number
  readonly baseTimestamp: number
  readonly timestampType: TimestampType
  /** The time of all records, with LogAppendTime; else null. */
  readonly logAppendTime: number | null
  /** Holds all bytes that the records' places mean. */
  readonly buffer: Buffer
  readonly keyDeserializer: Deserializer<unknown> | null
  readonly valueDeserializer: Deserializer<unknown> | null
}

/** Where the parts of a record stand; a `RecordCursor` fits. */
export interface RecordPlaces {
  readonly offsetDelta: number
  readonly timestampDelta: number
  readonly keyStart: number
  /** -1: null. */
  readonly keyLength: number
  readonly valueStart: number
  /** -1: null. */
  readonly valueLength: number
  readonly headersStart: number
  readonly headersEnd: number
  readonly headerCount: number
}

/** Stands for what was not read yet: null and undefined are values that a deserializer may give. */
const unread: unique symbol = Symbol('unread')

/**
 * A record as read: a view into the fetched frame. Key, value and headers are taken out of it when they are first asked
 * for; `copy()` detaches from the frame what is to be kept for long.
 */
export class ConsumerRecord<K = Buffer | null, V = Buffer | null> {
  // Declared, and set once in this order. Not `#private`: fields and methods of that kind cost time for each record made.
  declare protected readonly origin: RecordOrigin
  declare private readonly offsetDelta: number
  declare private readonly timestampDelta: number
  declare private readonly keyStart: number
  declare private readonly keyLength: number
  declare private readonly valueStart: number
  declare private readonly valueLength: number
  declare private readonly headersStart: number
  declare private readonly headersEnd: number
  declare private readonly headerCount: number
  declare private readKey: unknown
  declare private readValue: unknown
  declare private readHeaders: ConsumerRecordHeader[] | null

  constructor(origin: RecordOrigin, places: RecordPlaces) {
    this.origin = origin
    this.offsetDelta = places.offsetDelta
    this.timestampDelta = places.timestampDelta
    this.keyStart = places.keyStart
    this.keyLength = places.keyLength
    this.valueStart = places.valueStart
    this.valueLength = places.valueLength
    this.headersStart = places.headersStart
    this.headersEnd = places.headersEnd
    this.headerCount = places.headerCount
    this.readKey = unread
    this.readValue = unread
    this.readHeaders = null
  }

  get topic(): string {
    return this.origin.topic
  }

  get partition(): number {
    return this.origin.partition
  }

  get offset(): number {
    return this.origin.baseOffset + this.offsetDelta
  }

  /** Milliseconds; -1 when the producer gave none. Throws RangeError when it is no safe integer. */
  get timestamp(): number {
    const timestamp = this.origin.logAppendTime ?? this.origin.baseTimestamp + this.timestampDelta
    if (Number.isSafeInteger(timestamp)) return timestamp
    throw new RangeError(`${this.place()}: the timestamp ${timestamp} is beyond the safe integers`)
  }

  /** Who set the timestamp: `CreateTime` the producer, `LogAppendTime` the broker; `NoTimestampType` before Kafka 0.10. */
  get timestampType(): TimestampType {
    return this.origin.timestampType
  }

  /** Epoch of the leader that wrote it; -1 when not told. */
  get leaderEpoch(): number {
    return this.origin.leaderEpoch
  }

  /** Throws SerializationError when the deserializer throws; the next record can be read all the same. */
  get key(): K | null {
    if (this.readKey === unread) this.readKey = this.payload(true)
    return this.readKey as K | null
  }

  /** Null for a tombstone. Throws SerializationError when the deserializer throws; the next record can be read all the same. */
  get value(): V | null {
    if (this.readValue === unread) this.readValue = this.payload(false)
    return this.readValue as V | null
  }

  /** In their order; keys may repeat. Throws ProtocolError when they are malformed. */
  get headers(): readonly ConsumerRecordHeader[] {
    this.readHeaders ??= this.headerCount === 0 ? [] : this.decodeHeaders()
    return this.readHeaders
  }

  /** The last value under this key (Java's `lastHeader`); undefined without such a header. */
  header(key: string): Buffer | null | undefined {
    return this.headers.findLast((one) => one.key === key)?.value
  }

  /** The key as it came, past the deserializer: a view into the fetched frame. */
  get rawKey(): Buffer | null {
    const { keyStart: start, keyLength: length } = this
    return length < 0 ? null : this.origin.buffer.subarray(start, start + length)
  }

  /** The value as it came, past the deserializer: a view into the fetched frame. */
  get rawValue(): Buffer | null {
    const { valueStart: start, valueLength: length } = this
    return length < 0 ? null : this.origin.buffer.subarray(start, start + length)
  }

  /** Bytes of the key; -1 for null. */
  get serializedKeySize(): number {
    return this.keyLength
  }

  /** Bytes of the value; -1 for null. */
  get serializedValueSize(): number {
    return this.valueLength
  }

  /** The same record over memory of its own, so that it does not keep the fetched frame alive. */
  copy(): ConsumerRecord<K, V> {
    const start = this.keyStart
    const buffer = Buffer.from(this.origin.buffer.subarray(start, this.headersEnd))
    const Same = this.constructor as typeof ConsumerRecord
    return new Same(
      { ...this.origin, buffer },
      {
        offsetDelta: this.offsetDelta,
        timestampDelta: this.timestampDelta,
        keyStart: 0,
        keyLength: this.keyLength,
        valueStart: this.valueStart - start,
        valueLength: this.valueLength,
        headersStart: this.headersStart - start,
        headersEnd: this.headersEnd - start,
        headerCount: this.headerCount,
      },
    )
  }

  /** The same record with another key or value, as interceptors give it; `rawKey` and `rawValue` stay what came. */
  with(changed: { readonly key?: K | null; readonly value?: V | null }): ConsumerRecord<K, V> {
    const other = Object.create(this) as ConsumerRecord<K, V>
    if (changed.key !== undefined) other.readKey = changed.key
    if (changed.value !== undefined) other.readValue = changed.value
    return other
  }

  /** A plain object with all that there is to read. */
  toJSON() {
    const { topic, partition, offset, timestamp, timestampType, leaderEpoch, key, value, headers } = this
    return { topic, partition, offset, timestamp, timestampType, leaderEpoch, key, value, headers }
  }

  /** What `console.log` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): unknown {
    try {
      return this.toJSON()
    } catch (error) {
      return `${this.place()} (${messageOf(error)})`
    }
  }

  private payload(isKey: boolean): unknown {
    const { origin } = this
    const start = isKey ? this.keyStart : this.valueStart
    const length = isKey ? this.keyLength : this.valueLength
    if (length < 0) return null
    const deserializer = isKey ? origin.keyDeserializer : origin.valueDeserializer
    // Without the detour over a Buffer for each value, which costs more than decoding short text.
    if (deserializer === string) return origin.buffer.toString('utf8', start, start + length)
    const bytes = origin.buffer.subarray(start, start + length)
    if (deserializer === null) return bytes
    try {
      return deserializer.deserialize(bytes, { topic: origin.topic, isKey })
    } catch (cause) {
      const { topic, partition } = origin
      throw new SerializationError(
        `${this.place()}: the ${isKey ? 'key' : 'value'} cannot be deserialized: ${messageOf(cause)}`,
        { cause, topic, partition },
      )
    }
  }

  private decodeHeaders(): ConsumerRecordHeader[] {
    // A subarray of a Buffer is a Buffer, so the values are.
    return readHeaders(
      this.origin.buffer,
      this.headersStart,
      this.headerCount,
      this.headersEnd,
    ) as ConsumerRecordHeader[]
  }

  private place(): string {
    return `${this.topic}-${this.partition} at offset ${this.offset}`
  }
}
