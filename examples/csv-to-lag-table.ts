/**
 * From a CSV file to a lag table: sends each row as a JSON message keyed by one column, reads all of them back with a
 * group of three consumers, stops one of these halfway, and shows at the end how far the group has come.
 */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { parse } from 'csv-parse/sync'
import { type Consumer, json, Kafka, string } from '../src/index.ts'
import { findKafka } from './support/find-kafka.ts'
import { lagTable } from './support/lag-table.ts'
import { startProgress } from './support/progress.ts'

const usage = `npm start -- [options]

  --bootstrap-server HOST:PORT   the Kafka to use; default: KAFKAWIRE_BOOTSTRAP, else one in memory
  --csv FILE                     default: flights-airport.csv of vega-datasets
  --key COLUMN                   the column that keys the messages; default: the first
  --passes N                     how often the file is sent; default: 20
  --topic NAME, --group NAME     default: new ones`

/** One row of the file, with its place in what is sent. */
interface Row {
  readonly n: number
  readonly row: Record<string, string>
}

const partitions = 6
const consumerNames = ['a', 'b', 'c']

async function main(): Promise<void> {
  const { values: given } = parseArgs({
    options: {
      'bootstrap-server': { type: 'string' },
      csv: { type: 'string' },
      key: { type: 'string' },
      passes: { type: 'string', default: '20' },
      topic: { type: 'string' },
      group: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (given.help) return console.log(usage)
  const passes = Number(given.passes)
  if (!Number.isInteger(passes) || passes < 1)
    throw new Error(`--passes is ${given.passes}; allowed: an integer from 1 on`)
  const file = given.csv ?? dataSet('flights-airport.csv')
  const rows = parse(await readFile(file), { columns: true, skip_empty_lines: true, bom: true }) as Record<
    string,
    string
  >[]
  const columns = Object.keys(rows[0] ?? {})
  const keyColumn = given.key ?? columns[0]
  if (keyColumn === undefined) throw new Error(`${file} has no rows`)
  if (!columns.includes(keyColumn))
    throw new Error(`--key is ${keyColumn}; ${file} has ${columns.join(', ')}`)

  await using found = await findKafka(given['bootstrap-server'])
  const run = Date.now().toString(36)
  const topic = given.topic ?? `csv-${run}`
  const groupId = given.group ?? `csv-readers-${run}`
  await csvToLagTable({ bootstrapServers: found.bootstrapServers, rows, keyColumn, passes, topic, groupId })
}

interface Job {
  readonly bootstrapServers: string
  readonly rows: readonly Record<string, string>[]
  readonly keyColumn: string
  readonly passes: number
  readonly topic: string
  readonly groupId: string
}

async function csvToLagTable({
  bootstrapServers,
  rows,
  keyColumn,
  passes,
  topic,
  groupId,
}: Job): Promise<void> {
  const kafka = new Kafka({ bootstrapServers, clientId: 'csv-to-lag-table' })
  await using admin = kafka.admin()
  const [created] = await admin.createTopics([{ name: topic, numPartitions: partitions }])
  if (created?.error && created.error.code !== 'TOPIC_ALREADY_EXISTS') throw created.error
  const total = rows.length * passes
  console.log(
    `${total} messages: ${rows.length} rows, ${passes} times, keyed by ${keyColumn}, to ${topic} (${partitions} partitions)`,
  )

  const sent = new Map<string, number>()
  const read = new Map<string, number>()
  const lastRead = new Map<string, number>()
  const readBy = new Map(consumerNames.map((name) => [name, 0]))
  let confirmed = 0
  let readInAll = 0
  let disorder = 0
  const allRead = withResolvers<void>()
  const halfRead = withResolvers<void>()

  const consumers = new Map<string, Consumer<string | null, Row | null>>()
  const allAssigned: Promise<void>[] = []
  for (const name of consumerNames) {
    const assigned = withResolvers<void>()
    allAssigned.push(assigned.promise)
    consumers.set(
      name,
      kafka.consumer<string | null, Row | null>({
        groupId,
        topics: [topic],
        clientId: `reader-${name}`,
        autoOffsetReset: 'earliest',
        heartbeatIntervalMs: 500,
        keyDeserializer: string,
        valueDeserializer: json<Row>(),
        onPartitionsAssigned: (mine) => {
          console.log(`reader-${name} got ${listOf(mine.map(({ partition }) => partition))}`)
          if (mine.length > 0) assigned.resolve()
        },
      }),
    )
  }

  const reading = [...consumers].map(async ([name, consumer]) => {
    for await (const { key, value } of consumer) {
      if (key === null || value === null)
        throw new Error('a message without key or value, which nobody has sent')
      read.set(key, (read.get(key) ?? 0) + 1)
      if ((lastRead.get(key) ?? -1) >= value.n) disorder++
      lastRead.set(key, value.n)
      readBy.set(name, readBy.get(name)! + 1)
      readInAll++
      if (readInAll === Math.ceil(total / 2)) halfRead.resolve()
      if (readInAll === total) allRead.resolve()
    }
  })
  const failed = Promise.all(reading).then(() => {
    throw new Error('the readers have stopped')
  })
  failed.catch(() => {})

  await Promise.race([Promise.all(allAssigned), failed])
  const progress = startProgress(() => {
    const shares = [...readBy].map(([name, count]) => `${name} ${count}`).join(', ')
    return `sent ${confirmed} of ${total}   read ${readInAll} (${shares})`
  })
  const begun = performance.now()
  let sendingMs = 0
  const send = async () => {
    await using producer = kafka.producer<string, Row>({
      keySerializer: string,
      valueSerializer: json<Row>(),
    })
    for (let n = 0; n < total; n++) {
      const row = rows[n % rows.length]!
      const key = row[keyColumn]!
      const goOn = producer.produce({ topic, key, value: { n, row } }, (error) => {
        if (error !== null) return console.error(error)
        confirmed++
        sent.set(key, (sent.get(key) ?? 0) + 1)
      })
      if (!goOn) await producer.drained()
    }
    await producer.flush()
    sendingMs = performance.now() - begun
  }
  const stopOneHalfway = async () => {
    await halfRead.promise
    const last = consumerNames.at(-1)!
    console.log(`stopping reader-${last} after ${readInAll} messages: the others take over`)
    await consumers.get(last)!.close()
    consumers.delete(last)
  }
  await Promise.race([Promise.all([send(), stopOneHalfway(), allRead.promise]), failed])
  const readingMs = performance.now() - begun
  progress.stop()

  // What was read last is done now, and belongs to what is committed.
  for (const consumer of consumers.values()) await consumer.commit()
  const lag = await admin.groupLag(groupId)
  console.log(`\n${lagTable(lag)}\n`)
  for (const consumer of consumers.values()) await consumer.close()

  const keys = new Set([...sent.keys(), ...read.keys()])
  const different = [...keys].filter((key) => sent.get(key) !== read.get(key))
  const rate = (ms: number) => Math.round(total / (ms / 1000)).toLocaleString('en')
  console.log(
    `rows in = rows out: ${confirmed} sent, ${readInAll} read, ${different.length} of ${keys.size} keys differ`,
  )
  console.log(`order: ${disorder} messages came before an earlier one of their key`)
  console.log(
    `sent at ${rate(sendingMs)} messages/s; read, with the takeover, at ${rate(readingMs)} messages/s`,
  )
  const lagLeft = lag.reduce((sum, row) => sum + (row.lag ?? 0), 0)
  if (different.length > 0 || disorder > 0 || lagLeft > 0 || confirmed !== total || readInAll !== total) {
    throw new Error('what was read is not what was sent')
  }
}

function dataSet(name: string): string {
  const entry = createRequire(import.meta.url).resolve('vega-datasets')
  return join(dirname(entry), '..', 'data', name)
}

function listOf(numbers: readonly number[]): string {
  if (numbers.length === 0) return 'nothing'
  return `partition${numbers.length === 1 ? '' : 's'} ${[...numbers].sort((a, b) => a - b).join(', ')}`
}

/** Promise.withResolvers, which Node 20 does not have. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error)
  process.exitCode = 1
}
