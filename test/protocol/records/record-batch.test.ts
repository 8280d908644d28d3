import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import { restampBatch } from '../../../src/protocol/records/batch-header.ts'
import { encodeRecordBatch } from '../../../src/protocol/records/encode-record-batch.ts'
import { decodeRecords, type RecordBatch } from '../../../src/protocol/records/record-batch.ts'
import { type RecordHeader, readHeaders } from '../../../src/protocol/records/record-header.ts'
import { vectors } from '../../support/vectors.ts'
import { batchAsVector, type RecordsVector, recordVectors, type VectorBatch } from './record-vectors.ts'

const readable = recordVectors.filter(({ outcome }) => outcome === 'ok')
const broken = recordVectors.filter(({ outcome }) => outcome === 'error')

/** Reads all there is; what went wrong, and where, instead of throwing. */
function readAll(bytes: Uint8Array, checkCrcs = true) {
  const batches: VectorBatch[] = []
  let at: 'batches' | 'records' = 'batches'
  try {
    for (const batch of decodeRecords(bytes, { checkCrcs })) {
      at = 'records'
      batches.push(batchAsVector(batch))
      at = 'batches'
    }
  } catch (error) {
    return { batches, at, error }
  }
  return { batches, at, error: null }
}

function only(bytes: Uint8Array): RecordBatch {
  const [batch, ...others] = decodeRecords(bytes)
  expect(others).toEqual([])
  return batch!
}

