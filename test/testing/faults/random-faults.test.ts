import { describe, expect, it } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import type { Action, ControlledRequest } from '../../../src/testing/index.ts'
import { type RandomFaultsOptions, randomFaults, startKafka } from '../../../src/testing/index.ts'

const request: ControlledRequest = {
  api: 'Produce',
  apiKey: 0,
  version: 9,
  correlationId: 1,
  clientId: null,
  brokerId: 1,
  connectionId: 1,
  body: {},
}

function faults(count: number, options: Partial<RandomFaultsOptions> = {}): (Action | undefined)[] {
  const kinds = ['disconnect-before', 'delay', 'fail:NOT_COORDINATOR'] as const
  const handler = randomFaults({ seed: 7, rate: 0.5, kinds, ...options })
  return Array.from({ length: count }, () => handler(request) as Action | undefined)
}

describe('random faults', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(faults(100)).toEqual(faults(100))
    expect(faults(100)).not.toEqual(faults(100, { seed: 8 }))
  })

  it('come as often as they are said to', () => {
    const happened = (rate: number) => faults(1000, { rate }).filter((one) => one !== undefined).length
    expect(happened(0)).toBe(0)
    expect(happened(1)).toBe(1000)
    expect(happened(0.2)).toBeGreaterThan(150)
    expect(happened(0.2)).toBeLessThan(250)
  })

  it('are of all kinds that were named', () => {
    const kinds = [
      'disconnect-before',
      'disconnect-after',
      'disconnect-halfway',
      'delay',
      'drop',
      'throttle',
      'fail:NOT_LEADER_OR_FOLLOWER',
    ] as const
    const seen = faults(200, { rate: 1, kinds, maxDelayMs: 3 })
    expect(new Set(seen.map((one) => one?.kind))).toEqual(
      new Set(['disconnect', 'delay', 'drop', 'throttle', 'fail']),
    )
    const delays = seen.flatMap((one) => (one?.kind === 'delay' ? [one.delayMs] : []))
    expect(new Set(delays)).toEqual(new Set([1, 2, 3]))
  })

  it('end after as many as were asked for', () => {
    expect(faults(100, { rate: 1, limit: 3 }).filter((one) => one !== undefined)).toHaveLength(3)
  })

  it('that cannot be are refused', () => {
    expect(() => faults(1, { rate: 2 })).toThrow(/rate is 2; allowed: from 0 to 1/)
    expect(() => faults(1, { kinds: [] })).toThrow(/kinds is empty/)
    expect(() => faults(1, { kinds: ['explode' as never] })).toThrow(/no fault "explode"/)
    expect(() => faults(1, { kinds: ['fail:NOPE' as never] })).toThrow(/there is no error NOPE/)
  })

  it('leave what a producer was told of in the log, once and in order', async () => {
    await using kafka = await startKafka({ brokers: 2, topics: ['t'], seed: 1 })
    const kinds = ['disconnect-before', 'disconnect-after', 'disconnect-halfway', 'delay'] as const
    const control = kafka.control('Produce', randomFaults({ seed: 3, rate: 0.3, kinds, maxDelayMs: 5 }))
    const client = new Kafka({
      bootstrapServers: kafka.bootstrapServers,
      retryBackoffMs: 1,
      reconnectBackoffMs: 1,
      reconnectBackoffMaxMs: 5,
    })
    await using producer = client.producer({ enableIdempotence: true })
    const offsets: number[] = []
    for (let i = 0; i < 40; i++) {
      offsets.push((await producer.send({ topic: 't', value: `${i}` })).offset)
    }
    expect(offsets).toEqual(Array.from({ length: 40 }, (_, i) => i))
    expect(control.count).toBeGreaterThan(5)
  })
})
