import { imported, installPeers, required } from './peer-packages.ts'

/** Records in the form of nobody's API: each adapter makes its own from it before anything is measured. */
export interface PlainRecord {
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

/**
 * The codecs of another client. Not public in any of them: the files are loaded by their paths, which is why the
 * versions are pinned. What a client cannot do, or does not do apart from other work, is null.
 */
export interface Peer {
  readonly name: string
  /** Makes what encodes one batch of these records, uncompressed, and gives its bytes. */
  readonly encodeBatch: (records: readonly PlainRecord[]) => () => unknown
  /** Decodes every record of one batch. */
  readonly decodeBatch: (bytes: Buffer) => unknown
  readonly crc32c: ((bytes: Buffer) => number) | null
  /** Version that it has; its newest where that is older than what was asked for. */
  readonly metadataVersion: number
  readonly decodeMetadata: (body: Buffer) => unknown
  readonly fetchVersion: number
  /** Decodes the response and every record in it. */
  readonly decodeFetch: (body: Buffer) => unknown
  readonly writeVarints: (values: readonly number[]) => unknown
  readonly readVarints: (bytes: Buffer, count: number) => unknown
}

/** The other clients, installed on first use; null when npm could not. */
export async function loadPeers(): Promise<Peer[] | null> {
  if (!installPeers()) return null
  return [kafkaTs(), await platformatic(), kafkaJs()]
}

function kafkaTs(): Peer {
  interface Encoder {
    writeVarInt(value: number): unknown
    value(): Buffer
  }
  interface Decoder {
    readVarInt(): number
  }
  type Response = { response(decoder: Decoder): unknown }
  const dist = ['kafka-ts', 'dist']
  const { Encoder } = required<{ Encoder: new (size?: number) => Encoder }>(...dist, 'utils', 'encoder.js')
  const { Decoder } = required<{ Decoder: new (bytes: Buffer) => Decoder }>(...dist, 'utils', 'decoder.js')
  const { createBatch } = required<{ createBatch(batch: object): Encoder }>(
    ...dist,
    'api',
    'produce',
    'common.js',
  )
  const { decodeRecordBatch } = required<{
    decodeRecordBatch(decoder: Decoder, size: number, decompressions: unknown[]): unknown
  }>(...dist, 'api', 'fetch', 'common.js')
  const { METADATA_V12 } = required<{ METADATA_V12: Response }>(...dist, 'api', 'metadata', 'v12.js')
  const { FETCH_V13 } = required<{ FETCH_V13: Response }>(...dist, 'api', 'fetch', 'v13.js')
  return {
    name: 'kafka-ts 1.5.0',
    encodeBatch: (records) => {
      // Keys and values are text in its API.
      const own = records.map(({ timestamp, key, value, headers }) => ({
        timestamp: BigInt(timestamp),
        key: key === null ? null : key.toString(),
        value: value.toString(),
        headers: Object.entries(headers).map(([name, text]) => ({ key: name, value: text })),
      }))
      const baseTimestamp = own[0]!.timestamp
      return () =>
        createBatch({
          baseOffset: 0n,
          partitionLeaderEpoch: -1,
          attributes: 0,
          lastOffsetDelta: own.length - 1,
          baseTimestamp,
          maxTimestamp: own.at(-1)!.timestamp,
          producerId: -1n,
          producerEpoch: 0,
          baseSequence: 0,
          records: own.map(({ timestamp, key, value, headers }, offsetDelta) => ({
            attributes: 0,
            timestampDelta: timestamp - baseTimestamp,
            offsetDelta,
            key,
            value,
            headers,
          })),
        }).value()
    },
    decodeBatch: (bytes) => decodeRecordBatch(new Decoder(bytes), bytes.length, []),
    crc32c: null,
    metadataVersion: 12,
    decodeMetadata: (body) => METADATA_V12.response(new Decoder(body)),
    fetchVersion: 13,
    decodeFetch: (body) => FETCH_V13.response(new Decoder(body)),
    writeVarints: (values) => {
      const encoder = new Encoder()
      for (const value of values) encoder.writeVarInt(value)
      return encoder.value()
    },
    readVarints: (bytes, count) => {
      const decoder = new Decoder(bytes)
      let sum = 0
      for (let i = 0; i < count; i++) sum += decoder.readVarInt()
      return sum
    },
  }
}

async function platformatic(): Promise<Peer> {
  interface Reader {
    readVarInt(): number
  }
  interface Writer {
    readonly buffer: Buffer
    appendVarInt(value: number): unknown
  }
  interface Response {
    parseResponse(correlationId: number, apiKey: number, apiVersion: number, reader: Reader): unknown
  }
  const dist = ['@platformatic', 'kafka', 'dist']
  const { Reader } = await imported<{ Reader: { from(bytes: Buffer): Reader } }>(
    ...dist,
    'protocol',
    'reader.js',
  )
  const { Writer } = await imported<{ Writer: { create(): Writer } }>(...dist, 'protocol', 'writer.js')
  const { createRecordsBatch, readRecordsBatches } = await imported<{
    createRecordsBatch(messages: object[]): Writer
    readRecordsBatches(reader: Reader): unknown
  }>(...dist, 'protocol', 'records.js')
  const { crc32c } = await imported<{ crc32c(bytes: Buffer): number }>(...dist, 'protocol', 'crc32c.js')
  const metadata = await imported<Response>(...dist, 'apis', 'metadata', 'metadata-v12.js')
  const fetch = await imported<Response>(...dist, 'apis', 'consumer', 'fetch-v13.js')
  return {
    name: 'platformatic 2.12.1',
    encodeBatch: (records) => {
      const own = records.map(({ timestamp, key, value, headers }) => ({
        topic: 'orders',
        timestamp: BigInt(timestamp),
        key,
        value,
        headers: new Map(
          Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]),
        ),
      }))
      return () => createRecordsBatch(own).buffer
    },
    decodeBatch: (bytes) => readRecordsBatches(Reader.from(bytes)),
    crc32c,
    metadataVersion: 12,
    decodeMetadata: (body) => metadata.parseResponse(0, 3, 12, Reader.from(body)),
    fetchVersion: 13,
    decodeFetch: (body) => fetch.parseResponse(0, 1, 13, Reader.from(body)),
    writeVarints: (values) => {
      const writer = Writer.create()
      for (const value of values) writer.appendVarInt(value)
      return writer.buffer
    },
    readVarints: (bytes, count) => {
      const reader = Reader.from(bytes)
      let sum = 0
      for (let i = 0; i < count; i++) sum += reader.readVarInt()
      return sum
    },
  }
}

