/**
 * What measurements beside clients of other languages have in common. `KAFKAWIRE_BOOTSTRAP` names a Kafka, else one is
 * started. `KAFKAWIRE_BENCH_RECORDS` is how many records a run has.
 */
import { execFile, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { allOrThrow, Kafka } from '../../src/index.ts'
import { pythonPath } from '../../test/support/interop/index.ts'
import { javaIsAvailable } from '../../test/support/real-kafka/availability.ts'
import { kafkaJars } from '../../test/support/real-kafka/kafka-jars.ts'
import { withKafka } from './with-kafka.ts'

const run = promisify(execFile)
const runs = 3
const timeoutMs = 300_000
const others = join(import.meta.dirname, '..', 'other')

export const recordCount = Number(process.env.KAFKAWIRE_BENCH_RECORDS ?? 2_000_000)
export const value = Buffer.alloc(100, 'v')

/** Sends or reads the records of a topic, and gives how many it did in a second. */
export type Contestant = (bootstrapServers: string, topic: string) => Promise<number>

/** librdkafka and franz-go, as far as they are there. `mode`: what their programs are to do. */
export function otherLanguages(mode: 'produce' | 'consume'): Map<string, Contestant> {
  const found = new Map<string, Contestant>()
  const rateOf = async (command: string, args: readonly string[]) =>
    Number((await run(command, [...args, String(recordCount)], { timeout: timeoutMs })).stdout)
  const python = pythonPath()
  if (python === null) console.log('left out: librdkafka, which .ci/install-interop installs')
  else {
    const script = join(others, 'librdkafka.py')
    found.set('librdkafka, confluent-kafka for Python', (...args) =>
      rateOf(python, ['-B', script, mode, ...args]),
    )
  }
  const go = buildGo()
  if (go === null) console.log('left out: franz-go, which needs Go and its module proxy')
  else found.set('franz-go', (...args) => rateOf(go, [mode, ...args]))
  return found
}

function buildGo(): string | null {
  const binary = join(import.meta.dirname, '..', '..', '.cache', 'franz-go-bench')
  const { status } = spawnSync('go', ['build', '-o', binary, '.'], {
    cwd: join(others, 'franz-go'),
    stdio: 'ignore',
  })
  return status === 0 ? binary : null
}

/** What a program of Kafka's prints; null, and a word about it, where there is no Java. */
export async function javaProgram(): Promise<
  ((className: string, args: readonly string[]) => Promise<string>) | null
> {
  if (!javaIsAvailable()) {
    console.log('left out: Java, which is not installed')
    return null
  }
  const jars = await kafkaJars()
  return async (className, args) => {
    const all = ['-Xmx512m', '-cp', join(jars, '*'), className, ...args]
    return (await run('java', all, { timeout: timeoutMs })).stdout
  }
}

/** Runs them in turns on a topic with one partition, and prints the medians. */
export async function compare(
  contestants: ReadonlyMap<string, Contestant>,
  prepare: Contestant | null = null,
): Promise<void> {
  await withKafka((bootstrapServers) => measure(bootstrapServers, contestants, prepare))
}

async function measure(
  bootstrapServers: string,
  contestants: ReadonlyMap<string, Contestant>,
  prepare: Contestant | null,
): Promise<void> {
  await using admin = new Kafka({ bootstrapServers }).admin()
  const topic = `bench-${randomUUID()}`
  const configs = { 'retention.bytes': '500000000', 'segment.bytes': '100000000' }
  allOrThrow(await admin.createTopics([{ name: topic, numPartitions: 1, configs }]))
  const rates = new Map<string, number[]>()
  try {
    await prepare?.(bootstrapServers, topic)
    for (let round = 0; round < runs; round++) {
      for (const [name, contestant] of contestants) {
        rates.set(name, [...(rates.get(name) ?? []), await contestant(bootstrapServers, topic)])
      }
    }
  } finally {
    await admin.deleteTopics([topic])
  }
  const rows: Record<string, { 'records/s': number; 'MB/s': number }> = {}
  for (const [name, list] of rates) {
    const median = list.sort((a, b) => a - b)[runs >> 1]!
    rows[name] = { 'records/s': Math.round(median), 'MB/s': Math.round((median * value.length) / 1e6) }
  }
  console.table(rows)
}
