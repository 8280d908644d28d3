import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fetch } from '../../../src/protocol/apis/fetch.ts'
import { type Explanation, explain } from '../../../src/protocol/explain.ts'
import { decodeResponseFrame } from '../../../src/protocol/headers.ts'
import { decodeRecords } from '../../../src/protocol/records/record-batch.ts'
import { expectEveryByteOnce, put } from './every-byte.ts'

/** Made by scripts/record-fetch.ts. */
const recorded = JSON.parse(
  readFileSync(new URL('../../vectors/fetch-v17-zstd.json', import.meta.url), 'utf8'),
) as { request: string; response: string }

const response = Buffer.from(recorded.response, 'hex')
const records = 'responses[0].partitions[0].records'
const options = { api: 'Fetch', version: 17, start: 'size', strict: true } as const

/** What the entries below `prefix` say, put together by their paths. */
function toldBelow(prefix: string, { fields }: Explanation): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const { path, value } of fields) {
    if (path.startsWith(prefix) && !path.includes('#')) put(root, path.slice(prefix.length), value)
  }
  return root
}

interface ToldBatch {
  baseOffset: bigint
  baseTimestamp: bigint
  attributes: number
  crc: number
  count: number
  records: ToldRecord[]
}

interface ToldRecord {
  offsetDelta: number
  timestampDelta: bigint
  key: Uint8Array | null
  value: Uint8Array | null
  headers?: { key: string; value: Uint8Array }[]
}

describe('an answer to Fetch v17 of a real broker, with zstd batches of kcat', () => {
  const explanation = explain(response, { ...options, direction: 'response' })

  it('is explained with every byte accounted for, and nothing to complain of', () => {
    expect(explanation.error).toBeNull()
    expect(explanation.recordErrors).toEqual([])
    expect(explanation.warnings).toEqual([])
    expectEveryByteOnce(explanation)
    expect(explanation.fields.filter(({ type }) => type === 'rest')).toEqual([])
    expect([...explanation.decompressed.keys()]).toEqual([
      `${records}.batches[0].compressed`,
      `${records}.batches[1].compressed`,
    ])
    const compressed = explanation.fields.filter(({ path }) => path.endsWith('.compressed'))
    expect(compressed.map(({ type }) => type)).toEqual(['zstd data', 'zstd data'])
  })

  it('has the values of the decoder', () => {
    const decoded = decodeResponseFrame(fetch, 17, response.subarray(4))
    const told = toldBelow('', explanation) as unknown as typeof decoded
    for (const name of ['throttleTimeMs', 'errorCode', 'sessionId'] as const)
      expect(told[name]).toBe(decoded[name])
    expect(told.responses[0]!.topicId).toBe(decoded.responses[0]!.topicId)
    const { records: toldRecords, ...partition } = told.responses[0]!.partitions[0]!
    expect(decoded.responses[0]!.partitions[0]).toMatchObject(partition)
    expect(decoded.responses[0]!.partitions[0]!.highWatermark).toBe(36n)
    expect(Buffer.from(toldRecords!)).toEqual(Buffer.from(decoded.responses[0]!.partitions[0]!.records!))
  })

  it('has the values of the decoder in its records: keys, headers, values and nulls', () => {
    const { records: bytes } = decodeResponseFrame(fetch, 17, response.subarray(4)).responses[0]!
      .partitions[0]!
    const { batches } = toldBelow(`${records}.`, explanation) as unknown as { batches: ToldBatch[] }
    const decoded = [...decodeRecords(bytes!, { checkCrcs: true })]
    expect(batches.length).toBe(decoded.length)
    for (const [i, batch] of decoded.entries()) {
      const told = batches[i]!
      expect([told.baseOffset, told.baseTimestamp, told.crc, told.attributes, told.count]).toEqual([
        batch.baseOffset,
        batch.baseTimestamp,
        batch.crc,
        batch.attributes,
        batch.count,
      ])
      const shown = told.records.map((record) => ({
        offset: told.baseOffset + BigInt(record.offsetDelta),
        timestamp: told.baseTimestamp + record.timestampDelta,
        key: text(record.key),
        value: text(record.value),
        headers: (record.headers ?? []).map(({ key, value }) => [key, text(value)]),
      }))
      const expected = [...batch].map(({ offset, timestamp, key, value, headers }) => ({
        offset,
        timestamp,
        key: text(key),
        value: text(value),
        headers: headers.map((header) => [header.key, text(header.value)]),
      }))
      expect(shown).toEqual(expected)
    }
    const all = decoded.flatMap((batch) => [...batch])
    expect(all.map(({ offset }) => offset)).toEqual(Array.from({ length: 36 }, (_, i) => BigInt(i)))
    expect(text(all[0]!.value)).toBe('{"id":0,"state":"new","amount":0}')
    expect(all[0]!.headers.map(({ key, value }) => [key, text(value)])).toEqual([
      ['source', 'web'],
      ['trace', '00-4bf92f3577b34da6a3ce929d0e0e4736-01'],
    ])
    expect(all.filter(({ value }) => value === null).map(({ key }) => text(key))).toEqual([
      'order-0',
      'order-3',
      'order-6',
      'order-9',
    ])
    expect(text(all[35]!.value)).toBe('{"id":11,"state":"paid, \u00fcber"}')
  })

  it('was asked for by a request that is explained as well', () => {
    const request = explain(Buffer.from(recorded.request, 'hex'), { ...options, direction: 'request' })
    expect(request.error).toBeNull()
    expect(request.warnings).toEqual([])
    expectEveryByteOnce(request)
    expect(toldBelow('', request)).toMatchObject({
      header: { requestApiKey: 1, requestApiVersion: 17, correlationId: 17, clientId: 'record-fetch' },
      topics: [{ partitions: [{ fetchOffset: 0n }] }],
    })
  })
})

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString()
}
