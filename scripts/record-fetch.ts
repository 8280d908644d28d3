/**
 * Records the answer of a real broker to Fetch v17, with records that kcat has compressed with zstd, and the request for
 * it, into `test/vectors/fetch-v17-zstd.json`. Needs kcat, and a broker without TLS and SASL.
 *
 *   npx tsx scripts/record-fetch.ts [HOST:PORT]
 */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectRaw } from '../src/network/raw-connection.ts'
import { createTopics } from '../src/protocol/apis/create-topics.ts'
import { deleteTopics } from '../src/protocol/apis/delete-topics.ts'
import { fetch } from '../src/protocol/apis/fetch.ts'
import { metadata } from '../src/protocol/apis/metadata.ts'
import { encodeRequestFrame } from '../src/protocol/headers.ts'
import { runKcat } from '../test/support/interop/kcat.ts'

const server = process.argv[2] ?? '127.0.0.1:29092'
const [host = '', port = ''] = server.split(':')
const topic = `record-fetch-${randomUUID()}`

await using connection = await connectRaw({ host, port: Number(port), clientId: 'record-fetch' })

async function produce(lines: readonly string[], headers: readonly string[]): Promise<void> {
  // -Z: empty values are null; -K: what stands before the colon is the key.
  const args = ['-P', '-b', server, '-t', topic, '-p', '0', '-z', 'zstd', '-K', ':', '-Z']
  const { code, stderr } = await runKcat([...args, ...headers.flatMap((header) => ['-H', header])], {
    stdin: `${lines.join('\n')}\n`,
  })
  if (code !== 0) throw new Error(`kcat: ${stderr}`)
}

await connection.send(createTopics, 7, { topics: [{ name: topic, numPartitions: 1, replicationFactor: 1 }] })
try {
  const orders = Array.from(
    { length: 24 },
    (_, i) => `order-${i % 5}:{"id":${i},"state":"new","amount":${i * 7}}`,
  )
  await produce(orders, ['source=web', 'trace=00-4bf92f3577b34da6a3ce929d0e0e4736-01'])
  // Every third is a tombstone.
  await produce(
    Array.from(
      { length: 12 },
      (_, i) => `order-${i}:${i % 3 === 0 ? '' : `{"id":${i},"state":"paid, \u00fcber"}`}`,
    ),
    ['empty='],
  )
  const { decoded } = await connection.send(metadata, 12, { topics: [{ name: topic }] })
  const topicId = decoded?.topics[0]?.topicId ?? ''
  const correlationId = 17
  const body = {
    maxWaitMs: 500,
    minBytes: 1,
    topics: [{ topicId, partitions: [{ fetchOffset: 0n, partitionMaxBytes: 1_048_576 }] }],
  }
  const request = Buffer.concat(encodeRequestFrame(fetch, 17, correlationId, 'record-fetch', body))
  const answer = await connection.sendBytes(request, { expectResponse: true })
  if (answer === null) throw new Error('no answer')
  const size = Buffer.alloc(4)
  size.writeInt32BE(answer.length)
  const recording = {
    comment:
      'Made by scripts/record-fetch.ts: 24 and 12 records, written by kcat with zstd, as Kafka 4.3.1 gave them. ' +
      'Whole frames in hex, with their sizes.',
    request: request.toString('hex'),
    response: Buffer.concat([size, answer]).toString('hex'),
  }
  const file = join(import.meta.dirname, '..', 'test', 'vectors', 'fetch-v17-zstd.json')
  await writeFile(file, `${JSON.stringify(recording, null, 2)}\n`)
  console.log(`${request.length} and ${answer.length + 4} bytes written to ${file}`)
} finally {
  await connection.send(deleteTopics, 6, { topics: [{ name: topic }] })
}
