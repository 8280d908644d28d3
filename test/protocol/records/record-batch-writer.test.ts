import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Compressor } from '../../../src/protocol/compression/codec.ts'
import { createCompressor } from '../../../src/protocol/compression/compressors.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import { restampBatch } from '../../../src/protocol/records/batch-header.ts'
import { encodeRecordBatch } from '../../../src/protocol/records/encode-record-batch.ts'
import {
  type DecodedRecord,
  decodeRecords,
  type RecordBatch,
} from '../../../src/protocol/records/record-batch.ts'
import { type BatchOptions, RecordBatchWriter } from '../../../src/protocol/records/record-batch-writer.ts'
import type { HeadersInput } from '../../../src/protocol/records/record-header.ts'
import { recordVectors, type VectorBatch } from './record-vectors.ts'

type Payload = string | Uint8Array | null

function only(bytes: Uint8Array): RecordBatch {
  const [batch, ...others] = decodeRecords(bytes)
  expect(others).toEqual([])
  return batch!
}

function bytesOf(payload: Payload): string | null {
  return payload === null ? null : Buffer.from(payload as string).toString('hex')
}

function readable({ key, value, headers }: DecodedRecord) {
  return {
    key: bytesOf(key),
    value: bytesOf(value),
    headers: headers.map(({ key, value }) => [key, bytesOf(value)]),
  }
}

/** Batches such as a producer writes them: offsets without gaps, CreateTime, no control records. */
function writable(batch: VectorBatch): boolean {
  return (
    batch.count > 0 &&
    !batch.isControl &&
    batch.timestampType === 'CreateTime' &&
    batch.deleteHorizonMs === null &&
    batch.lastOffsetDelta === batch.count - 1 &&
    batch.records.every(({ offset }, i) => BigInt(offset) === BigInt(batch.baseOffset) + BigInt(i))
  )
}

const vectors = recordVectors.filter(
  ({ encodable, batches }) => encodable && batches.length > 0 && batches.every(writable),
)

