import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { AssignorName, ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { string } from '../../src/serializers.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { SeededRandom } from '../support/mutate.ts'
import { TopicWriter } from '../support/produce-records.ts'

const partitionCount = 6
const all = Array.from({ length: partitionCount }, (_, partition) => partition)

/** What the members of one group did with the partitions of one topic. */
class Ledger {
  readonly owners = new Map<number, string>()
  /** How often each value was handled. */
  readonly handled = new Map<string, number>()
  readonly faults: string[] = []
  /** Generation in which a partition was given up last. */
  readonly #freedIn = new Map<number, number>()
  /** Generations of which a member was given its share. */
  readonly #completed = new Map<string, Set<number>>()
  /** How many rebalances of its next owner each partition went without one. Those that the next cut short do not count. */
  readonly gaps: number[] = []

  assigned(name: string, partitions: readonly number[], generation: number): void {
    const completed = this.#completed.get(name) ?? new Set()
    this.#completed.set(name, completed)
    for (const partition of partitions) {
      const owner = this.owners.get(partition)
      if (owner !== undefined) this.faults.push(`${name} was given ${partition}, which ${owner} has`)
      this.owners.set(partition, name)
      const freedIn = this.#freedIn.get(partition)
      if (freedIn === undefined) continue
      this.gaps.push([...completed].filter((one) => one > freedIn && one < generation).length)
    }
    completed.add(generation)
  }

  revoked(name: string, partitions: readonly number[], generation: number): void {
    for (const partition of partitions) {
      if (this.owners.get(partition) !== name) this.faults.push(`${name} gave up ${partition}, not its own`)
      this.owners.delete(partition)
      this.#freedIn.set(partition, generation)
    }
  }

  handle(name: string, partition: number, value: string): void {
    if (this.owners.get(partition) !== name) this.faults.push(`${name} read ${partition}, not its own`)
    this.handled.set(value, (this.handled.get(value) ?? 0) + 1)
  }
}

describeAnyKafka('Consumers that keep partitions while their group rebalances', (kafka) => {
  async function newGroup() {
    const writer = new TopicWriter(kafka.bootstrapServers)
    const topic = `cooperative-${randomUUID()}`
    await writer.createTopic(topic, partitionCount)
    const ledger = new Ledger()
    const groupId = `group-${randomUUID()}`
    const members = new Set<Member>()

    interface Member {
      readonly name: string
      readonly consumer: Consumer<Buffer | null, string>
      /** Partitions as `+0,1` and `-0`. */
      readonly events: string[]
      /** Ends with the record in hand, commits it and leaves. */
      leave(): Promise<void>
    }

    function join(
      name: string,
      strategy: AssignorName[],
      options: Partial<ConsumerOptions<Buffer | null, string>> = {},
    ): Member {
      const events: string[] = []
      const numbers = (list: readonly { partition: number }[]) => list.map(({ partition }) => partition)
      let isLeaving = false
      const consumer: Consumer<Buffer | null, string> = new Consumer<Buffer | null, string>({
        bootstrapServers: kafka.bootstrapServers,
        groupId,
        topics: [topic],
        autoOffsetReset: 'earliest',
        valueDeserializer: string,
        heartbeatIntervalMs: 50,
        retryBackoffMs: 20,
        partitionAssignmentStrategy: strategy,
        onPartitionsAssigned: (list) => {
          events.push(`+${numbers(list)}`)
          ledger.assigned(name, numbers(list), consumer.groupMetadata().generationId)
        },
        onPartitionsRevoked: (list) => {
          events.push(`-${numbers(list)}`)
          ledger.revoked(name, numbers(list), consumer.groupMetadata().generationId)
        },
        onPartitionsLost: (list) => {
          ledger.faults.push(`${name} lost ${numbers(list)}`)
        },
        ...options,
      })
      const reading = (async () => {
        for await (const { partition, value } of consumer) {
          ledger.handle(name, partition, String(value))
          if (isLeaving) {
            await consumer.commit()
            break
          }
          // Longer than a turn, so that revocations meet a record in hand.
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      })()
      const member: Member = {
        name,
        consumer,
        events,
        leave: async () => {
          members.delete(member)
          isLeaving = true
          // One that has nothing to read would wait for a record.
          const idle = new Promise((resolve) => setTimeout(resolve, 20))
          await Promise.race([reading, idle])
          if (!consumer.assignment().length) isLeaving = false
          await consumer.close()
          await reading
        },
      }
      members.add(member)
      return member
    }

    const settled = async (count = members.size) => {
      await expect
        .poll(
          () => {
            // By the hooks, so that they are over.
            const owners = [...ledger.owners.values()]
            const least = Math.floor(partitionCount / count)
            return (
              owners.length === partitionCount &&
              [...members].every(({ name }) => owners.filter((owner) => owner === name).length >= least)
            )
          },
          { timeout: 30_000, interval: 10 },
        )
        .toBe(true)
    }
    return {
      writer,
      topic,
      ledger,
      members,
      join,
      settled,
      [Symbol.asyncDispose]: async () => {
        await Promise.all([...members].map((one) => one.leave()))
        await writer[Symbol.asyncDispose]()
      },
    }
  }

  it('gives up what others are to have, and nothing else', async () => {
    await using group = await newGroup()
    const a = group.join('a', ['cooperative-sticky'])
    await group.settled()
    const b = group.join('b', ['cooperative-sticky'])
    await group.settled()
    const kept = a.consumer.assignment().map(({ partition }) => partition)
    const given = all.filter((partition) => !kept.includes(partition))
    expect(a.events.filter((event) => event.length > 1)).toEqual([`+${all}`, `-${given}`])
    expect(b.events.filter((event) => event.length > 1)).toEqual([`+${given}`])
    await b.leave()
    await group.settled()
    expect(a.events.filter((event) => event.length > 1)).toEqual([`+${all}`, `-${given}`, `+${given}`])
    expect(group.ledger.faults).toEqual([])
  }, 60_000)

  it('goes on reading and committing what it keeps while a slow member holds the rebalance up', async () => {
    await using group = await newGroup()
    let goOn = () => {}
    const held = new Promise<void>((resolve) => {
      goOn = resolve
    })
    let isHeld = false
    const a = group.join('a', ['cooperative-sticky'])
    await group.settled()
    const slow = group.join('slow', ['cooperative-sticky'], {
      onPartitionsRevoked: async (list) => {
        isHeld = true
        await held
        const partitions = list.map(({ partition }) => partition)
        group.ledger.revoked('slow', partitions, slow.consumer.groupMetadata().generationId)
      },
    })
    await group.settled()
    const c = group.join('c', ['cooperative-sticky'])
    await expect.poll(() => isHeld, { timeout: 30_000 }).toBe(true)
    // The others wait in JoinGroup now, or will: `slow` is still handing over.
    // What `a` gives up itself is nobody's until then: a record in there would wait as well.
    await expect.poll(() => a.consumer.assignment().length, { timeout: 30_000 }).toBe(partitionCount / 3)
    const [mine] = a.consumer.assignment()
    await group.writer.write(group.topic, mine!.partition, ['meanwhile'])
    await expect.poll(() => group.ledger.handled.get('meanwhile'), { timeout: 30_000 }).toBe(1)
    await a.consumer.commit([{ ...mine!, offset: 1 }])
    expect((await a.consumer.committed([mine!]))[0]?.offset).toBe(1)
    expect(c.consumer.assignment().length).toBeLessThan(2)
    goOn()
    await group.settled()
    expect(group.ledger.faults).toEqual([])
  }, 60_000)

  it('goes from eager to cooperative by two rounds of restarts, and no partition waits for two rebalances', async () => {
    await using group = await newGroup()
    let current = ['a', 'b', 'c'].map((name) => group.join(name, ['range']))
    await group.settled()
    const steps: AssignorName[][] = [['cooperative-sticky', 'range'], ['cooperative-sticky']]
    for (const [round, strategy] of steps.entries()) {
      const next = []
      for (const old of current) {
        await old.leave()
        next.push(group.join(`${old.name[0]}${round}`, strategy))
        await group.settled()
        await Promise.all(
          all.map((partition) => group.writer.write(group.topic, partition, [`${randomUUID()}`])),
        )
      }
      current = next
    }
    await expect.poll(() => group.ledger.handled.size, { timeout: 30_000 }).toBe(6 * partitionCount)
    expect(new Set(group.ledger.handled.values())).toEqual(new Set([1]))
    expect(new Set(group.ledger.gaps)).toEqual(new Set([0]))
    expect(group.ledger.faults).toEqual([])
    // All are cooperative now: a rebalance that moves nothing takes nothing away.
    const before = current.map(({ events }) => events.filter((event) => event.startsWith('-')).length)
    const { generationId } = current[0]!.consumer.groupMetadata()
    current[0]!.consumer.enforceRebalance('for a test')
    await expect
      .poll(() => Math.min(...current.map(({ consumer }) => consumer.groupMetadata().generationId)), {
        timeout: 30_000,
      })
      .toBeGreaterThan(generationId)
    expect(current.map(({ events }) => events.filter((event) => event.startsWith('-')).length)).toEqual(
      before,
    )
  }, 120_000)

  if (kafka.kind === 'memory') {
    it.each([
      ['range', 1],
      ['roundrobin', 2],
      ['sticky', 3],
      ['cooperative-sticky', 4],
      ['cooperative-sticky', 5],
      ['cooperative-sticky', 6],
    ] as const)(
      'handles each record exactly once through joins and leaves: %s, seed %i',
      async (assignor, seed) => {
        await using group = await newGroup()
        const random = new SeededRandom(seed)
        for (let count = 0; count < 3; count++) group.join(`m${count}`, [assignor])
        let written = 0
        for (let step = 0; step < 20; step++) {
          const size = group.members.size
          const isJoin = size <= 3 || (size < 5 && random.below(2) === 0)
          if (isJoin) group.join(`s${step}`, [assignor])
          const values = (partition: number) =>
            Array.from({ length: 5 }, (_, n) => `${step}/${partition}/${n}`)
          await Promise.all(
            all.map((partition) => group.writer.write(group.topic, partition, values(partition))),
          )
          written += 5 * partitionCount
          if (!isJoin) await random.pick([...group.members]).leave()
          // At times the next comes in the middle of the rebalance.
          if (random.below(3) > 0) await group.settled()
        }
        await expect.poll(() => group.ledger.handled.size, { timeout: 60_000 }).toBe(written)
        await group.settled()
        expect([...group.ledger.handled].filter(([, count]) => count !== 1)).toEqual([])
        expect(group.ledger.faults).toEqual([])
      },
      120_000,
    )
  }
})
