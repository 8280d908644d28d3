import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { SubscriptionPattern } from '../../src/consumer/subscription-pattern.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { string } from '../../src/serializers.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { SeededRandom } from '../support/mutate.ts'
import { TopicWriter } from '../support/produce-records.ts'

type Options = Partial<ConsumerOptions<Buffer | null, string>>

const patience = { timeout: 30_000, interval: 10 }

describeAnyKafka("Consumers with groupProtocol 'consumer'", (kafka) => {
  /** A group with a topic of its own, and what its members do. */
  async function newGroup({ partitions = 6, name = `kip848-${randomUUID()}` } = {}) {
    const writer = new TopicWriter(kafka.bootstrapServers)
    await writer.createTopic(name, partitions)
    const groupId = `group-${randomUUID()}`
    const owners = new Map<string, string>()
    const handled = new Map<string, number>()
    const faults: string[] = []
    const members = new Set<Member>()

    interface Member {
      readonly name: string
      readonly consumer: Consumer<Buffer | null, string>
      /** As `+0,1`, `-0` and `!1`. */
      readonly events: string[]
      readonly errors: KafkaError[]
      leave(): Promise<void>
    }

    function join(memberName: string, options: Options = {}): Member {
      const events: string[] = []
      const errors: KafkaError[] = []
      const numbers = (list: readonly { partition: number }[]) => list.map(({ partition }) => partition)
      const keys = (list: readonly { topic: string; partition: number }[]) =>
        list.map(({ topic, partition }) => `${topic}-${partition}`)
      const free = (kind: string, list: { topic: string; partition: number }[]) => {
        events.push(`${kind}${numbers(list)}`)
        for (const key of keys(list)) {
          if (owners.get(key) !== memberName) faults.push(`${memberName} gave up ${key}, not its own`)
          owners.delete(key)
        }
      }
      const consumer = new Consumer<Buffer | null, string>({
        bootstrapServers: kafka.bootstrapServers,
        groupId,
        groupProtocol: 'consumer',
        topics: [name],
        autoOffsetReset: 'earliest',
        valueDeserializer: string,
        retryBackoffMs: 20,
        onPartitionsAssigned: (list) => {
          events.push(`+${numbers(list)}`)
          for (const key of keys(list)) {
            const owner = owners.get(key)
            if (owner !== undefined) faults.push(`${memberName} was given ${key}, which ${owner} has`)
            owners.set(key, memberName)
          }
        },
        onPartitionsRevoked: (list) => free('-', list),
        onPartitionsLost: (list) => free('!', list),
        onError: (error) => errors.push(error),
        ...options,
      })
      let isLeaving = false
      // One that has nothing to read would wait for a record.
      const idle = () => new Promise((resolve) => setTimeout(resolve, 20))
      const reading = (async () => {
        for await (const { topic, partition, value } of consumer) {
          if (owners.get(`${topic}-${partition}`) !== memberName) {
            faults.push(`${memberName} read ${topic}-${partition}, not its own`)
          }
          handled.set(String(value), (handled.get(String(value)) ?? 0) + 1)
          if (isLeaving) {
            await consumer.commit()
            break
          }
          // Longer than a turn, so that revocations meet a record in hand.
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      })().catch((error: KafkaError) => void errors.push(error))
      const member: Member = {
        name: memberName,
        consumer,
        events,
        errors,
        leave: async () => {
          members.delete(member)
          // With the record in hand done: it would be read again else.
          isLeaving = true
          await Promise.race([reading, idle()])
          await consumer.close()
          await reading
        },
      }
      members.add(member)
      return member
    }

    /** By the hooks, so that they are over. */
    const settled = (total = partitions) =>
      expect
        .poll(() => {
          const values = [...owners.values()]
          const least = Math.floor(total / members.size)
          return (
            values.length === total &&
            [...members].every((one) => values.filter((owner) => owner === one.name).length >= least)
          )
        }, patience)
        .toBe(true)

    const close = async () => {
      await Promise.all([...members].map((one) => one.leave()))
      await writer[Symbol.asyncDispose]()
    }
    return {
      ...{ writer, topic: name, groupId, owners, handled, faults, members, join, settled },
      [Symbol.asyncDispose]: close,
    }
  }

  it('share out a topic through joins and leaves, and handle each record once', async () => {
    await using group = await newGroup()
    let written = 0
    const write = async () => {
      const values = (partition: number) =>
        Array.from({ length: 10 }, (_, n) => `${written}/${partition}/${n}`)
      await Promise.all([0, 1, 2, 3, 4, 5].map((one) => group.writer.write(group.topic, one, values(one))))
      written += 60
    }
    const a = group.join('a')
    await write()
    await group.settled()
    const b = group.join('b')
    await write()
    await group.settled()
    group.join('c')
    await write()
    await group.settled()
    const { generationId, memberId } = b.consumer.groupMetadata()
    expect(generationId).toBeGreaterThan(0)
    expect(memberId).toMatch(/^[\w-]{22}$/)
    await b.leave()
    await write()
    await group.settled()
    await expect.poll(() => group.handled.size, patience).toBe(written)
    await a.leave()
    await write()
    await group.settled()
    await expect.poll(() => group.handled.size, patience).toBe(written)
    expect([...group.handled].filter(([, count]) => count !== 1)).toEqual([])
    expect(group.faults).toEqual([])
    expect([...group.members].flatMap(({ errors }) => errors)).toEqual([])
    // Nothing is taken away that does not go to somebody.
    expect(a.events.filter((event) => event.length > 1)[0]).toBe('+0,1,2,3,4,5')
    expect(a.events.find((event) => event.startsWith('-'))).toMatch(/^-\d,\d,\d$/)
  }, 120_000)

  it.each(kafka.kind === 'memory' ? [1, 2, 3, 4] : [1])(
    'handle each record once through 20 joins and leaves, also in the middle of a rebalance: seed %i',
    async (seed) => {
      await using group = await newGroup()
      const random = new SeededRandom(seed)
      for (let count = 0; count < 3; count++) group.join(`m${count}`)
      let written = 0
      for (let step = 0; step < 20; step++) {
        const size = group.members.size
        const isJoin = size <= 3 || (size < 5 && random.below(2) === 0)
        if (isJoin) group.join(`s${step}`)
        for (let partition = 0; partition < 6; partition++) {
          const values = Array.from({ length: 5 }, (_, n) => `${step}/${partition}/${n}`)
          await group.writer.write(group.topic, partition, values)
          written += values.length
        }
        if (!isJoin) await random.pick([...group.members]).leave()
        if (random.below(3) > 0) await group.settled()
      }
      await expect.poll(() => group.handled.size, { ...patience, timeout: 60_000 }).toBe(written)
      await group.settled()
      expect([...group.handled].filter(([, count]) => count !== 1)).toEqual([])
      expect(group.faults).toEqual([])
    },
    180_000,
  )

  it('give a static member back what it had, when it comes again within its session', async () => {
    await using group = await newGroup({ partitions: 4 })
    const a = group.join('a', { groupInstanceId: 'one' })
    const b = group.join('b', { groupInstanceId: 'two' })
    await group.settled()
    const had = b.consumer.assignment()
    const { memberId } = b.consumer.groupMetadata()
    await b.leave()
    const before = a.events.length
    const again = group.join('b2', { groupInstanceId: 'two' })
    await expect.poll(() => again.consumer.assignment(), patience).toEqual(had)
    expect(again.consumer.groupMetadata().memberId).not.toBe(memberId)
    expect(a.events.length).toBe(before)
    expect(group.faults).toEqual([])
  }, 60_000)

  it('refuse a second member with the instance id of one that is there', async () => {
    await using group = await newGroup({ partitions: 2 })
    const a = group.join('a', { groupInstanceId: 'one' })
    await group.settled()
    const second = group.join('second', { groupInstanceId: 'one' })
    await expect.poll(() => second.errors[0]?.code, patience).toBe('UNRELEASED_INSTANCE_ID')
    expect(second.errors[0]?.message).toContain('a member with the group instance id one is there already')
    expect(a.errors).toEqual([])
  }, 60_000)

  it('leave the group for good when a static member is closed that way, so that others have its share at once', async () => {
    await using group = await newGroup({ partitions: 4 })
    group.join('a', { groupInstanceId: 'one' })
    const b = group.join('b', { groupInstanceId: 'two' })
    await group.settled()
    group.members.delete(b)
    await b.consumer.close({ groupMembershipOperation: 'leaveGroup' })
    await group.settled()
  }, 60_000)

  it('have the broker match a pattern, also against topics that come later', async () => {
    const prefix = `pattern-${randomUUID()}`
    await using group = await newGroup({ partitions: 2, name: `${prefix}.one` })
    const other = `other-${randomUUID()}`
    await group.writer.createTopic(other, 1)
    const a = group.join('a', { topics: [new SubscriptionPattern(`${prefix}\\..*`), other] })
    await group.settled(3)
    expect(a.consumer.subscription()).toEqual([other, `${prefix}.one`].sort())
    await group.writer.createTopic(`${prefix}.two`, 1)
    await group.settled(4)
    await group.writer.write(`${prefix}.two`, 0, ['late'])
    await expect.poll(() => group.handled.get('late'), patience).toBe(1)
    // A pattern that is given up is told to the broker as well.
    a.consumer.subscribe([other])
    await expect.poll(() => [...group.owners.keys()], patience).toEqual([`${other}-0`])
    a.consumer.subscribe(new SubscriptionPattern(`${prefix}\\.tw[o]`))
    await expect.poll(() => [...group.owners.keys()], patience).toEqual([`${prefix}.two-0`])
    expect(group.faults).toEqual([])
  }, 120_000)

  it('say so when the broker cannot read the pattern', async () => {
    await using group = await newGroup({ partitions: 1 })
    const a = group.join('a', { topics: [new SubscriptionPattern('(')] })
    await expect.poll(() => a.errors[0]?.code, patience).toBe('INVALID_REGULAR_EXPRESSION')
  }, 60_000)

  it.each([
    [
      'range',
      [
        [0, 1, 2],
        [3, 4],
      ],
    ],
    ['uniform', null],
  ] as const)(
    'ask for the assignor %s of the broker',
    async (groupRemoteAssignor, expected) => {
      await using group = await newGroup({ partitions: 5 })
      const members = ['a', 'b'].map((name) => group.join(name, { groupRemoteAssignor }))
      await group.settled()
      const shares = members.map(({ consumer }) => consumer.assignment().map(({ partition }) => partition))
      if (expected !== null) expect(shares.sort((a, b) => a[0]! - b[0]!)).toEqual(expected)
      else expect(shares.map(({ length }) => length).sort()).toEqual([2, 3])
    },
    60_000,
  )

  it('say so when the broker has no such assignor', async () => {
    await using group = await newGroup({ partitions: 1 })
    const a = group.join('a', { groupRemoteAssignor: 'best' })
    await expect.poll(() => a.errors[0]?.code, patience).toBe('UNSUPPORTED_ASSIGNOR')
    expect(a.errors[0]?.message).toContain('best')
  }, 60_000)

  it('go over to other topics when the subscription changes', async () => {
    await using group = await newGroup({ partitions: 2 })
    const other = `other-${randomUUID()}`
    await group.writer.createTopic(other, 1)
    const a = group.join('a')
    await group.settled()
    await group.writer.write(group.topic, 0, ['first'])
    await expect.poll(() => group.handled.get('first'), patience).toBe(1)
    a.consumer.subscribe([other])
    await expect.poll(() => [...group.owners.keys()], patience).toEqual([`${other}-0`])
    const [committed] = await a.consumer.committed([{ topic: group.topic, partition: 0 }])
    expect(committed?.offset).toBe(1)
    expect(group.faults).toEqual([])
  }, 60_000)

  it('let a member go that is late with its records, and take it back when it asks again', async () => {
    await using group = await newGroup({ partitions: 2 })
    const errors: KafkaError[] = []
    const events: string[] = []
    await using consumer = new Consumer({
      bootstrapServers: kafka.bootstrapServers,
      groupId: group.groupId,
      groupProtocol: 'consumer',
      topics: [group.topic],
      autoOffsetReset: 'earliest',
      maxPollIntervalMs: 1500,
      onPartitionsAssigned: (list) => void events.push(`+${list.length}`),
      onPartitionsLost: (list) => void events.push(`!${list.length}`),
      onError: (error) => errors.push(error),
    })
    await group.writer.write(group.topic, 0, ['slow'])
    expect(await consumer.poll({ timeoutMs: 10_000 })).toHaveLength(1)
    // Nobody asks for a while.
    await expect.poll(() => errors.map(({ code }) => code), patience).toEqual(['MAX_POLL_INTERVAL_EXCEEDED'])
    expect(events.at(-1)).toBe('!2')
    expect(consumer.groupMetadata().generationId).toBe(-1)
    const offset = { topic: group.topic, partition: 0, offset: 1 }
    await expect(consumer.commit([offset])).rejects.toMatchObject({ code: 'PARTITION_NOT_ASSIGNED' })
    const other = group.join('other')
    await group.settled()
    expect(await consumer.poll({ timeoutMs: 200 })).toEqual([])
    const polled = async () => {
      await consumer.poll()
      return consumer.assignment().length
    }
    await expect.poll(polled, patience).toBe(1)
    await expect.poll(() => other.consumer.assignment().length, patience).toBe(1)
  }, 60_000)

  it('read on from where the group is, and leave nothing behind when they are closed', async () => {
    await using group = await newGroup({ partitions: 1 })
    await group.writer.write(group.topic, 0, ['a', 'b', 'c'])
    const first = group.join('first')
    await expect.poll(() => group.handled.size, patience).toBe(3)
    await first.leave()
    await group.writer.write(group.topic, 0, ['d'])
    group.join('second')
    await expect.poll(() => group.handled.get('d'), patience).toBe(1)
    expect(new Set(group.handled.values())).toEqual(new Set([1]))
  }, 60_000)
})
