import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../../src/protocol/crc32.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import {
  encodeRecordBatch,
  type RecordBatchOptions,
  type RecordInput,
} from '../../../src/protocol/records/encode-record-batch.ts'
import { smallestMessage } from '../../../src/protocol/records/legacy-message.ts'
import { decodeRecords, type RecordBatch } from '../../../src/protocol/records/record-batch.ts'
import { recordVectors } from './record-vectors.ts'

const records: readonly RecordInput[] = [
  { offset: 100n, timestamp: 1_700_000_000_000n, key: 'k0', value: 'the first' },
  { offset: 101n, timestamp: 1_700_000_000_009n, key: null, value: 'the second, the second' },
  { offset: 104n, timestamp: 1_700_000_000_003n, key: 'k2', value: null },
]

function only(bytes: Uint8Array): RecordBatch {
  const [batch, ...others] = decodeRecords(bytes)
  expect(others).toEqual([])
  return batch!
}

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString())
const malformed = (message: string) =>
  expect.objectContaining({ code: 'MALFORMED', message: expect.stringContaining(message) })

/** Gives a message that was changed the checksum that it needs. */
function withCrc(bytes: Uint8Array): Buffer {
  const message = Buffer.from(bytes)
  message.writeUInt32BE(crc32(message, 16), 12)
  return message
}

describe('crc32', () => {
  test('is 0xcbf43926 of the digits, and 0 of nothing', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
    expect(crc32(new Uint8Array())).toBe(0)
    expect(crc32(Buffer.from('..123456789..'), 2, 11)).toBe(0xcbf43926)
  })
})

/** A compressed message whose second one inside has a value that its checksum does not fit. */
function withBadInner(magic: number): Buffer {
  // Not compressed in fact: gzip would check the bytes on its own.
  const inner = Buffer.from(encodeRecordBatch({ magic }, records))
  const first = 12 + inner.readInt32BE(8)
  const second = first + 12 + inner.readInt32BE(first + 8)
  inner[second - 1]! ^= 1
  const packed = gzipSync(inner)
  const outer = Buffer.from(encodeRecordBatch({ magic }, [{ ...records[2]!, key: null, value: packed }]))
  outer[17]! |= 1
  return withCrc(outer)
}