describe('decodeRecords', () => {
  test(`reads ${readable.length} vectors as Java does, every field of every batch and record`, () => {
    expect(readable.length).toBeGreaterThan(250)
    for (const vector of readable) {
      const bytes = Buffer.from(vector.hex, 'hex')
      const { batches, error } = readAll(bytes)
      expect(error, vector.label).toBeNull()
      expect(batches, vector.label).toEqual(vector.batches)
      expect(decodeRecords(bytes).trailingBytes, vector.label).toBe(vector.trailingBytes)
    }
  })

  test(`fails where Java does in ${broken.length} broken vectors, after the batches before`, () => {
    expect(broken.length).toBeGreaterThan(50)
    for (const vector of broken) {
      const about = `${vector.label}: ${vector.note}`
      const { batches, at, error } = readAll(Buffer.from(vector.hex, 'hex'))
      expect(batches, about).toEqual(vector.batches)
      // Java overflows an int here; to us the batch is one that is not all there.
      if (vector.label === 'bad-batch-length-overflow') {
        expect(error, about).toBeNull()
        continue
      }
      expect(error, about).toBeInstanceOf(ProtocolError)
      expect(at, about).toBe(vector.error?.at === 'records' ? 'records' : 'batches')
      const isChecksum = vector.error?.message.includes('stored crc') ?? false
      expect((error as ProtocolError).code === 'CORRUPT_CHECKSUM', about).toBe(isChecksum)
    }
  })

  // Checksums make the time grow with the square of the size.
  const short = readable.filter(({ hex }) => hex.length < 4000)

  test(`loses only the last batch of each of ${short.length} vectors cut at every byte`, () => {
    expect(short.length).toBeGreaterThan(200)
    for (const vector of short) {
      const bytes = Buffer.from(vector.hex, 'hex')
      const ends = [0]
      for (const { sizeInBytes } of vector.batches) ends.push(ends.at(-1)! + sizeInBytes)
      for (let cut = 0; cut < bytes.length; cut++) {
        const whole = ends.findLastIndex((end) => end <= cut)
        const batches = decodeRecords(bytes.subarray(0, cut))
        expect(Array.from(batches).length).toBe(whole)
        expect(batches.trailingBytes).toBe(cut - ends[whole]!)
      }
    }
  })

  test(`throws nothing but ProtocolError for records of ${recordVectors.length} vectors cut inside a batch`, () => {
    let thrown = 0
    for (const { hex } of recordVectors) {
      const bytes = Buffer.from(hex, 'hex')
      if (bytes.length < 62 || bytes.length > 1000) continue
      for (let cut = 61; cut < bytes.length; cut++) {
        const shortened = Buffer.from(bytes.subarray(0, cut))
        // The length is made to fit, so that the cut is in the records and not before them.
        if (shortened.readInt32BE(8) > cut - 12) shortened.writeInt32BE(cut - 12, 8)
        const { error } = readAll(shortened, false)
        if (error !== null) {
          expect(error).toBeInstanceOf(ProtocolError)
          thrown++
        }
      }
    }
    expect(thrown).toBeGreaterThan(1000)
  })

  test('throws nothing but ProtocolError whatever byte of the records is changed', () => {
    const { hex } = recordVectors.find(({ label }) => label === 'm2-none-plain-headers-CreateTime')!
    const bytes = Buffer.from(hex, 'hex')
    let thrown = 0
    for (let i = 0; i < bytes.length; i++) {
      for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
        const changed = Buffer.from(bytes)
        changed[i] = value
        const { error } = readAll(changed, false)
        if (error !== null) {
          expect(error).toBeInstanceOf(ProtocolError)
          thrown++
        }
      }
    }
    expect(thrown).toBeGreaterThan(100)
  })

  test('names a magic and a compression that no Kafka knows', () => {
    const bytes = encodeRecordBatch({}, [{ offset: 0n, timestamp: 0n, key: null, value: 'v' }])
    const magic3 = Buffer.from(bytes)
    magic3[16] = 3
    expect(() => Array.from(decodeRecords(magic3))).toThrow(
      expect.objectContaining({
        code: 'MALFORMED',
        message: 'batches[0]: magic 3 is unknown, known are 0 to 2 at byte 16',
      }),
    )
    const unknown = Buffer.from(bytes)
    unknown[22] = 5
    const [batch] = decodeRecords(unknown, { checkCrcs: false })
    expect(() => batch!.cursor()).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: 'batches[0]: compression id 5 is unknown; known are 0 to 4 at byte 21',
      }),
    )
  })

  test('compares checksums unless told not to', () => {
    const bytes = encodeRecordBatch({}, [{ offset: 0n, timestamp: 0n, key: null, value: 'value' }])
    bytes[bytes.length - 2]! ^= 1
    expect(() => Array.from(decodeRecords(bytes))).toThrow(
      expect.objectContaining({ code: 'CORRUPT_CHECKSUM', offset: 17 }),
    )
    expect(Array.from(decodeRecords(bytes, { checkCrcs: false })).length).toBe(1)
  })

  test('tells batch, record and place of what is wrong', () => {
    const good = encodeRecordBatch({}, [{ offset: 0n, timestamp: 0n, key: null, value: 'first' }])
    const records = [1n, 2n].map((offset) => ({ offset, timestamp: 0n, key: null, value: 'value' }))
    const where = (bytes: Uint8Array) => {
      const joined = Buffer.concat([good, bytes])
      try {
        for (const batch of decodeRecords(joined, { checkCrcs: false })) void [...batch]
      } catch (error) {
        const { path, offset } = error as ProtocolError
        return { path, offset: offset - good.length }
      }
      return null
    }
    expect(where(encodeRecordBatch({}, records))).toBeNull()

    const badLength = encodeRecordBatch({}, records)
    badLength[8] = 0xff
    expect(where(badLength)).toEqual({ path: 'batches[1]', offset: 8 })

    // The second record has twelve bytes; its first is its length.
    const badRecord = encodeRecordBatch({}, records)
    badRecord[badRecord.length - 12] = 0x7e
    expect(where(badRecord)).toEqual({ path: 'batches[1].records[1]', offset: badRecord.length - 11 })

    // A place in the compressed data is one of the whole.
    const badSnappy = encodeRecordBatch({ compression: 'snappy' }, records)
    badSnappy[61 + 16] = 0x7f
    expect(where(badSnappy)).toEqual({ path: 'batches[1]', offset: 61 + 16 })

    // A place in what it expands to is one of that.
    const packed = encodeRecordBatch({ compression: 'gzip' }, records)
    packed[60] = 3
    const [, batch] = decodeRecords(Buffer.concat([good, packed]), { checkCrcs: false })
    expect(() => [...batch!]).toThrow(
      expect.objectContaining({ path: 'batches[1].records[2]', offset: 24, code: 'TRUNCATED' }),
    )

    const control = encodeRecordBatch({ isControl: true }, [{ ...records[0]!, key: new Uint8Array(2) }])
    expect(where(control)).toMatchObject({ path: 'batches[1].records[0]', offset: 61 + 5 })
  })

  test('refuses to expand a batch beyond the limit', () => {
    const value = new Uint8Array(1_000_000)
    const bytes = encodeRecordBatch({ compression: 'gzip' }, [
      { offset: 0n, timestamp: 0n, key: null, value },
    ])
    expect(bytes.length).toBeLessThan(2000)
    const [record] = only(bytes)
    expect(Buffer.compare(record!.value!, value)).toBe(0)
    const [limited] = decodeRecords(bytes, { maxDecompressedBytes: 100_000 })
    expect(() => Array.from(limited!)).toThrow(
      expect.objectContaining({
        code: 'MALFORMED',
        message: 'batches[0]: the gzip data expands to more than 100000 bytes at byte 61',
      }),
    )
  })

  test('reads a gzip body of several members, as a stream of them may be', () => {
    const plain = encodeRecordBatch({}, [{ offset: 0n, timestamp: 0n, key: null, value: 'in two members' }])
    const body = plain.subarray(61)
    const joined = Buffer.concat([
      plain.subarray(0, 61),
      gzipSync(body.subarray(0, 5)),
      gzipSync(body.subarray(5)),
    ])
    joined[22] = 1
    joined.writeInt32BE(joined.length - 12, 8)
    const [batch] = decodeRecords(joined, { checkCrcs: false })
    expect(Array.from(batch!, ({ value }) => String(value))).toEqual(['in two members'])
  })

  test('starts at the start of a view, wherever that is in its buffer', () => {
    const bytes = encodeRecordBatch({ baseOffset: 7n }, [
      { offset: 7n, timestamp: 1n, key: 'k', value: 'v', headers: { a: 'header' } },
    ])
    const padded = new Uint8Array(bytes.length + 20)
    padded.set(bytes, 13)
    const [record] = only(padded.subarray(13, 13 + bytes.length))
    expect(record!.offset).toBe(7n)
    expect(Buffer.from(record!.value!).toString()).toBe('v')
    expect(record!.headers[0]!.key).toBe('a')
  })
})

