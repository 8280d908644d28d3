import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConsumerRecord } from '../../src/consumer/consumer-record.ts'
import { SerializationError } from '../../src/errors.ts'
import {
  encodeRecordBatch,
  type RecordBatchOptions,
  type RecordInput,
} from '../../src/protocol/records/encode-record-batch.ts'
import { decodeRecords } from '../../src/protocol/records/record-batch.ts'
import { type Deserializer, string } from '../../src/serializers.ts'

function recordOf<V = Buffer>(
  input: Partial<RecordInput>,
  valueDeserializer: Deserializer<V> | null = null,
  options: RecordBatchOptions = {},
): { record: ConsumerRecord<Buffer, V>; frame: Buffer } {
  const full = { offset: 7n, timestamp: 1234n, key: 'key', value: 'value', ...input }
  const bytes = Buffer.from(encodeRecordBatch({ partitionLeaderEpoch: 4, ...options }, [full]))
  const [batch] = decodeRecords(bytes)
  const cursor = batch!.cursor()
  expect(cursor.next()).toBe(true)
  const record = new ConsumerRecord<Buffer, V>(
    {
      topic: 't',
      partition: 3,
      leaderEpoch: batch!.partitionLeaderEpoch,
      baseOffset: batch!.baseOffsetNumber,
      baseTimestamp: Number(batch!.baseTimestamp),
      timestampType: batch!.timestampType,
      logAppendTime: batch!.timestampType === 'LogAppendTime' ? Number(batch!.maxTimestamp) : null,
      buffer: bytes,
      keyDeserializer: null,
      valueDeserializer,
    },
    cursor,
  )
  return { record, frame: bytes }
}

describe('ConsumerRecord', () => {
  it('is a view into the frame, and copy() is not', () => {
    const { record, frame } = recordOf({ headers: [{ key: 'h', value: 'x' }] })
    const copy = record.copy()
    frame.fill(0)
    expect(record.value).toEqual(Buffer.alloc(5))
    expect(copy).toMatchObject({ topic: 't', partition: 3, offset: 7, timestamp: 1234, leaderEpoch: 4 })
    expect([copy.key, copy.value].map(String)).toEqual(['key', 'value'])
    expect(String(copy.header('h'))).toBe('x')
  })

  it('makes each part once, when it is asked for', () => {
    let calls = 0
    const counting: Deserializer<string> = { deserialize: (bytes) => `${bytes}${++calls}` }
    const { record } = recordOf({}, counting)
    expect(calls).toBe(0)
    expect([record.value, record.value]).toEqual(['value1', 'value1'])
    expect(record.key).toBe(record.key)
    expect(record.headers).toBe(record.headers)
  })

  it('tells the deserializer the topic, and never asks it about null', () => {
    const contexts: unknown[] = []
    const telling: Deserializer<number> = { deserialize: (_, context) => contexts.push(context) }
    expect(recordOf({}, telling).record.value).toBe(1)
    expect(recordOf({ value: null }, telling).record.value).toBeNull()
    expect(contexts).toEqual([{ topic: 't', isKey: false }])
  })

  it('decodes strings without a Buffer in between to the same text', () => {
    expect(recordOf({ value: 'gr\u00fc\u00df dich' }, string).record.value).toBe('gr\u00fc\u00df dich')
    expect(recordOf({ value: '' }, string).record.value).toBe('')
  })

  it('names topic, partition and offset when its value cannot be deserialized, each time', () => {
    const failing: Deserializer<string> = {
      deserialize() {
        throw new Error('no way')
      },
    }
    const { record } = recordOf({}, failing)
    for (const _ of [1, 2]) {
      expect(() => record.value).toThrow(SerializationError)
      expect(() => record.value).toThrow('t-3 at offset 7: the value cannot be deserialized: no way')
    }
    expect(String(record.key)).toBe('key')
    expect(inspect(record)).toContain('no way')
  })

  it('shows itself as what it holds', () => {
    const { record } = recordOf({ value: 'text' }, string)
    expect(inspect(record)).toContain("value: 'text'")
    expect(JSON.parse(JSON.stringify(record))).toMatchObject({
      topic: 't',
      offset: 7,
      value: 'text',
      headers: [],
    })
  })

  it('tells who set its timestamp, and that nobody did before magic 1', () => {
    const typeOf = (options: RecordBatchOptions) => {
      const { record } = recordOf({}, null, options)
      return [record.timestampType, record.timestamp, record.copy().timestampType]
    }
    expect(typeOf({ magic: 0 })).toEqual(['NoTimestampType', -1, 'NoTimestampType'])
    expect(typeOf({ magic: 1 })).toEqual(['CreateTime', 1234, 'CreateTime'])
    expect(typeOf({ magic: 2 })).toEqual(['CreateTime', 1234, 'CreateTime'])
    const appended = { timestampType: 'LogAppendTime' } as const
    expect(typeOf({ magic: 1, ...appended })).toEqual(['LogAppendTime', 1234, 'LogAppendTime'])
    expect(typeOf({ magic: 2, maxTimestamp: 99n, ...appended })).toEqual([
      'LogAppendTime',
      99,
      'LogAppendTime',
    ])
    expect(recordOf({}, null, { magic: 0 }).record.toJSON().timestampType).toBe('NoTimestampType')
  })

  it('refuses a timestamp that is no safe integer, and only that', () => {
    const { record } = recordOf({ timestamp: 2n ** 60n })
    expect(() => record.timestamp).toThrow(RangeError)
    expect(String(record.value)).toBe('value')
  })
})
