/**
 * Writes and reads for a long time while the brokers of a cluster of three are killed, frozen and shut down in turn and
 * a member of the group comes and goes. In the end Java's client reads the log. Needs Java and Maven.
 *
 *   npm run soak                    200 seconds
 *   npm run soak -- --seconds 3600
 *
 * Exit code 1 when a confirmed message is not in the log or was not read, when one is in the log twice, or when messages
 * of a key are out of order. Reading one again after a change of the group is not an error: it is read at least once.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { allOrThrow, type Consumer, Kafka, type Producer, string } from '../src/index.ts'
import { readLog } from '../test/support/read-log.ts'
import { type RealKafka, startRealKafka } from '../test/support/real-kafka/index.ts'

const topic = 'soak'
const groupId = 'soakers'
const keys = 50
const betweenFaultsMs = 8000
/** Within this the group must have read what is in the log, once the faults are over. */
const catchUpMs = 60_000

/** What was sent and what came back. Messages are numbered; a key has its numbers in ascending order. */
class Ledger {
  sent = 0
  readonly confirmed = new Set<number>()
  readonly failed: string[] = []
  /** How often each number was read by the group. */
  readonly read = new Map<number, number>()
  readonly problems: string[] = []
  readonly #lastRead = new Map<string, number>()

  noteRead(key: string, number: number): void {
    const times = this.read.get(number) ?? 0
    this.read.set(number, times + 1)
    if (times > 0) return
    const last = this.#lastRead.get(key) ?? -1
    if (number < last) this.problems.push(`${key}: ${number} was first read after ${last}`)
    this.#lastRead.set(key, Math.max(last, number))
  }

  /** Compares with the log of one partition. */
  checkLog(records: readonly { readonly key: string | null; readonly value: string | null }[]): void {
    const last = new Map<string, number>()
    for (const { key, value } of records) {
      const number = Number(value)
      const before = last.get(key!) ?? -1
      if (number === before) this.problems.push(`${key}: ${number} is in the log twice`)
      else if (number < before) this.problems.push(`${key}: ${number} stands after ${before} in the log`)
      last.set(key!, Math.max(before, number))
    }
  }

  /** Confirmed messages that `found` does not have. */
  missing(found: { has(number: number): boolean }): number[] {
    return [...this.confirmed].filter((number) => !found.has(number))
  }
}

/** Sends until it is told to stop; resolves when all is confirmed or given up. */
async function produceUntil(stopped: AbortSignal, producer: Producer, ledger: Ledger): Promise<void> {
  while (!stopped.aborted) {
    for (let i = 0; i < 50; i++) {
      const number = ledger.sent++
      const record = { topic, key: `k${number % keys}`, value: String(number) }
      const more = producer.produce(record, (error) => {
        if (error) ledger.failed.push(`${number}: ${error.message}`)
        else ledger.confirmed.add(number)
      })
      if (!more) await producer.drained()
    }
    await delay(5)
  }
  // What failed was told to the callbacks above.
  await producer.flush().catch(() => {})
}

/** The members of the group, each with its loop. */
class Members {
  readonly #kafka: Kafka
  readonly #ledger: Ledger
  readonly #running = new Map<string, { consumer: Consumer<string, string>; loop: Promise<void> }>()

  constructor(kafka: Kafka, ledger: Ledger) {
    this.#kafka = kafka
    this.#ledger = ledger
  }

  join(name: string): void {
    const consumer = this.#kafka.consumer<string, string>({
      groupId,
      clientId: name,
      topics: [topic],
      autoOffsetReset: 'earliest',
      sessionTimeoutMs: 10_000,
      heartbeatIntervalMs: 1000,
      autoCommitIntervalMs: 1000,
      keyDeserializer: string,
      valueDeserializer: string,
      onError: ({ code, message }) => console.log(`    ${name}: ${code} ${message}`),
    })
    const loop = this.#read(consumer).catch((error: unknown) => {
      this.#ledger.problems.push(`the loop of member ${name} ended: ${String(error)}`)
    })
    this.#running.set(name, { consumer, loop })
  }

  async #read(consumer: Consumer<string, string>): Promise<void> {
    for await (const { key, value } of consumer) this.#ledger.noteRead(key!, Number(value))
  }

  async leave(name: string): Promise<void> {
    const member = this.#running.get(name)!
    this.#running.delete(name)
    await member.consumer.close()
    await member.loop
  }

  async toggle(name: string): Promise<void> {
    if (this.#running.has(name)) await this.leave(name)
    else this.join(name)
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.leave(name)))
  }
}

type Fault = (cluster: RealKafka, nodeId: number, members: Members) => Promise<void>

