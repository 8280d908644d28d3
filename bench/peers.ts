/**
 * Codec operations side by side with the other clients in JavaScript, on one core, no sockets: `npm run bench -- peers`.
 * Installs them into `.cache/bench-peers` on first use. Prints the table of docs/performance.md.
 */
import { availableParallelism } from 'node:os'
import { crc32c } from '../src/protocol/crc32c.ts'
import { fetch, metadata } from '../src/protocol/index.ts'
import { decodeRecords } from '../src/protocol/records/record-batch.ts'
import { RecordBatchWriter } from '../src/protocol/records/record-batch-writer.ts'
import { VarintReader, varintSize, writeVarint } from '../src/protocol/varint.ts'
import { loadPeers, type Peer, type PlainRecord } from './support/peers.ts'
import { type Candidate, compare } from './support/rounds.ts'

interface Row {
  readonly what: string
  /** What one call does so many of: the figures are per one of them. */
  readonly per: number
  readonly unit: string
  readonly ours: Candidate
  readonly theirs: (peer: Peer) => Candidate | null
}

const recordCount = 1000
const varintCount = 1000
const partitionsOfMetadata = 10_000
const partitionsOfFetch = 1000

const writer = new RecordBatchWriter(2 * 1024 * 1024)

function plainRecords(size: number, headers: Record<string, string> = {}): PlainRecord[] {
  return Array.from({ length: recordCount }, (_, i) => ({
    timestamp: 1_700_000_000_000 + (i >> 4),
    key: Buffer.from(`key-${i}`),
    value: Buffer.alloc(size, 'v'),
    headers,
  }))
}

function encodeBatch(records: readonly PlainRecord[]): Uint8Array {
  writer.reset()
  for (const { timestamp, key, value, headers } of records) writer.append(timestamp, key, value, headers)
  return writer.finish()
}

/** None of the others compares checksums: what is set beside them does not either, and a row of its own tells the price. */
function readRecords(bytes: Uint8Array, checkCrcs = false): number {
  let sum = 0
  for (const batch of decodeRecords(bytes, { checkCrcs })) {
    for (const { value, headers } of batch) sum += value!.length + headers.length
  }
  return sum
}

function batchRows(what: string, records: PlainRecord[]): Row[] {
  const bytes = Buffer.from(encodeBatch(records))
  return [
    {
      what: `encode a batch, ${what}`,
      per: recordCount,
      unit: 'ns a record',
      ours: () => encodeBatch(records),
      theirs: (peer) => peer.encodeBatch(records),
    },
    {
      what: `decode a batch, ${what}`,
      per: recordCount,
      unit: 'ns a record',
      ours: () => readRecords(bytes),
      theirs: (peer) => () => peer.decodeBatch(bytes),
    },
    {
      what: 'the same with its checksum',
      per: recordCount,
      unit: 'ns a record',
      ours: () => readRecords(bytes, true),
      theirs: () => null,
    },
  ]
}

function checksumRow(size: number): Row {
  const bytes = Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 2_654_435_761) >>> 13))
  return {
    what: `CRC-32C of ${size.toLocaleString('en')} bytes`,
    per: size / 1000,
    unit: 'ns a kB',
    ours: () => crc32c(bytes),
    theirs: ({ crc32c: theirs }) => (theirs === null ? null : () => theirs(bytes)),
  }
}

function metadataRow(): Row {
  const perTopic = 10
  const value = {
    brokers: [1, 2, 3].map((nodeId) => ({ nodeId, host: `broker-${nodeId}.example`, port: 9092 })),
    clusterId: '5tTfZFZOQVi3TvhI1TxTXA',
    topics: Array.from({ length: partitionsOfMetadata / perTopic }, (_, i) => ({
      name: `topic-${i}`,
      partitions: Array.from({ length: perTopic }, (_, partitionIndex) => ({
        partitionIndex,
        leaderId: 1 + (partitionIndex % 3),
        replicaNodes: [1, 2, 3],
        isrNodes: [1, 2, 3],
      })),
    })),
  }
  const bytes = Buffer.from(metadata.response.encode(12, value))
  return {
    what: `decode Metadata v12, ${partitionsOfMetadata.toLocaleString('en')} partitions`,
    per: partitionsOfMetadata,
    unit: 'ns a partition',
    ours: () => metadata.response.decode(12, bytes),
    theirs: (peer) => {
      const own = Buffer.from(metadata.response.encode(peer.metadataVersion, value))
      return () => peer.decodeMetadata(own)
    },
  }
}

