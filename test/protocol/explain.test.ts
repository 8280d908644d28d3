import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { fetch } from '../../src/protocol/apis/fetch.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import type { ProtocolError } from '../../src/protocol/errors.ts'
import { formatExplanation } from '../../src/protocol/explain/format-explanation.ts'
import {
  type ExplainedValue,
  type Explanation,
  explain,
  explainMessage,
  explainRecords,
} from '../../src/protocol/explain.ts'
import { encodeRequestFrame, responseHeader } from '../../src/protocol/headers.ts'
import { encodeRecordBatch } from '../../src/protocol/records/encode-record-batch.ts'
import { decodeRecords } from '../../src/protocol/records/record-batch.ts'
import { message, messageNames } from '../../src/protocol/registry.ts'
import { vectors } from '../support/vectors.ts'
import { expectEveryByteOnce, put } from './explain/every-byte.ts'
import type { RecordsVector } from './records/record-vectors.ts'

interface MessageVector {
  name: string
  version: number
  mode: string
  hex: string
}

/** Messages of at most so many bytes, nine of ten vectors, are cut at each byte. */
const everyCutUpTo = 400

const known = new Set(messageNames())
const all = ['messages', 'messages-legacy']
  .flatMap((file) => vectors<MessageVector>(file))
  .filter(({ name }) => known.has(name))

