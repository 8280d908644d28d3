import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { TestKafka } from '../../../src/testing/index.ts'
import { describeKafka } from '../../support/real-kafka/index.ts'
import { cases } from './cases/index.ts'
import { formatDifference } from './differences.ts'
import { apisInMemory } from './differential-case.ts'
import { knownDifferences } from './known-differences.ts'
import { runCase } from './run-case.ts'
import { startMemory } from './start-memory.ts'

const run = randomUUID().slice(0, 8)
const fewestRequests = 2000

// The listeners make it one that was started here, so that it has an authorizer and tokens, as the one in memory.
describeKafka(
  'the broker in memory and a real Kafka',
  (kafka) => {
    let memory: TestKafka
    const asked: string[] = []
    const unused = new Set(knownDifferences)

    beforeAll(async () => {
      memory = await startMemory()
    })
    afterAll(async () => {
      await memory.close()
    })

    for (const one of cases) {
      it(`give the same answers to ${one.name}`, async () => {
        const addresses = { memory: memory.bootstrapServers, kafka: kafka.bootstrapServers }
        const results = await Promise.all(
          one.versions.map(async (version) => ({
            version,
            ...(await runCase(one, version, addresses, run)),
          })),
        )
        const unexplained: string[] = []
        for (const { version, differences, kafka: exchanges } of results) {
          asked.push(...exchanges.map(({ request }) => request.split(' ')[0]!))
          for (const difference of differences) {
            const known = knownDifferences.find(
              (entry) => entry.in.test(one.name) && entry.at.test(difference.at),
            )
            if (known === undefined) unexplained.push(`v${version} ${formatDifference(difference)}`)
            else unused.delete(known)
          }
        }
        expect(unexplained.join('\n')).toBe('')
      })
    }

    it('differ in all that is said to differ', () => {
      expect([...unused].map(({ in: name, at }) => `${name} ${at}`)).toEqual([])
    })

    it('were asked often, and everything that is offered', () => {
      expect(asked.length).toBeGreaterThanOrEqual(fewestRequests)
      const names = new Set(asked)
      expect(apisInMemory.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([])
    })
  },
  { needs: 'listeners' },
)
