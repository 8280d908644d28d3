import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DeliveryError } from '../../src/errors.ts'
import { Producer } from '../../src/producer/producer.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import {
  type ScriptedProducerCluster,
  startProducerCluster,
  type Verdict,
} from '../support/scripted-producer-broker.ts'

interface Outcome {
  readonly value: string
  readonly partition: number
  /** Null: confirmed. */
  readonly error: Error | null
  readonly offset: number
}

const verdicts: readonly (Verdict | 'forget' | 'move')[] = [
  'append',
  'append',
  'append',
  'hangUp',
  'appendAndHangUp',
  { error: 19 },
  { error: errorCodes.notLeaderOrFollower },
  { error: errorCodes.topicAuthorizationFailed },
  { appendedBut: errorCodes.notEnoughReplicasAfterAppend },
  { appendedBut: errorCodes.requestTimedOut },
  { error: errorCodes.messageTooLarge },
  'leftOut',
  'move',
]

/** Sends in bursts, each a turn of the loop after the other, and tells what became of every record. */
async function run(
  cluster: ScriptedProducerCluster,
  script: readonly number[],
  bursts: readonly number[],
): Promise<Outcome[]> {
  let step = 0
  cluster.onBatch = ({ topic, partition, node }) => {
    const verdict = step < script.length ? verdicts[script[step++]!]! : 'append'
    if (verdict !== 'move') return verdict as Verdict
    cluster.lead(topic, partition, node === 1 ? 2 : 1)
    return 'append'
  }
  const bufferMemory = 2_000
  const producer = new Producer({
    bootstrapServers: cluster.bootstrapServers,
    retryBackoffMs: 1,
    retryBackoffMaxMs: 4,
    reconnectBackoffMs: 1,
    reconnectBackoffMaxMs: 2,
    lingerMs: 0,
    batchSize: 100,
    bufferMemory,
  })
  const outcomes: Promise<Outcome>[] = []
  let number = 0
  for (const size of bursts) {
    for (let i = 0; i < size; i++) {
      const value = `v${number++}`.padEnd(10 + (number % 40), '.')
      const partition = number % 2
      // Every third goes the way of records with headers.
      const headers = number % 3 === 0 ? { headers: { h: 'x' } } : {}
      const sent = producer.send({ topic: 't', partition, value, ...headers })
      outcomes.push(
        sent.then(
          ({ offset }) => ({ value, partition, error: null, offset }),
          (error: Error) => ({ value, partition, error, offset: -1 }),
        ),
      )
      expect(producer.bufferedBytes).toBeLessThanOrEqual(bufferMemory)
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  const settled = await Promise.all(outcomes)
  await producer.close()
  expect(producer.bufferedBytes).toBe(0)
  return settled
}

describe('whatever brokers answer', () => {
  test('what is confirmed is in the log once and in order, what is surely not persisted is not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(verdicts.length - 1), { maxLength: 25 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 }),
        async (script, bursts) => {
          await using cluster = await startProducerCluster({ nodes: 2, topics: { t: { partitions: 2 } } })
          const outcomes = await run(cluster, script, bursts)
          for (const partition of [0, 1]) {
            const log = cluster.log('t', partition).values
            const mine = outcomes.filter((outcome) => outcome.partition === partition)
            expect(new Set(log).size, 'no record is there twice').toBe(log.length)
            const confirmed = mine.filter(({ error }) => error === null)
            for (const { value, offset } of confirmed) {
              expect(log).toContain(value)
              if (offset >= 0) expect(log[offset]).toBe(value)
            }
            const wanted = new Set(confirmed.map(({ value }) => value))
            expect(log.filter((value) => wanted.has(value))).toEqual(confirmed.map(({ value }) => value))
            for (const { value, error } of mine) {
              if (error instanceof DeliveryError && error.persisted === 'no') expect(log).not.toContain(value)
            }
          }
        },
      ),
      { numRuns: 150, endOnFailure: true },
    )
  })
})