/** Makes the value that the entries tell of, by their paths alone. */
function toldBy({ fields }: Explanation): unknown {
  const root: Record<string, unknown> = {}
  for (const { path, value } of fields) {
    if (/\.batches\[|^batches\[/.test(path) || path === '') continue
    const [name, kind] = path.split('#')
    if (kind === undefined) put(root, name!, value)
    else if (kind === 'count') put(root, name!, value === null ? null : [])
  }
  return root
}

describe(`${all.length} vectors of ${new Set(all.map(({ name }) => name)).size} messages`, () => {
  test('are explained to the last byte, with the values of the decoder', () => {
    for (const { name, version, mode, hex } of all) {
      const label = `${name} v${version} ${mode}`
      const bytes = Buffer.from(hex, 'hex')
      const schema = message(name)
      const explanation = explainMessage(bytes, schema, version, { strict: true })
      expectEveryByteOnce(explanation, label)
      expect(explanation.error, label).toBeNull()
      expect(
        explanation.fields.filter(({ type, path }) => type === 'rest' && path === ''),
        label,
      ).toEqual([])
      expect(withDefaults(schema.decode(version, bytes), toldBy(explanation)), label).toBe(true)
    }
  })

  describe('cut short', () => {
    // Half of the time would go into stacks that nobody looks at.
    const { stackTraceLimit } = Error
    beforeAll(() => {
      Error.stackTraceLimit = 0
    })
    afterAll(() => {
      Error.stackTraceLimit = stackTraceLimit
    })

    test('end with the error of the decoder at its offset and field', () => {
      for (const { name, version, mode, hex } of all) {
        const bytes = Buffer.from(hex, 'hex')
        const schema = message(name)
        // Of long ones not at every byte: all of them would take a minute.
        const step = bytes.length <= everyCutUpTo ? 1 : Math.ceil(bytes.length / 50)
        for (let length = 0; length < bytes.length; length += step) {
          const cut = bytes.subarray(0, length)
          const explanation = explainMessage(cut, schema, version)
          expectEveryByteOnce(explanation)
          let expected: unknown
          try {
            schema.decode(version, cut)
          } catch (error) {
            const { offset, path, reason } = error as ProtocolError
            expected = { offset, path, message: reason }
          }
          if (JSON.stringify(explanation.error) !== JSON.stringify(expected)) {
            expect(explanation.error, `${name} v${version} ${mode} cut at ${length}`).toEqual(expected)
          }
        }
      }
    })
  })
})

/** Whether `decoded` says what `told` does, where that leaves out what the version or its tags leave out. */
function withDefaults(decoded: unknown, told: unknown, path = ''): boolean {
  if (told instanceof Uint8Array) {
    expect(Buffer.from(decoded as Uint8Array).equals(told), path).toBe(true)
    return true
  }
  if (typeof told !== 'object' || told === null) {
    if (!Object.is(decoded, told)) expect(decoded, path).toBe(told)
    return true
  }
  if (Array.isArray(told)) expect((decoded as unknown[]).length, path).toBe(told.length)
  return Object.entries(told).every(([name, inner]) =>
    withDefaults((decoded as Record<string, unknown>)[name], inner, `${path}.${name}`),
  )
}

const record = { offset: 5n, timestamp: 1_700_000_000_000n, key: 'k', value: 'v', headers: { trace: 'a' } }

function fetchResponse(records: Uint8Array): Uint8Array {
  return Buffer.concat([
    responseHeader.encode(1, { correlationId: 3 }),
    fetch.response.encode(12, {
      sessionId: 7,
      responses: [{ topic: 'orders', partitions: [{ highWatermark: 7n, records }] }],
      unknownTaggedFields: [{ tag: 9, data: new Uint8Array([1]) }],
    }),
  ])
}

const options = { api: 'Fetch', version: 12, direction: 'response' } as const
const inRecords = 'responses[0].partitions[0].records'
const find = ({ fields }: Explanation, path: string) => fields.find((field) => field.path === path)

describe('an explanation', () => {
  it('has header, lengths, counts, tags and values, each with its place', () => {
    const bytes = Buffer.concat(encodeRequestFrame(metadata, 12, 1, 'me', { topics: [{ name: 'a' }] }))
    const explanation = explain(bytes, { api: metadata, version: 12, direction: 'request', start: 'size' })
    expectEveryByteOnce(explanation)
    expect(explanation.fields.slice(0, 9)).toEqual([
      { offset: 0, length: 4, path: '#size', type: 'int32', value: bytes.length - 4 },
      { offset: 4, length: 2, path: 'header.requestApiKey', type: 'int16', value: 3 },
      { offset: 6, length: 2, path: 'header.requestApiVersion', type: 'int16', value: 12 },
      { offset: 8, length: 4, path: 'header.correlationId', type: 'int32', value: 1 },
      { offset: 12, length: 2, path: 'header.clientId#length', type: 'int16 length', value: 2 },
      { offset: 14, length: 2, path: 'header.clientId', type: 'string', value: 'me' },
      { offset: 16, length: 1, path: 'header#tags', type: 'tag count', value: 0 },
      { offset: 17, length: 1, path: 'topics#count', type: 'compact count', value: 1 },
      { offset: 18, length: 16, path: 'topics[0].topicId', type: 'uuid', value: 'AAAAAAAAAAAAAAAAAAAAAA' },
    ])
  })

  it('goes into record batches, into compressed ones with places in the decompressed bytes', () => {
    const plain = encodeRecordBatch({}, [record])
    const gzip = encodeRecordBatch({ compression: 'gzip' }, [record, { ...record, offset: 6n, key: null }])
    const explanation = explain(fetchResponse(Buffer.concat([plain, gzip, plain.subarray(0, 40)])), options)
    expectEveryByteOnce(explanation)
    expect(explanation.error).toBeNull()
    expect(explanation.recordErrors).toEqual([])
    expect(find(explanation, `${inRecords}.batches[0].baseOffset`)?.value).toBe(5n)
    expect(find(explanation, `${inRecords}.batches[0].records[0].headers[0].key`)?.value).toBe('trace')
    const inner = find(explanation, `${inRecords}.batches[1].records[1].key`)
    expect(inner).toMatchObject({ length: 0, value: null, inside: `${inRecords}.batches[1].compressed` })
    const rest = explanation.fields.filter(({ type }) => type === 'rest')
    expect(rest).toMatchObject([{ path: inRecords, length: 40 }])
  })

  it('of a batch with a wrong checksum says so and goes on', () => {
    const batch = encodeRecordBatch({}, [record])
    batch[batch.length - 1]! ^= 1
    const explanation = explain(fetchResponse(batch), options)
    expect(explanation.error).toBeNull()
    expect(explanation.recordErrors).toMatchObject([
      {
        path: `${inRecords}.batches[0].crc`,
        message: expect.stringMatching(/^the checksum is \d+, computed is/),
      },
    ])
  })

  it('of old messages tells of wrong checksums, outside and inside of a compressed one', () => {
    const old = { ...record, headers: {} }
    const options = { maxDecompressedBytes: 1000 }
    for (const magic of [0, 1]) {
      const inner = encodeRecordBatch({ magic }, [old])
      inner[inner.length - 1]! ^= 1
      const wrapped = encodeRecordBatch({ magic }, [{ ...old, key: null, value: gzipSync(inner) }])
      wrapped[17] = 1
      const errors = explainRecords(wrapped, options).recordErrors
      expect(errors).toMatchObject([
        { path: 'batches[0].crc', offset: 12 },
        { path: 'batches[0].batches[0].crc', offset: 12, inside: 'batches[0].compressed' },
      ])
      for (const { message: text } of errors) expect(text).toMatch(/^the checksum is \d+, computed is \d+$/)
    }
    expect(explainRecords(encodeRecordBatch({ magic: 1, compression: 'gzip' }, [old])).recordErrors).toEqual(
      [],
    )
  })

  it('of broken compressed data has the place of the decoder', () => {
    const batch = encodeRecordBatch({ compression: 'snappy' }, [record, record])
    batch[61 + 16] = 0x7f
    const { recordErrors } = explainRecords(batch)
    const [{ path, offset, message: text } = {}] = recordErrors.slice(1)
    expect([path, offset]).toEqual(['batches[0].compressed', 61 + 16])
    const [decoded] = decodeRecords(batch, { checkCrcs: false })
    expect(() => [...decoded!]).toThrow(expect.objectContaining({ reason: text, offset }))
  })

  it('of a broken record ends at it, and the next batch is explained all the same', () => {
    const batch = encodeRecordBatch({}, [record])
    const broken = Uint8Array.from(batch)
    broken[61] = 0x7e
    const explanation = explain(fetchResponse(Buffer.concat([broken, batch])), options)
    expectEveryByteOnce(explanation)
    expect(explanation.recordErrors.map(({ path }) => path)).toEqual([
      `${inRecords}.batches[0].crc`,
      `${inRecords}.batches[0].records[0]`,
    ])
    expect(find(explanation, `${inRecords}.batches[1].records[0].key`)?.value).toEqual(Buffer.from('k'))
  })

  it('leaves a batch that expands beyond the limit compressed, and says why', () => {
    const bomb = encodeRecordBatch({ compression: 'gzip' }, [{ ...record, value: 'v'.repeat(100_000) }])
    const explanation = explain(fetchResponse(bomb), { ...options, maxDecompressedBytes: 1000 })
    expectEveryByteOnce(explanation)
    expect(explanation.recordErrors).toMatchObject([
      {
        path: `${inRecords}.batches[0].compressed`,
        message: expect.stringContaining('more than 1000 bytes'),
      },
    ])
  })

  it('of records in the formats before Kafka 0.11 names the fields of these', () => {
    const vector = vectors<{ label: string; hex: string; batches: unknown[] }>('records').find(
      ({ label }) => label.startsWith('m1-gzip') || label.startsWith('m1-none'),
    )!
    const records = Buffer.from(vector.hex, 'hex')
    const body = produce.request.encode(2, { topicData: [{ name: 't', partitionData: [{ records }] }] })
    const explanation = explain(body, { api: 0, version: 2, direction: 'request', start: 'body' })
    expectEveryByteOnce(explanation)
    expect(explanation.recordErrors).toEqual([])
    const path = 'topicData[0].partitionData[0].records.batches[0].magic'
    expect(find(explanation, path)?.value).toBe(1)
  })

  it('of a refused ApiVersions reads the answer as version 0', () => {
    const bytes = Buffer.from('00000001002300000001001200000004', 'hex')
    const explanation = explain(bytes, { api: 'ApiVersions', version: 4, direction: 'response' })
    expect(explanation.error).toBeNull()
    expect(find(explanation, 'apiKeys[0].maxVersion')?.value).toBe(4)
  })

  it('throws for an API or a version that is not known', () => {
    expect(() => explain(new Uint8Array(), { ...options, api: 'Fech' })).toThrow(/API "Fech" is not known/)
    expect(() => explain(new Uint8Array(), { ...options, version: 99 })).toThrow(/versions 0-\d+ exist/)
  })
})

describe('strict', () => {
  const warningsOf = (bytes: Uint8Array, more = {}) =>
    explain(bytes, { ...options, ...more, strict: true }).warnings.map(
      ({ path, message: text }) => `${path}: ${text}`,
    )

  it('has nothing to say of what a good writer wrote', () => {
    const bytes = Buffer.concat(encodeRequestFrame(metadata, 12, 1, 'me', { topics: null }))
    expect(warningsOf(bytes, { api: metadata, direction: 'request', start: 'size' })).toEqual([])
  })

  it('tells of unknown tags and trailing bytes', () => {
    const bytes = Buffer.concat([fetchResponse(encodeRecordBatch({}, [record])), Buffer.alloc(3)])
    expect(warningsOf(bytes)).toEqual([
      'unknownTaggedFields[0]: tag 9 is unknown',
      ': 3 bytes after the end of the message',
    ])
    expect(explain(bytes, options).warnings).toEqual([])
  })

  it('tells of varints that are longer than they need be, in messages and in records', () => {
    expect(warningsOf(Buffer.from('000000018000', 'hex'), { start: 'header' })[0]).toBe(
      'header#tags: a varint of 2 bytes for 0, which takes less',
    )
    // The record of seven bytes, its length as two bytes.
    const batch = Uint8Array.from(
      encodeRecordBatch({}, [{ offset: 0n, timestamp: 0n, key: null, value: null, headers: [] }]),
    )
    const longer = Buffer.concat([batch.subarray(0, 61), Buffer.from([0x8c, 0x00]), batch.subarray(62)])
    longer.writeInt32BE(longer.length - 12, 8)
    expect(warningsOf(fetchResponse(longer))).toContain(
      `${inRecords}.batches[0].records[0]#length: a varint of 2 bytes for 6, which takes 1`,
    )
  })

  it('tells of attributes without a meaning, of booleans that are neither 0 nor 1, and of another header', () => {
    const batch = encodeRecordBatch({}, [record])
    batch[21] = 0x40
    expect(warningsOf(fetchResponse(batch))).toContain(
      `${inRecords}.batches[0].attributes: attributes 0x4000 have bits without a meaning`,
    )
    const body = metadata.request.encode(4, { topics: null, allowAutoTopicCreation: true })
    body[body.length - 1] = 7
    expect(warningsOf(body, { api: metadata, version: 4, direction: 'request', start: 'body' })).toEqual([
      'allowAutoTopicCreation: a boolean of 7, which should be 0 or 1',
    ])
    const frame = Buffer.concat(encodeRequestFrame(metadata, 4, 1, 'me', { topics: null }))
    expect(warningsOf(frame.subarray(4), { api: metadata, version: 5, direction: 'request' })).toEqual([
      'header.requestApiVersion: version 4, explained as version 5',
    ])
  })
})

test('whatever the bytes are, all of them are explained and nothing is thrown', () => {
  const good = fetchResponse(
    Buffer.concat([encodeRecordBatch({}, [record]), encodeRecordBatch({ compression: 'gzip' }, [record])]),
  )
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 8 }),
      fc.nat(good.length),
      (changes, length) => {
        const bytes = Uint8Array.from(good.subarray(0, length))
        for (const [at, byte] of changes) if (at < length) bytes[at] = byte
        const explanation = explain(bytes, { ...options, strict: true })
        expectEveryByteOnce(explanation)
        expect(formatExplanation(explanation)).not.toBe('')
      },
    ),
    { numRuns: 2000 },
  )
})

