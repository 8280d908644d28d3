/**
 * Record batches and checksums on one core, no sockets: `npx tsx bench/records.ts`.
 * Prints nanoseconds a record, or GB or MB a second, from the median run.
 */
import { Bench } from 'tinybench'
import { createCompressor } from '../src/protocol/compression/compressors.ts'
import { lz4Compress, lz4CompressWithoutWasm } from '../src/protocol/compression/lz4-compressor.ts'
import { lz4Decompress, lz4DecompressWithoutWasm } from '../src/protocol/compression/lz4-decompress.ts'
import { nativePackage } from '../src/protocol/compression/native.ts'
import { snappyCompress, snappyCompressWithoutWasm } from '../src/protocol/compression/snappy-compressor.ts'
import {
  snappyDecompress,
  snappyDecompressWithoutWasm,
} from '../src/protocol/compression/snappy-decompress.ts'
import { zstdOfNode } from '../src/protocol/compression/zlib.ts'
import { zstdDecompress } from '../src/protocol/compression/zstd/zstd-decompress.ts'
import { crc32c, crc32cWithoutWasm } from '../src/protocol/crc32c.ts'
import { decodeRecords } from '../src/protocol/records/record-batch.ts'
import { RecordBatchWriter } from '../src/protocol/records/record-batch-writer.ts'

const recordCount = 10_000
const value = Buffer.alloc(100, 'v')
const text = 'v'.repeat(100)
const key = Buffer.from('key-0123')
const keyText = 'key-0123'
const timestamp = 1_700_000_000_000
const headers = [{ key: 'trace', value: Buffer.from('0123456789abcdef') }]

const writer = new RecordBatchWriter(2 * 1024 * 1024)

function fill(append: (i: number) => void): () => void {
  return () => {
    writer.reset()
    for (let i = 0; i < recordCount; i++) append(i)
  }
}

fill((i) => writer.append(timestamp + (i >> 4), null, value))()
const plain = Uint8Array.from(writer.finish())
fill((i) => writer.append(timestamp + (i >> 4), key, value, headers))()
const withHeaders = Uint8Array.from(writer.finish())

let sink = 0

const perRecord = new Bench({ time: 500 })
  .add(
    'append: 100 bytes',
    fill((i) => writer.append(timestamp + (i >> 4), null, value)),
  )
  .add(
    'append: 8-byte key, 100 bytes',
    fill((i) => writer.append(timestamp + (i >> 4), key, value)),
  )
  .add(
    'append: text key, 100 characters',
    fill((i) => writer.append(timestamp + (i >> 4), keyText, text)),
  )
  .add(
    'sizeOf and append: 100 bytes',
    fill((i) => {
      sink += writer.sizeOf(timestamp + (i >> 4), null, value)
      writer.append(timestamp + (i >> 4), null, value)
    }),
  )
  .add(
    'append: key, value, one header',
    fill((i) => writer.append(timestamp + (i >> 4), key, value, headers)),
  )
  .add('append and finish: 100 bytes', () => {
    fill((i) => writer.append(timestamp + (i >> 4), null, value))()
    sink += writer.finish({ baseSequence: 0 }).length
  })
  .add('decode, cursor', () => {
    for (const batch of decodeRecords(plain)) {
      const cursor = batch.cursor()
      while (cursor.next()) sink += cursor.valueLength + cursor.offsetDelta + cursor.timestampDelta
    }
  })
  .add('decode, cursor, no checksum', () => {
    for (const batch of decodeRecords(plain, { checkCrcs: false })) {
      const cursor = batch.cursor()
      while (cursor.next()) sink += cursor.valueLength + cursor.offsetDelta + cursor.timestampDelta
    }
  })
  .add('decode, iterator', () => {
    for (const batch of decodeRecords(plain)) for (const record of batch) sink += record.value?.length ?? 0
  })
  .add('decode, iterator, one header', () => {
    for (const batch of decodeRecords(withHeaders)) for (const record of batch) sink += record.headers.length
  })

const checksumSizes = [100, 1_000, 16_000, 1_000_000]
const noise = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 2_654_435_761) >>> 13)
const checksums = new Bench({ time: 200 })
for (const size of checksumSizes) {
  const times = Math.ceil(1_000_000 / size)
  for (const [name, checksum] of Object.entries({ crc32c, crc32cWithoutWasm })) {
    checksums.add(`${name}: ${size} bytes`, () => {
      for (let i = 0; i < times; i++) sink ^= checksum(noise, 0, size)
    })
  }
}

