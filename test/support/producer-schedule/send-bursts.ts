import { setTimeout as sleep } from 'node:timers/promises'
import { Deadline } from '../../../src/deadline.ts'
import { TimeoutError } from '../../../src/errors.ts'
import type { Producer } from '../../../src/producer/producer.ts'
import type { ProducerRecord } from '../../../src/producer/producer-record.ts'
import { type Burst, longMs } from './draw-schedule.ts'
import type { RecordLedger } from './record-ledger.ts'

/** What bursts are sent to. */
export interface BurstTarget {
  readonly producer: Producer
  readonly topic: string
  readonly numPartitions: number
  /** Lets brokers forget all producers; nothing is on its way. */
  forgetProducers(): void
  /** As in `within`. */
  readonly stuckMs?: number
}

/**
 * `work`, or a problem when it takes too long. What it fails with is that of records without a callback.
 *
 * @param stuckMs longer than anything may take that waits for records: they all have failed by then.
 */
export async function within(
  ledger: RecordLedger,
  what: string,
  work: Promise<unknown>,
  stuckMs = longMs + 5000,
): Promise<void> {
  try {
    await new Deadline(stuckMs).race(work, what)
  } catch (error) {
    if (error instanceof TimeoutError) ledger.problem(`${what} did not end`)
    else ledger.unobservedFailed(error)
  }
}

/** Sends them one after the other. Each record and what is told of it goes into the ledger. */
export async function sendBursts(
  bursts: readonly Burst[],
  target: BurstTarget,
  ledger: RecordLedger,
): Promise<void> {
  const { producer, stuckMs } = target
  for (const burst of bursts) {
    send(burst, target, ledger)
    switch (burst.afterwards) {
      case 'go on':
        break
      case 'turn':
        await new Promise((resolve) => setImmediate(resolve))
        break
      case 'pause':
        await sleep(burst.pauseMs)
        break
      case 'settle':
        await within(ledger, 'the settling of a burst', ledger.settled(), stuckMs)
        break
      case 'flush':
        await within(ledger, 'flush', producer.flush(), stuckMs)
        break
      case 'drained':
        await within(ledger, 'drained', producer.drained(), stuckMs)
        break
      case 'forget':
        await within(ledger, 'flush', producer.flush(), stuckMs)
        target.forgetProducers()
    }
  }
}

function send(burst: Burst, { producer, topic, numPartitions }: BurstTarget, ledger: RecordLedger): void {
  const { how, count } = burst
  const records: (readonly [number, ProducerRecord])[] = []
  for (let i = 0; i < count; i++) {
    const number = ledger.next()
    records.push([number, recordOf(burst, number, topic, numPartitions)])
  }
  if (how === 'sendMany') {
    const numbers = records.map(([number]) => number)
    producer.sendMany(records.map(([, record]) => record)).then(
      (ranges) => ledger.many(numbers, ranges),
      (error: Error) => ledger.many(numbers, error),
    )
    return
  }
  const abort = new AbortController()
  for (const [number, record] of records) {
    if (how === 'send' || how === 'aborted') {
      producer.send(record, how === 'aborted' ? { signal: abort.signal } : {}).then(
        (metadata) => ledger.confirmed(number, metadata),
        (error: Error) => ledger.failed(number, error),
      )
      continue
    }
    try {
      if (how === 'unobserved') {
        producer.produce(record)
        ledger.unobserved(number)
      } else {
        producer.produce(record, (error, metadata) => {
          if (error !== null) ledger.failed(number, error)
          else ledger.confirmed(number, metadata!)
        })
      }
    } catch (error) {
      ledger.failed(number, error as Error)
    }
  }
  // What stands outside is turned away; what is in a batch goes its way.
  if (how === 'aborted') setImmediate(() => abort.abort())
}

function recordOf(
  { to, valueBytes, headers }: Burst,
  number: number,
  topic: string,
  numPartitions: number,
): ProducerRecord {
  return {
    topic,
    value: `${number}`.padEnd(1 + ((number * 7919) % valueBytes), '.'),
    ...(to === 'key' ? { key: `k${number % 7}` } : {}),
    ...(to === 'partition' ? { partition: number % numPartitions } : {}),
    ...(headers ? { headers: { h: 'x' } } : {}),
  }
}