describe('RecordBatch', () => {
  test('tells its int64 fields as numbers, or a RangeError instead of a rounded one', () => {
    const at = (baseOffset: bigint, timestamp: bigint) =>
      only(encodeRecordBatch({}, [{ offset: baseOffset, timestamp, key: null, value: null }]))
    const near = at(9_007_199_254_740_991n, -1n)
    expect(near.baseOffsetNumber).toBe(9_007_199_254_740_991)
    expect(near.lastOffsetNumber).toBe(9_007_199_254_740_991)
    expect(near.baseTimestampNumber).toBe(-1)
    expect(near.maxTimestampNumber).toBe(-1)
    const beyond = at(9_007_199_254_740_992n, 2n ** 62n)
    expect(() => beyond.baseOffsetNumber).toThrow(RangeError)
    expect(() => beyond.lastOffsetNumber).toThrow('9007199254740992')
    expect(() => beyond.baseTimestampNumber).toThrow(RangeError)
    expect(() => beyond.maxTimestampNumber).toThrow(RangeError)
  })

  test('keeps timestamps exact that no number can hold', () => {
    const timestamps = [0n, 2n ** 53n + 1n, -(2n ** 62n), 2n ** 62n + 1n]
    const bytes = encodeRecordBatch(
      {},
      timestamps.map((timestamp, i) => ({ offset: BigInt(i), timestamp, key: null, value: null })),
    )
    expect(Array.from(only(bytes), ({ timestamp }) => timestamp)).toEqual(timestamps)
  })

  test('hands out a cursor that tells the places of what iterating tells', () => {
    for (const { hex } of readable.filter(({ hex }) => hex.length < 4000)) {
      for (const batch of decodeRecords(Buffer.from(hex, 'hex'))) {
        const cursor = batch.cursor()
        for (const record of batch) {
          expect(cursor.next()).toBe(true)
          expect(batch.baseOffset + BigInt(cursor.offsetDelta)).toBe(record.offset)
          expect(batch.baseTimestamp + BigInt(cursor.timestampDelta)).toBe(
            record.createTimestamp ?? record.timestamp,
          )
          expect(cursor.key()).toEqual(record.key)
          expect(cursor.value()).toEqual(record.value)
          const headers: RecordHeader[] = readHeaders(
            cursor.bytes,
            cursor.headersStart,
            cursor.headerCount,
            cursor.headersEnd,
          )
          expect(headers).toEqual(record.headers)
        }
        expect(cursor.next()).toBe(false)
        expect(cursor.next()).toBe(false)
      }
    }
  })
})