describe('messages of magic 0 and 1', () => {
  test.each([0, 1])(
    'of magic %d that are compressed each have a checksum, which is compared too',
    (magic) => {
      const bytes = withBadInner(magic)
      const first = smallestMessage(magic) + 2 + 9
      const [batch] = decodeRecords(bytes)
      const read: (string | null)[] = []
      expect(() => {
        for (const { value } of batch!) read.push(text(value))
      }).toThrow(
        expect.objectContaining({
          code: 'CORRUPT_CHECKSUM',
          path: 'batches[0].records[1]',
          offset: first + 12,
          reason: expect.stringMatching(/^the checksum of a message is \d+, computed is \d+$/),
        }),
      )
      expect(read).toEqual(['the first'])

      const [unchecked] = decodeRecords(bytes, { checkCrcs: false })
      expect(Array.from(unchecked!, ({ value }) => text(value))).toEqual([
        'the first',
        'the second, the secone',
        null,
      ])
      // Whoever asks for the checksum of the batch asks for all of them.
      unchecked!.checkCrc()
      expect(() => [...unchecked!]).toThrow(expect.objectContaining({ code: 'CORRUPT_CHECKSUM' }))
    },
  )

  const encodable = recordVectors.filter(
    ({ encodable, batches }) => encodable && batches.some(({ magic }) => magic < 2),
  )

  test(`are written as Java wrote them in ${encodable.length} vectors`, () => {
    expect(encodable.length).toBeGreaterThan(10)
    for (const { hex, label } of encodable) {
      const written = Array.from(decodeRecords(Buffer.from(hex, 'hex')), (batch) =>
        encodeRecordBatch(batch, batch),
      )
      expect(Buffer.concat(written).toString('hex'), label).toBe(hex)
    }
  })

  test.each([0, 1])('each are a batch of their own with magic %d and no compression', (magic) => {
    const batches = Array.from(decodeRecords(encodeRecordBatch({ magic }, records)))
    expect(batches.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset])).toEqual([
      [100n, 100n],
      [101n, 101n],
      [104n, 104n],
    ])
    expect(batches[0]).toMatchObject({
      magic,
      count: 1,
      lastOffsetDelta: 0,
      lastOffsetNumber: 100,
      baseOffsetNumber: 100,
      producerId: -1n,
      partitionLeaderEpoch: -1,
      isControl: false,
      isTransactional: false,
      timestampType: magic === 0 ? 'NoTimestampType' : 'CreateTime',
      maxTimestampNumber: magic === 0 ? -1 : 1_700_000_000_000,
    })
    const read = batches.flatMap((batch) => Array.from(batch))
    expect(read.map(({ key, value }) => [text(key), text(value)])).toEqual([
      ['k0', 'the first'],
      [null, 'the second, the second'],
      ['k2', null],
    ])
    expect(read.map(({ timestamp }) => timestamp)).toEqual(
      magic === 0 ? [-1n, -1n, -1n] : records.map(({ timestamp }) => timestamp),
    )
  })

  test.each(
    [0, 1].flatMap((magic) => (['gzip', 'snappy', 'lz4'] as const).map((name) => [magic, name] as const)),
  )('are wrapped in one with magic %d and %s', (magic, compression) => {
    const batch = only(encodeRecordBatch({ magic, compression }, records))
    expect(batch).toMatchObject({
      magic,
      compression,
      count: -1,
      baseOffset: 100n,
      lastOffset: 104n,
      lastOffsetDelta: 4,
      maxTimestamp: magic === 0 ? -1n : 1_700_000_000_009n,
    })
    expect(Array.from(batch, ({ offset, value }) => [offset, text(value)])).toEqual([
      [100n, 'the first'],
      [101n, 'the second, the second'],
      [104n, null],
    ])
  })

  test('have the time of the wrapper with LogAppendTime', () => {
    const options: RecordBatchOptions = {
      magic: 1,
      compression: 'gzip',
      timestampType: 'LogAppendTime',
      maxTimestamp: 1_800_000_000_000n,
    }
    const batch = only(encodeRecordBatch(options, records))
    expect(batch.timestampType).toBe('LogAppendTime')
    expect(Array.from(batch, ({ timestamp }) => timestamp)).toEqual(Array(3).fill(1_800_000_000_000n))
  })

  test('are told by a cursor as they are by iterating', () => {
    let seen = 0
    for (const { hex } of recordVectors.filter(({ outcome, hex }) => outcome === 'ok' && hex.length < 4000)) {
      for (const batch of decodeRecords(Buffer.from(hex, 'hex'))) {
        if (batch.magic === 2) continue
        const cursor = batch.cursor()
        for (const record of batch) {
          expect(cursor.next()).toBe(true)
          expect(batch.baseOffsetNumber + cursor.offsetDelta).toBe(Number(record.offset))
          if (batch.timestampType !== 'LogAppendTime') {
            expect(batch.baseTimestampNumber + cursor.timestampDelta).toBe(Number(record.timestamp))
            expect(batch.baseTimestamp + cursor.exactTimestampDelta()).toBe(record.timestamp)
          }
          expect(cursor.key()).toEqual(record.key)
          expect(cursor.value()).toEqual(record.value)
          expect([cursor.headerCount, cursor.headersStart]).toEqual([0, cursor.headersEnd])
          seen++
        }
        expect(cursor.next()).toBe(false)
      }
    }
    expect(seen).toBeGreaterThan(100)
  })

  test('inside of one whose offset librdkafka did not set have the offsets that stand there', () => {
    const bytes = Buffer.from(
      encodeRecordBatch({ magic: 1, compression: 'gzip' }, [
        { offset: 0n, timestamp: 1n, key: null, value: 'a' },
        { offset: 1n, timestamp: 1n, key: null, value: 'b' },
      ]),
    )
    bytes.writeBigInt64BE(0n, 0)
    expect(Array.from(only(bytes), ({ offset }) => offset)).toEqual([0n, 1n])
  })

  test.each<[string, Uint8Array, string]>([
    [
      'a wrapper without a value',
      (() => {
        const bytes = encodeRecordBatch({ magic: 1 }, [{ offset: 0n, timestamp: 1n, key: 'k', value: null }])
        bytes[17] = 1
        return withCrc(bytes)
      })(),
      'has no value',
    ],
    [
      'an offset below those inside',
      (() => {
        const bytes = Buffer.from(encodeRecordBatch({ magic: 1, compression: 'gzip' }, records))
        bytes.writeBigInt64BE(3n, 0)
        return bytes
      })(),
      'has offset 3, the last that it holds has 4',
    ],
    [
      'zstd, which came later',
      (() => {
        const bytes = encodeRecordBatch({ magic: 1 }, [{ offset: 0n, timestamp: 1n, key: 'k', value: 'v' }])
        bytes[17] = 4
        return withCrc(bytes)
      })(),
      'zstd came with magic 2',
    ],
    [
      'a key longer than the message',
      (() => {
        const bytes = encodeRecordBatch({ magic: 0 }, [{ offset: 0n, timestamp: -1n, key: 'k', value: 'v' }])
        bytes[21] = 9
        return withCrc(bytes)
      })(),
      'the key of a message has length 9',
    ],
    [
      'a value shorter than what is left',
      (() => {
        const bytes = encodeRecordBatch({ magic: 0 }, [
          { offset: 0n, timestamp: -1n, key: 'k', value: 'vvv' },
        ])
        bytes[26] = 1
        return withCrc(bytes)
      })(),
      'the value of a message has length 1 with 3 bytes left',
    ],
  ])('are refused with %s', (_, bytes, message) => {
    expect(() => Array.from(only(bytes))).toThrow(malformed(message))
  })

  test('inside of a wrapper that hold nothing, are cut, or are compressed again are refused', async () => {
    const { gzipSync } = await import('node:zlib')
    const wrap = (inner: Uint8Array) => {
      const bytes = encodeRecordBatch({ magic: 1 }, [
        { offset: 104n, timestamp: 1n, key: null, value: gzipSync(inner) },
      ])
      bytes[17] = 1
      return withCrc(bytes)
    }
    const plain = encodeRecordBatch({ magic: 1 }, records)
    const nested = encodeRecordBatch({ magic: 1, compression: 'gzip' }, records)
    expect(() => Array.from(only(wrap(new Uint8Array())))).toThrow(malformed('holds no messages'))
    expect(() => Array.from(only(wrap(plain.subarray(0, -1))))).toThrow(malformed('a message has size'))
    expect(() => Array.from(only(wrap(plain.subarray(0, 50))))).toThrow(malformed('they are no message'))
    expect(() => Array.from(only(wrap(nested)))).toThrow(malformed('compressed too'))
    expect(Array.from(only(wrap(plain))).length).toBe(3)
  })

  test('throw nothing but ProtocolError whatever byte is changed', () => {
    let thrown = 0
    for (const options of [{ magic: 0 }, { magic: 1 }, { magic: 1, compression: 'lz4' as const }]) {
      const bytes = encodeRecordBatch(options, records)
      for (let at = 0; at < bytes.length; at++) {
        for (const value of [0, 1, 3, 0x7f, 0x80, 0xff]) {
          const changed = Buffer.from(bytes)
          changed[at] = value
          try {
            for (const batch of decodeRecords(changed, { checkCrcs: false }))
              for (const record of batch) record.key
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError)
            thrown++
          }
        }
      }
    }
    expect(thrown).toBeGreaterThan(300)
  })

  test.each<[RecordBatchOptions, string]>([
    [{ magic: 3 }, 'magic must be 0, 1 or 2, not 3'],
    [{ magic: 1, compression: 'zstd' }, 'magic 1 has no zstd'],
    [{ magic: 0, timestampType: 'CreateTime' }, 'timestampType must be NoTimestampType'],
    [{ magic: 1, timestampType: 'NoTimestampType' }, 'timestampType must be CreateTime or LogAppendTime'],
    [{ magic: 1, producerId: 7n }, 'there is no producer to be told with magic 1'],
    [{ magic: 1, isTransactional: true }, 'there are no transactions with magic 1'],
    [{ magic: 1, deleteHorizonMs: 7n }, 'there is no delete horizon with magic 1'],
  ])('cannot be written with %o', (options, message) => {
    expect(() => encodeRecordBatch(options, records)).toThrow(
      expect.objectContaining({ code: 'UNENCODABLE', message: expect.stringContaining(message) }),
    )
  })

  test('cannot be written with headers, offsets that do not fit, or compressed without any', () => {
    const record = { offset: 0n, timestamp: 0n, key: null, value: 'v' }
    expect(() => encodeRecordBatch({ magic: 1 }, [{ ...record, headers: { a: 'b' } }])).toThrow(
      'records[0] has headers, and there are none with magic 1',
    )
    expect(() => encodeRecordBatch({ magic: 1 }, [{ ...record, offset: 2n ** 63n }])).toThrow('must be int64')
    expect(() => encodeRecordBatch({ magic: 1, compression: 'gzip' }, [])).toThrow('at least one record')
    expect(encodeRecordBatch({ magic: 1 }, [])).toHaveLength(0)
  })
})