describe('RecordBatchWriter', () => {
  test(`writes the bytes that Java wrote in ${vectors.length} vectors`, () => {
    expect(vectors.length).toBeGreaterThan(15)
    const writer = new RecordBatchWriter(64)
    for (const { hex, batches, label } of vectors) {
      const written = batches.map((batch) => {
        writer.reset()
        for (const { timestamp, key, value, headers } of batch.records) {
          const decode = (text: string | null) => (text === null ? null : Buffer.from(text, 'base64'))
          const list = headers.map(({ key, value }) => ({ key, value: decode(value) }))
          const before = writer.size
          const added = writer.sizeOf(Number(timestamp), decode(key), decode(value), list)
          writer.append(Number(timestamp), decode(key), decode(value), list.length === 0 ? undefined : list)
          expect(writer.size - before).toBe(added)
        }
        expect(writer.maxTimestamp).toBe(Number(batch.maxTimestamp))
        return Buffer.from(
          writer.finish({
            baseOffset: BigInt(batch.baseOffset),
            partitionLeaderEpoch: batch.partitionLeaderEpoch,
            producerId: BigInt(batch.producerId),
            producerEpoch: batch.producerEpoch,
            baseSequence: batch.baseSequence,
            isTransactional: batch.isTransactional,
          }),
        )
      })
      expect(Buffer.concat(written).toString('hex'), label).toBe(hex)
    }
  })

  const payload = fc.option(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ maxLength: 200 }),
    ),
    { nil: null },
  )
  const record = fc.record({
    timestamp: fc.oneof(fc.constant(-1), fc.nat(), fc.integer({ min: -(2 ** 51), max: 2 ** 51 })),
    key: payload,
    value: payload,
    headers: fc.option(
      fc.array(fc.record({ key: fc.string({ unit: 'binary', maxLength: 40 }), value: payload }), {
        maxLength: 4,
      }),
      { nil: undefined },
    ),
    sizedBefore: fc.boolean(),
  })

  test('gives back what was appended, in as many bytes as it told, and like the general encoder', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 1, maxLength: 80 }),
        fc.nat(200),
        async (records, capacity) => {
          const writer = new RecordBatchWriter(capacity)
          for (const [i, { timestamp, key, value, headers, sizedBefore }] of records.entries()) {
            const before = writer.size
            const told = sizedBefore ? writer.sizeOf(timestamp, key, value, headers) : null
            expect(writer.append(timestamp, key, value, headers)).toBe(i)
            if (told !== null) expect(writer.size - before).toBe(told)
          }
          expect(writer.count).toBe(records.length)
          const options = { producerId: 5n, producerEpoch: 3, baseSequence: 0x7fffffff }
          const plain = Buffer.from(writer.finish(options))
          expect(plain.length).toBe(writer.size)
          const general = encodeRecordBatch(
            options,
            records.map(({ timestamp, key, value, headers }, i) => ({
              offset: BigInt(i),
              timestamp: BigInt(timestamp),
              key,
              value,
              headers: headers ?? [],
            })),
          )
          expect(plain.equals(general)).toBe(true)

          const packed = await writer.finishCompressed(options, createCompressor('gzip'))
          for (const batch of [only(plain), only(packed)]) {
            expect(Array.from(batch, ({ timestamp }) => Number(timestamp))).toEqual(
              records.map((r) => r.timestamp),
            )
            expect(Array.from(batch, readable)).toEqual(
              records.map(({ key, value, headers }) => ({
                key: bytesOf(key),
                value: bytesOf(value),
                headers: (headers ?? []).map(({ key, value }) => [
                  Buffer.from(key).toString(),
                  bytesOf(value),
                ]),
              })),
            )
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  test('keeps null, empty and text apart in keys, values and headers', () => {
    const writer = new RecordBatchWriter(16)
    writer.append(0, null, '')
    writer.append(0, '', null)
    writer.append(0, 'k', 'gr\u00fc\u00df', { empty: '', none: null, twice: ['1', null], never: [] })
    writer.append(0, 'k', 'v', [])
    expect(Array.from(only(writer.finish()), readable)).toEqual([
      { key: null, value: '', headers: [] },
      { key: '', value: null, headers: [] },
      {
        key: '6b',
        value: '6772c3bcc39f',
        headers: [
          ['empty', ''],
          ['none', null],
          ['twice', '31'],
          ['twice', null],
        ],
      },
      { key: '6b', value: '76', headers: [] },
    ])
  })

  test('writes the replacement character for half of a surrogate pair, short or long', () => {
    const writer = new RecordBatchWriter(16)
    writer.append(0, '\ud800', `${'x'.repeat(100)}\udc00`)
    const [record] = only(writer.finish())
    expect(Buffer.from(record!.key!).toString()).toBe('\ufffd')
    expect(Buffer.from(record!.value!).toString()).toBe(`${'x'.repeat(100)}\ufffd`)
  })

  test('writes what is appended, whatever it was asked about before', () => {
    const writer = new RecordBatchWriter(16)
    writer.append(1000, null, 'first')
    writer.sizeOf(1001, 'k', 'a value')
    writer.append(900_000, 'key', 'another, longer value')
    writer.sizeOf(1, 'gr\u00fc\u00df', 'gr\u00fc\u00df')
    writer.append(1, 'gr\u00fc\u00df', 'gr\u00fc\u00df')
    writer.append(1, '', '')
    writer.sizeOf(1, 'key', 'value')
    writer.append(1, '', '')
    const text = Array.from(only(writer.finish()), ({ key, value }) => `${key}=${value}`)
    expect(text).toEqual([
      'null=first',
      'key=another, longer value',
      'gr\u00fc\u00df=gr\u00fc\u00df',
      '=',
      '=',
    ])

    writer.sizeOf(1, 'key', 'value')
    writer.reset()
    writer.append(1, '', '')
    expect(Array.from(only(writer.finish()), readable)).toEqual([{ key: '', value: '', headers: [] }])
  })

  test('is as before when a record was refused', () => {
    const writer = new RecordBatchWriter(16)
    writer.append(Number.MIN_SAFE_INTEGER, 'k', 'v')
    const before = Buffer.from(writer.finish())
    const refused: [number, Payload, Payload, HeadersInput?][] = [
      [Number.NaN, null, null],
      [1.5, null, null],
      [2 ** 53, null, null],
      [Number.MAX_SAFE_INTEGER, null, null],
      [0, 5 as unknown as string, null],
      [0, null, new ArrayBuffer(4) as unknown as Uint8Array],
      [0, null, null, { header: {} as unknown as string }],
      [0, null, null, [{ key: null as unknown as string, value: null }]],
    ]
    for (const [timestamp, key, value, headers] of refused) {
      expect(() => writer.sizeOf(timestamp, key, value, headers)).toThrow(ProtocolError)
      expect(() => writer.append(timestamp, key, value, headers)).toThrow(ProtocolError)
    }
    expect(Buffer.from(writer.finish())).toEqual(before)
  })

  test.each([
    ['a plain batch', async (writer: RecordBatchWriter, options: BatchOptions) => writer.finish(options)],
    [
      'a gzip batch',
      (writer: RecordBatchWriter, options: BatchOptions) =>
        writer.finishCompressed(options, createCompressor('gzip')),
    ],
  ])('stamps %s again as if it had been finished so', async (_, finish) => {
    const writer = new RecordBatchWriter(16)
    for (let i = 0; i < 20; i++) writer.append(i, null, `value ${i}`)
    const stamp = { producerId: 77n, producerEpoch: 4, baseSequence: 100 }
    const stamped = Buffer.from(await finish(writer, { producerId: 77n, producerEpoch: 3, baseSequence: 90 }))
    restampBatch(stamped, stamp)
    expect(stamped).toEqual(Buffer.from(await finish(writer, stamp)))
    expect(only(stamped)).toMatchObject({ ...stamp, lastSequence: 119 })
  })

  test('may be reset and filled again while a compression still reads the batch before', async () => {
    // 1. finishCompressed hands its view to a codec on another thread;  2. the writer is reset and takes new records;
    // 3. the codec reads. With one buffer for both it would compress the new records under the old header.
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow: Compressor = {
      ...createCompressor('gzip'),
      compress: async (bytes) => {
        await released
        return createCompressor('gzip').compressSync(bytes)
      },
    }
    const writer = new RecordBatchWriter(256)
    writer.append(0, null, 'old')
    const finished = writer.finishCompressed({}, slow)
    writer.reset()
    writer.append(0, null, 'new')
    release()
    expect(Array.from(only(await finished), ({ value }) => String(value))).toEqual(['old'])
    expect(Array.from(only(writer.finish()), ({ value }) => String(value))).toEqual(['new'])
  })

  test('uses its buffer again after a reset, and grows by doubling', () => {
    const writer = new RecordBatchWriter(128)
    writer.append(0, null, new Uint8Array(40))
    const first = writer.finish()
    writer.reset()
    expect(writer).toMatchObject({ count: 0, size: 61, maxTimestamp: -1 })
    writer.append(0, null, new Uint8Array(40))
    expect(writer.finish().buffer).toBe(first.buffer)
    writer.append(0, null, new Uint8Array(80))
    expect(writer.finish().buffer.byteLength).toBe(256)
  })
})