describe('encodeRecordBatch', () => {
  const encodable = vectors<RecordsVector>('records').filter(
    ({ encodable, batches }) => encodable && batches.every(({ magic }) => magic === 2),
  )

  test(`writes the bytes that Java wrote in ${encodable.length} vectors`, () => {
    expect(encodable.length).toBeGreaterThan(40)
    for (const { hex, batches, label } of encodable) {
      const written = batches.map((batch) =>
        encodeRecordBatch(
          {
            baseOffset: BigInt(batch.baseOffset),
            lastOffsetDelta: batch.lastOffsetDelta,
            partitionLeaderEpoch: batch.partitionLeaderEpoch,
            timestampType: batch.timestampType as 'CreateTime' | 'LogAppendTime',
            isTransactional: batch.isTransactional,
            isControl: batch.isControl,
            deleteHorizonMs: batch.deleteHorizonMs === null ? null : BigInt(batch.deleteHorizonMs),
            // Derived from the records wherever there are any.
            ...(batch.count === 0 ? { maxTimestamp: BigInt(batch.maxTimestamp) } : {}),
            producerId: BigInt(batch.producerId),
            producerEpoch: batch.producerEpoch,
            baseSequence: batch.baseSequence,
          },
          batch.records.map((record) => ({
            offset: BigInt(record.offset),
            timestamp: BigInt(record.timestamp),
            ...(record.createTimestamp === undefined
              ? {}
              : { createTimestamp: BigInt(record.createTimestamp) }),
            key: record.key === null ? null : Buffer.from(record.key, 'base64'),
            value: record.value === null ? null : Buffer.from(record.value, 'base64'),
            headers: record.headers.map(({ key, value }) => ({
              key,
              value: value === null ? null : Buffer.from(value, 'base64'),
            })),
          })),
        ),
      )
      expect(Buffer.concat(written).toString('hex'), label).toBe(hex)
    }
  })

  test(`writes a decoded batch again as it was, in ${encodable.length} vectors`, () => {
    for (const { hex, label } of encodable) {
      const written = Array.from(decodeRecords(Buffer.from(hex, 'hex')), (batch) =>
        encodeRecordBatch(batch, batch),
      )
      expect(Buffer.concat(written).toString('hex'), label).toBe(hex)
    }
  })

  test('derives base offset, last offset and timestamps from the records', () => {
    const batch = only(
      encodeRecordBatch({ timestampType: 'LogAppendTime' }, [
        { offset: 5n, timestamp: 900n, createTimestamp: 30n, key: null, value: null },
        { offset: 9n, timestamp: 900n, createTimestamp: 20n, key: null, value: null },
      ]),
    )
    expect(batch).toMatchObject({
      baseOffset: 5n,
      lastOffset: 9n,
      baseTimestamp: 30n,
      maxTimestamp: 900n,
      count: 2,
    })
  })

  test.each([
    [
      'an offset too far from the base',
      { offset: 2n ** 40n },
      'records[0]: offset 1099511627776 is no int32 away',
    ],
    [
      'a number as the value',
      { value: 5 as unknown as string },
      'records[0]: keys, values and header values must be',
    ],
    ['words of 16 bits', { key: new Uint16Array(2) as unknown as Uint8Array }, 'not a Uint16Array'],
    ['an undefined value', { value: undefined as unknown as null }, 'not undefined'],
    [
      'a header key that is no string',
      { headers: [{ key: 1 as unknown as string, value: null }] },
      'not number',
    ],
  ])('refuses %s', (_, wrong, message) => {
    const record = { offset: 0n, timestamp: 0n, key: null, value: null, ...wrong }
    expect(() => encodeRecordBatch({ baseOffset: 0n }, [record])).toThrow(
      expect.objectContaining({ code: 'UNENCODABLE', message: expect.stringContaining(message) }),
    )
  })

  test.each([
    [{ producerEpoch: 40_000 }, 'producerEpoch must be an int16, not 40000'],
    [{ baseSequence: 1.5 }, 'baseSequence must be an int32, not 1.5'],
    [{ producerId: 2n ** 63n }, 'producerId must be an int64 as a bigint, not 9223372036854775808'],
    [{ timestampType: 'NoTimestampType' as const }, 'timestampType must be CreateTime or LogAppendTime'],
  ])('refuses header field %o', (options, message) => {
    expect(() => encodeRecordBatch(options, [])).toThrow(
      expect.objectContaining({ code: 'UNENCODABLE', message: expect.stringContaining(message) }),
    )
  })

  test('names a compression that is not spoken here', () => {
    expect(() => encodeRecordBatch({ compression: 'lzma' as 'gzip' }, [])).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining('compression lzma') }),
    )
  })
})

describe('restampBatch', () => {
  test.each(['none', 'gzip'] as const)(
    'gives a finished %s batch another producer and a right checksum',
    (compression) => {
      const records = [{ offset: 0n, timestamp: 1n, key: 'k', value: 'v'.repeat(500) }]
      const bytes = encodeRecordBatch(
        { compression, producerId: 1n, producerEpoch: 2, baseSequence: 3 },
        records,
      )
      const stamp = { producerId: 2n ** 62n, producerEpoch: 32_767, baseSequence: 0 }
      restampBatch(bytes, stamp)
      const batch = only(bytes)
      expect(batch).toMatchObject(stamp)
      expect(Array.from(batch, ({ value }) => value?.length)).toEqual([500])
      expect(Buffer.from(bytes)).toEqual(encodeRecordBatch({ compression, ...stamp }, records))
    },
  )

  test('refuses what is not one whole batch', () => {
    const stamp = { producerId: 1n, producerEpoch: 0, baseSequence: 0 }
    const bytes = encodeRecordBatch({}, [{ offset: 0n, timestamp: 1n, key: null, value: 'v' }])
    expect(() => restampBatch(bytes.subarray(0, 60), stamp)).toThrow('only a finished batch of magic 2')
    expect(() => restampBatch(bytes.subarray(0, 65), stamp)).toThrow('65 bytes are not the one batch')
  })
})