test('a Fetch answer as text', async () => {
  const records = Buffer.concat([
    encodeRecordBatch({ partitionLeaderEpoch: 2 }, [record]),
    encodeRecordBatch({ baseOffset: 6n }, []).subarray(0, 30),
  ])
  const text = formatExplanation(explain(fetchResponse(records), { ...options, strict: true }))
  await expect(text).toMatchFileSnapshot('explain/fetch-response.txt')
})

test('records in all formats and compressions are explained with the values of the decoder', () => {
  let records = 0
  for (const vector of vectors<RecordsVector>('records')) {
    const explanation = explainRecords(Buffer.from(vector.hex, 'hex'), { maxDecompressedBytes: 64_000_000 })
    expectEveryByteOnce(explanation, vector.label)
    if (vector.outcome !== 'ok') continue
    expect(explanation.recordErrors, vector.label).toEqual([])
    const told = explanation.fields.filter(({ path }) => /\.value$/.test(path) && !/headers/.test(path))
    const expected = vector.batches.flatMap(({ records: inner }) => inner.map(({ value }) => value))
    expect(
      told.map(({ value }) => base64(value)),
      vector.label,
    ).toEqual(expected)
    records += expected.length
  }
  expect(records).toBeGreaterThan(1000)
})

function base64(value: ExplainedValue): string | null {
  return value === null ? null : Buffer.from(value as Uint8Array).toString('base64')
}