/** What services write: names repeat, numbers do not. */
const json = Buffer.from(
  Array.from({ length: 2_000 }, (_, i) => {
    const number = Math.imul(i + 1, 0x9e3779b1) >>> 0
    return `{"id":${i},"user":"user-${number % 97}","amount":${number % 10_000},"trace":"${number.toString(16)}"}`
  }).join('\n'),
)
const limit = json.length
const packed = { snappy: snappyCompress(json), lz4: lz4Compress(json) }
const compression = new Bench({ time: 300 })
  .add('snappy, compress', () => {
    sink += snappyCompress(json).length
  })
  .add('snappy, compress (no WebAssembly)', () => {
    sink += snappyCompressWithoutWasm(json).length
  })
  .add('snappy, decompress', () => {
    sink += snappyDecompress(packed.snappy, limit).length
  })
  .add('snappy, decompress (no WebAssembly)', () => {
    sink += snappyDecompressWithoutWasm(packed.snappy, limit).length
  })
  .add('lz4, compress', () => {
    sink += lz4Compress(json).length
  })
  .add('lz4, compress (no WebAssembly)', () => {
    sink += lz4CompressWithoutWasm(json).length
  })
  .add('lz4, compress at level 12', () => {
    sink += lz4Compress(json, 12).length
  })
  .add('lz4, decompress', () => {
    sink += lz4Decompress(packed.lz4, limit).length
  })
  .add('lz4, decompress (no WebAssembly)', () => {
    sink += lz4DecompressWithoutWasm(packed.lz4, limit).length
  })
if (zstdOfNode() !== null) {
  const zstd = createCompressor('zstd')
  const packedByZstd = zstd.compressSync(json)
  compression.add('zstd, compress (Node)', () => {
    sink += zstd.compressSync(json).length
  })
  compression.add('zstd, decompress', () => {
    sink += zstdDecompress(packedByZstd, limit).length
  })
}
interface NativeSnappy {
  compressSync(bytes: Uint8Array): Uint8Array
  uncompressSync(bytes: Uint8Array): Uint8Array
}
const nativeSnappy = nativePackage<NativeSnappy>('snappy', ['compressSync', 'uncompressSync'])
if (nativeSnappy !== null) {
  const raw = nativeSnappy.compressSync(json)
  compression.add('snappy, compress (native)', () => {
    sink += nativeSnappy.compressSync(json).length
  })
  compression.add('snappy, decompress (native)', () => {
    sink += nativeSnappy.uncompressSync(raw).length
  })
}
interface NativeLz4 {
  compressFrameSync(bytes: Uint8Array): Uint8Array
  decompressFrameSync(bytes: Uint8Array): Uint8Array
}
const nativeLz4 = nativePackage<NativeLz4>('lz4-napi', ['compressFrameSync', 'decompressFrameSync'])
if (nativeLz4 !== null) {
  const frame = nativeLz4.compressFrameSync(json)
  compression.add('lz4, compress (native)', () => {
    sink += nativeLz4.compressFrameSync(json).length
  })
  compression.add('lz4, decompress (native)', () => {
    sink += nativeLz4.decompressFrameSync(frame).length
  })
}

function medianMs(bench: Bench): Map<string, number> {
  return new Map(
    bench.tasks.map(({ name, result }) => [name, 'latency' in result ? result.latency.p50 : Number.NaN]),
  )
}

await perRecord.run()
await checksums.run()
await compression.run()
console.table(
  Object.fromEntries(
    Array.from(medianMs(perRecord), ([name, ms]) => [
      name,
      { 'ns a record': Math.round((ms * 1e6) / recordCount) },
    ]),
  ),
)
console.table(
  Object.fromEntries(
    Array.from(medianMs(checksums), ([name, ms]) => {
      const size = Number(name.match(/\d+(?= bytes)/)?.[0])
      const bytes = Math.ceil(1_000_000 / size) * size
      return [name, { 'GB/s': Number((bytes / ms / 1e6).toFixed(2)) }]
    }),
  ),
)
console.table(
  Object.fromEntries(
    Array.from(medianMs(compression), ([name, ms]) => [name, { 'MB/s': Math.round(json.length / ms / 1e3) }]),
  ),
)
console.log(`(kept from being optimized away: ${sink})`)