/** Each is over when it returns: two nodes of three stay, as many as `min.insync.replicas` wants. */
const faults: Readonly<Record<string, Fault>> = {
  kill: async (cluster, nodeId) => {
    await cluster.kill(nodeId)
    await delay(4000)
    await cluster.restart(nodeId)
  },
  freeze: async (cluster, nodeId) => {
    cluster.freeze(nodeId)
    await delay(7000)
    cluster.thaw(nodeId)
  },
  shutdown: async (cluster, nodeId) => {
    await cluster.shutdown(nodeId)
    await delay(2000)
    await cluster.restart(nodeId)
  },
  member: async (_cluster, _nodeId, members) => await members.toggle('member-c'),
}

/** Faults in turn until the time is over, each on a node picked at random. */
async function makeTrouble(
  seconds: number,
  cluster: RealKafka,
  members: Members,
  report: (fault: string) => void,
): Promise<void> {
  const begun = performance.now()
  const names = Object.keys(faults)
  for (let step = 0; performance.now() - begun < seconds * 1000; step++) {
    await delay(betweenFaultsMs)
    const name = names[step % names.length]!
    const nodeId = cluster.nodes[Math.floor(Math.random() * cluster.nodes.length)]!.id
    report(name === 'member' ? name : `${name} ${nodeId}`)
    await faults[name]!(cluster, nodeId, members)
  }
}

async function waitUntilRead(ledger: Ledger): Promise<void> {
  const deadline = performance.now() + catchUpMs
  while (ledger.missing(ledger.read).length > 0 && performance.now() < deadline) await delay(250)
}

async function soak(seconds: number, cluster: RealKafka): Promise<Ledger> {
  const { bootstrapServers } = cluster
  const kafka = new Kafka({ bootstrapServers, requestTimeoutMs: 5000 })
  const ledger = new Ledger()
  await using admin = kafka.admin()
  allOrThrow(await admin.createTopics([{ name: topic, numPartitions: 6, replicationFactor: 3 }]))
  await using producer = kafka.producer({
    deliveryTimeoutMs: 60_000,
    requestTimeoutMs: 5000,
    compressionType: 'gzip',
  })
  const members = new Members(kafka, ledger)
  members.join('member-a')
  members.join('member-b')

  const stop = new AbortController()
  const producing = produceUntil(stop.signal, producer, ledger)
  // Awaited below; a failure before that must not end the process.
  producing.catch(() => {})
  const begun = performance.now()
  try {
    await makeTrouble(seconds, cluster, members, (fault) => {
      const at = String(Math.round((performance.now() - begun) / 1000)).padStart(5)
      const { sent, confirmed, failed, read } = ledger
      const memory = `${Math.round(process.memoryUsage().rss / 1e6)} MB, ${producer.bufferedBytes} bytes waiting`
      console.log(
        `${at} s  ${fault.padEnd(10)}  sent ${sent}, confirmed ${confirmed.size}, failed ${failed.length}, read ${read.size}; ${memory}`,
      )
    })
    stop.abort()
    await producing
    await waitUntilRead(ledger)
    await compareWithLog(cluster, ledger)
  } finally {
    stop.abort()
    await members.closeAll()
  }
  return ledger
}

async function compareWithLog(cluster: RealKafka, ledger: Ledger): Promise<void> {
  const log = await readLog(cluster, cluster.bootstrapServers, topic)
  const inLog = new Set<number>()
  let count = 0
  for (const records of log.values()) {
    ledger.checkLog(records)
    count += records.length
    for (const { value } of records) inLog.add(Number(value))
  }
  const lost = ledger.missing(inLog)
  if (lost.length > 0) ledger.problems.push(`confirmed and not in the log: ${some(lost)}`)
  const unread = ledger.missing(ledger.read)
  if (unread.length > 0) ledger.problems.push(`confirmed and not read by the group: ${some(unread)}`)
  const readAgain = [...ledger.read.values()].filter((times) => times > 1).length
  console.log(`the log has ${count} messages, ${inLog.size} different ones`)
  console.log(`the group read ${ledger.read.size}, of which ${readAgain} more than once`)
}

function some(values: readonly (string | number)[]): string {
  const rest = values.length > 5 ? ` and ${values.length - 5} more` : ''
  return values.slice(0, 5).join(', ') + rest
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '200' } } })
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new RangeError(`--seconds must be a number above 0, not ${values.seconds}`)
  await using cluster = await startRealKafka({ nodes: 3, brokerProperties: { 'min.insync.replicas': '2' } })
  const { sent, confirmed, failed, problems } = await soak(seconds, cluster)
  console.log(`sent ${sent}, confirmed ${confirmed.size}, failed ${failed.length}`)
  if (failed.length > 0) console.log(`  ${some(failed)}`)
  if (confirmed.size === 0) problems.push('nothing was confirmed at all')
  if (problems.length === 0) return console.log('nothing lost, nothing doubled, all in order')
  console.error(`${problems.length} problems:\n  ${problems.slice(0, 20).join('\n  ')}`)
  process.exitCode = 1
}

await main()
