import { afterEach, expect, test } from 'vitest'
import { Kafka } from '../../src/index.ts'
import { type DisconnectTime, disconnect, startKafka, type TestKafka } from '../../src/testing/index.ts'
import { readValues } from '../support/transactions.ts'

const lives = 200
const partitions = 3

let kafka: TestKafka | null = null

afterEach(async () => {
  await kafka?.close()
  kafka = null
})

/** Numbers from 0 to `below`, the same ones for the same seed (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** Cuts a client off as if its process was killed: at its `count`th request, which may be carried out, and for good. */
function killAt(kafka: TestKafka, clientId: string, count: number, how: DisconnectTime): { isDead: boolean } {
  const life = { isDead: false }
  let seen = 0
  kafka.control(
    '*',
    () => {
      if (++seen < count) return undefined
      const action = disconnect(life.isDead ? 'before' : how)
      life.isDead = true
      return action
    },
    { clientId },
  )
  return life
}

/** Consume, transform, produce: `target` records of the output are in by the end, unless it is killed before. */
async function live(
  kafka: TestKafka,
  clientId: string,
  isDone: () => Promise<boolean>,
  life: { isDead: boolean },
) {
  const client = new Kafka({
    bootstrapServers: kafka.bootstrapServers,
    clientId,
    retryBackoffMs: 1,
    retryBackoffMaxMs: 5,
    reconnectBackoffMs: 1,
    reconnectBackoffMaxMs: 5,
  })
  const producer = client.producer({ transactionalId: 'transformer', maxBlockMs: 20_000 })
  const consumer = client.consumer({
    groupId: 'transformers',
    groupInstanceId: 'transformer',
    topics: ['input'],
    autoOffsetReset: 'earliest',
    enableAutoCommit: false,
    isolationLevel: 'read_committed',
    fetchMaxWaitMs: 5,
  })
  const dead = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (!life.isDead) return
      clearInterval(timer)
      resolve()
    }, 1)
    cleanUps.push(() => clearInterval(timer))
  })
  const work = async () => {
    await producer.initTransactions()
    while (!life.isDead && !(await isDone())) {
      const records = await consumer.poll({ timeoutMs: 50, maxRecords: 7 })
      if (records.length === 0) continue
      await producer.transaction(async (tx) => {
        for (const { partition, value } of records) {
          void tx.send({ topic: 'output', partition, value: `<${value}>` })
        }
        await tx.sendOffsets(consumer, records)
      })
    }
  }
  const working = work()
  working.catch(() => {})
  await Promise.race([working, dead])
  // What a process leaves behind by itself: sockets without a word.
  await Promise.all([
    producer.close({ timeoutMs: 0 }).catch(() => {}),
    consumer.close({ timeoutMs: 0 }).catch(() => {}),
  ])
}

const cleanUps: (() => void)[] = []

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp()
})

test.each([
  { version: '4.3', seed: 11 },
  { version: '3.9', seed: 12 },
] as const)(
  `a loop that consumes and produces in transactions, killed ${lives} times, gives each record once ($version)`,
  async ({ version, seed }) => {
    const random = randomFrom(seed)
    const topics = ['input', 'output'].map((name) => ({ name, numPartitions: partitions }))
    const started = await startKafka({
      version,
      topics,
      seed,
      configs: { 'group.initial.rebalance.delay.ms': 0 },
    })
    kafka = started
    await using source = new Kafka({ bootstrapServers: started.bootstrapServers }).producer()
    const expected: string[][] = Array.from({ length: partitions }, () => [])
    let written = 0
    const write = async (count: number) => {
      const records = Array.from({ length: count }, () => ({
        topic: 'input',
        partition: random(partitions),
        value: `${written++}`,
      }))
      for (const { partition, value } of records) expected[partition]!.push(`<${value}>`)
      await source.sendMany(records)
    }
    for (let i = 0; i < lives; i++) {
      await write(random(30))
      const clientId = `life-${i}`
      const how = (['before', 'after', 'halfway'] as const)[random(3)]!
      const life = killAt(started, clientId, 5 + random(40), how)
      await live(started, clientId, async () => false, life)
    }
    const isDone = async () => (await readValues(started.bootstrapServers, 'output')).length === written
    await live(started, 'last-life', isDone, { isDead: false })
    expect(await readValues(started.bootstrapServers, 'output')).toEqual(expected.flat())
    // Some of it was in vain, or the kills would have hit nothing.
    const all = await readValues(started.bootstrapServers, 'output', 'read_uncommitted')
    expect(all.length).toBeGreaterThan(written)
  },
  240_000,
)