function fetchRow(): Row {
  const records = Buffer.from(encodeBatch(plainRecords(100).slice(0, 10)))
  const value = (version: number) => ({
    responses: [
      {
        ...(version < 13 ? { topic: 'orders' } : { topicId: '5tTfZFZOQVi3TvhI1TxTXA' }),
        partitions: Array.from({ length: partitionsOfFetch }, (_, partitionIndex) => ({
          partitionIndex,
          highWatermark: 123_456n,
          lastStableOffset: 123_456n,
          logStartOffset: 0n,
          abortedTransactions: [],
          records,
        })),
      },
    ],
  })
  const bytes = Buffer.from(fetch.response.encode(13, value(13)))
  return {
    what: `decode Fetch v13, ${partitionsOfFetch.toLocaleString('en')} partitions of 10 records of 100 bytes`,
    per: partitionsOfFetch,
    unit: 'ns a partition',
    ours: () => {
      let sum = 0
      for (const { partitions } of fetch.response.decode(13, bytes).responses) {
        for (const partition of partitions) sum += readRecords(partition.records!)
      }
      return sum
    },
    theirs: (peer) => {
      const own = Buffer.from(fetch.response.encode(peer.fetchVersion, value(peer.fetchVersion)))
      return () => peer.decodeFetch(own)
    },
  }
}

function varintRows(): Row[] {
  const values = Array.from({ length: varintCount }, (_, i) => (i % 3 === 0 ? -1 : 1) * (1 << (i % 30)))
  const size = values.reduce((sum, value) => sum + varintSize(value), 0)
  const bytes = Buffer.alloc(size)
  const write = () => {
    let at = 0
    for (const value of values) at = writeVarint(bytes, at, value)
    return at
  }
  write()
  return [
    {
      what: 'write varints of one to five bytes',
      per: varintCount,
      unit: 'ns each',
      ours: write,
      theirs: (peer) => () => peer.writeVarints(values),
    },
    {
      what: 'read varints of one to five bytes',
      per: varintCount,
      unit: 'ns each',
      ours: () => {
        const reader = new VarintReader(bytes)
        let sum = 0
        for (let i = 0; i < varintCount; i++) sum += reader.readVarint()
        return sum
      },
      theirs: (peer) => () => peer.readVarints(bytes, varintCount),
    },
  ]
}

async function main(): Promise<void> {
  const peers = await loadPeers()
  if (peers === null) {
    console.log('skipped: npm could not install the other clients, see above')
    return
  }
  const rows = [
    ...batchRows('100-byte values', plainRecords(100)),
    ...batchRows('1,000-byte values', plainRecords(1000)),
    ...batchRows(
      '100-byte values, three headers',
      plainRecords(100, { trace: '4bf92f3577b34da6', source: 'checkout', attempt: '1' }),
    ),
    checksumRow(1000),
    checksumRow(100_000),
    metadataRow(),
    fetchRow(),
    ...varintRows(),
  ]
  console.log(`Node ${process.versions.node}, ${availableParallelism()} cores\n`)
  console.log(`| what | unit | kafkawire | ${peers.map(({ name }) => name).join(' | ')} |`)
  console.log(`| --- | --- | ${['', ...peers].map(() => '---').join(' | ')} |`)
  for (const { what, per, unit, ours, theirs } of rows) {
    const candidates = new Map<string, Candidate>([['kafkawire', ours]])
    for (const peer of peers) {
      const candidate = theirs(peer)
      if (candidate !== null) candidates.set(peer.name, candidate)
    }
    const times = await compare(candidates)
    const own = times.get('kafkawire')!
    const cells = peers.map(({ name }) => {
      const time = times.get(name)
      return time === undefined ? '' : `${figure(time / per)} (${(time / own).toFixed(1)})`
    })
    console.log(`| ${what} | ${unit} | ${figure(own / per)} | ${cells.join(' | ')} |`)
  }
}

function figure(value: number): string {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en')
}

await main()