function kafkaJs(): Peer {
  interface Encoder {
    readonly buffer: Buffer
    writeVarInt(value: number): unknown
  }
  interface Decoder {
    readVarInt(): number
  }
  type Response = { decode(body: Buffer): Promise<unknown> }
  const protocol = ['kafkajs', 'src', 'protocol']
  const Encoder = required<new () => Encoder>(...protocol, 'encoder.js')
  const Decoder = required<new (bytes: Buffer) => Decoder>(...protocol, 'decoder.js')
  const { RecordBatch } = required<{ RecordBatch(batch: object): Promise<Encoder> }>(
    ...protocol,
    'recordBatch',
    'v0',
    'index.js',
  )
  const Record = required<(record: object) => unknown>(...protocol, 'recordBatch', 'record', 'v0', 'index.js')
  const decodeBatch = required<(decoder: Decoder) => Promise<unknown>>(
    ...protocol,
    'recordBatch',
    'v0',
    'decoder.js',
  )
  const crc32c = required<(bytes: Buffer) => number>(...protocol, 'recordBatch', 'crc32C', 'index.js')
  const metadata = required<Response>(...protocol, 'requests', 'metadata', 'v6', 'response.js')
  const fetch = required<Response>(...protocol, 'requests', 'fetch', 'v11', 'response.js')
  return {
    name: 'kafkajs 2.2.4',
    encodeBatch: (records) => {
      const firstTimestamp = records[0]!.timestamp
      const maxTimestamp = records.at(-1)!.timestamp
      return async () => {
        const own = records.map(({ timestamp, key, value, headers }, offsetDelta) =>
          Record({ offsetDelta, timestampDelta: timestamp - firstTimestamp, key, value, headers }),
        )
        const lastOffsetDelta = records.length - 1
        return (await RecordBatch({ firstTimestamp, maxTimestamp, lastOffsetDelta, records: own })).buffer
      }
    },
    decodeBatch: (bytes) => decodeBatch(new Decoder(bytes)),
    crc32c,
    metadataVersion: 6,
    decodeMetadata: (body) => metadata.decode(body),
    fetchVersion: 11,
    decodeFetch: (body) => fetch.decode(body),
    writeVarints: (values) => {
      const encoder = new Encoder()
      for (const value of values) encoder.writeVarInt(value)
      return encoder.buffer
    },
    readVarints: (bytes, count) => {
      const decoder = new Decoder(bytes)
      let sum = 0
      for (let i = 0; i < count; i++) sum += decoder.readVarInt()
      return sum
    },
  }
}
