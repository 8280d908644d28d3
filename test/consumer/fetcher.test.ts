import { describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/consumer/consumer-options.ts'
import { AuthenticationError } from '../../src/errors.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { fetch } from '../../src/protocol/apis/fetch.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { offsetForLeaderEpoch } from '../../src/protocol/apis/offset-for-leader-epoch.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { string } from '../../src/serializers.ts'
import { gate } from '../support/promises.ts'
import { askedOf, logOf, type ScriptedCluster, startScriptedCluster } from '../support/scripted-cluster.ts'

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `v${from + index}`)
}

function consumerOf(
  cluster: ScriptedCluster,
  options: Partial<ConsumerOptions<string, string>> = {},
): Consumer<string, string> {
  return new Consumer<string, string>({
    bootstrapServers: cluster.bootstrapServers,
    valueDeserializer: string,
    retryBackoffMs: 5,
    reconnectBackoffMs: 5,
    ...options,
  })
}

/** Sockets and timers that keep this process alive at the moment. */
function activeResources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'Timeout')
}

async function take(consumer: Consumer<string, string>, count: number): Promise<(string | null)[]> {
  const values: (string | null)[] = []
  for await (const record of consumer) {
    values.push(record.value)
    if (values.length === count) break
  }
  return values
}

describe('fetching', () => {
  it('reads what the leader has, batch after batch, with the epoch that is known', async () => {
    await using cluster = await startScriptedCluster(1, [1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    cluster.onFetch(leader, logOf(numbers(0, 35)))
    await using consumer = consumerOf(cluster)
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 0 }])
    expect(await take(consumer, 35)).toEqual(numbers(0, 35))
    expect(askedOf(leader.seen(fetch)[0]!)).toMatchObject([{ fetchOffset: 0, currentLeaderEpoch: 5 }])
    expect(leader.seen(fetch)[0]!.body).toMatchObject({ sessionId: 0, sessionEpoch: 0, maxWaitMs: 500 })
  })

  it('fetches the next while the last is being read, and no more than that', async () => {
    await using cluster = await startScriptedCluster(1, [1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    cluster.onFetch(leader, logOf(numbers(0, 100)))
    await using consumer = consumerOf(cluster)
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 0 }])
    const iterator = consumer[Symbol.asyncIterator]()
    await iterator.next()
    await leader.received(fetch, 2)
    // The one being read and the next: the third comes when the first was read to its end.
    for (let read = 1; read < 10; read++) await iterator.next()
    const before = leader.seen(fetch).length
    expect(before).toBeLessThanOrEqual(3)
    await iterator.next()
    await leader.received(fetch, 3)
    expect(
      leader
        .seen(fetch)
        .flatMap(askedOf)
        .map(({ fetchOffset }) => fetchOffset),
    ).toEqual([0, 10, 20])
    await iterator.return()
  })

  it('drops an answer that was asked for before a seek', async () => {
    await using cluster = await startScriptedCluster(1, [1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    const held = gate()
    const log = logOf(numbers(0, 100))
    cluster.onFetch(leader, async (asked) => {
      if (asked.fetchOffset === 0) await held.opened
      return log(asked)
    })
    await using consumer = consumerOf(cluster)
    const partition = { topic: cluster.topic, partition: 0 }
    consumer.assign([{ ...partition, offset: 0 }])
    const reading = take(consumer, 3)
    await leader.received(fetch)
    consumer.seek({ ...partition, offset: 50 })
    held.open()
    expect(await reading).toEqual(['v50', 'v51', 'v52'])
    expect(await consumer.position(partition)).toBe(53)
  })

  it('drops an answer about a partition that was unassigned and assigned again meanwhile', async () => {
    await using cluster = await startScriptedCluster(1, [1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    const held = gate()
    const log = logOf(numbers(0, 100))
    cluster.onFetch(leader, async (asked) => {
      if (asked.fetchOffset === 0) await held.opened
      return log(asked)
    })
    await using consumer = consumerOf(cluster)
    const partition = { topic: cluster.topic, partition: 0 }
    consumer.assign([{ ...partition, offset: 0 }])
    const reading = take(consumer, 1)
    await leader.received(fetch)
    consumer.assign([])
    consumer.assign([{ ...partition, offset: 30 }])
    held.open()
    expect(await reading).toEqual(['v30'])
  })

  it('goes to the new leader that a refusal names, without asking for metadata (KIP-951)', async () => {
    await using cluster = await startScriptedCluster(2, [1])
    const [old, fresh] = cluster.brokers as [(typeof cluster.brokers)[0], (typeof cluster.brokers)[0]]
    cluster.onFetch(old, () => ({
      errorCode: errorCodes.notLeaderOrFollower,
      currentLeader: { leaderId: 2, leaderEpoch: 6 },
    }))
    cluster.onFetch(fresh, logOf(numbers(0, 5)))
    await using consumer = consumerOf(cluster)
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 0 }])
    expect(await take(consumer, 5)).toEqual(numbers(0, 5))
    expect(askedOf(fresh.seen(fetch)[0]!)).toMatchObject([{ currentLeaderEpoch: 6 }])
    expect(old.seen(metadata).length + fresh.seen(metadata).length).toBe(1)
  })

  it('holds a position against the log of a leader that was elected again while it was being connected to', async () => {
    await using cluster = await startScriptedCluster(1, [1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    await using consumer = consumerOf(cluster, { metadataMaxAgeMs: 1 })
    leader.on(offsetForLeaderEpoch, ({ body }) => ({
      topics: body.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, leaderEpoch }) => ({
          partition,
          leaderEpoch,
          endOffset: 100n,
        })),
      })),
    }))
    const held = gate()
    const apis = [apiVersions, metadata, fetch, offsetForLeaderEpoch]
    leader.on(apiVersions, async () => {
      if (leader.seen(offsetForLeaderEpoch).length > 0) await held.opened
      return {
        apiKeys: apis.map(({ key: apiKey, stableVersions: { min: minVersion, max: maxVersion } }) => ({
          apiKey,
          minVersion,
          maxVersion,
        })),
      }
    })
    cluster.onFetch(leader, logOf(numbers(0, 5)))
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 3, leaderEpoch: 5 }])
    const reading = take(consumer, 2)
    await leader.until(() => leader.seen(apiVersions).some((one) => one.connection === 3))
    cluster.leaderEpoch = 7
    const before = leader.seen(metadata).length
    while (leader.seen(metadata).length < before + 2) {
      await consumer.partitionsFor(cluster.topic)
      await new Promise((resolve) => setImmediate(resolve))
    }
    held.open()
    expect(await reading).toEqual(['v3', 'v4'])
    const asked = leader.requests
      .filter(({ api }) => api === 'OffsetForLeaderEpoch' || api === 'Fetch')
      .slice(0, 3)
      .map((request) =>
        request.api === 'Fetch'
          ? askedOf(request)[0]!.currentLeaderEpoch
          : (request.body.topics as unknown as { partitions: { currentLeaderEpoch: number }[] }[])[0]!
              .partitions[0]!.currentLeaderEpoch,
      )
    expect(asked).toEqual([5, 7, 7])
  })

  it('does not believe a leader that is of the topic before it was made anew', async () => {
    await using cluster = await startScriptedCluster(2, [1])
    const [leader, other] = cluster.brokers as [(typeof cluster.brokers)[0], (typeof cluster.brokers)[0]]
    await using consumer = consumerOf(cluster, { metadataMaxAgeMs: 1 })
    cluster.onFetch(leader, async () => {
      cluster.topicId = 'AAAAAAAAQACAAAAAAAAAAg'
      cluster.leaderEpoch = 0
      cluster.onFetch(leader, logOf(numbers(0, 5)))
      const before = leader.seen(metadata).length + other.seen(metadata).length
      while (leader.seen(metadata).length + other.seen(metadata).length === before) {
        await consumer.partitionsFor(cluster.topic)
        await new Promise((resolve) => setImmediate(resolve))
      }
      return {
        errorCode: errorCodes.notLeaderOrFollower,
        currentLeader: { leaderId: 2, leaderEpoch: 6 },
      }
    })
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 0 }])
    expect(await take(consumer, 5)).toEqual(numbers(0, 5))
    expect(askedOf(leader.seen(fetch)[1]!)).toMatchObject([{ currentLeaderEpoch: 0 }])
    expect(other.seen(fetch)).toHaveLength(0)
  })

  it('asks who leads when a refusal does not tell', async () => {
    await using cluster = await startScriptedCluster(2, [1])
    const [old, fresh] = cluster.brokers as [(typeof cluster.brokers)[0], (typeof cluster.brokers)[0]]
    cluster.onFetch(old, () => {
      cluster.leaders[0] = 2
      cluster.leaderEpoch = 6
      return { errorCode: errorCodes.fencedLeaderEpoch }
    })
    cluster.onFetch(fresh, logOf(numbers(0, 5)))
    await using consumer = consumerOf(cluster)
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 0 }])
    expect(await take(consumer, 5)).toEqual(numbers(0, 5))
    expect(old.seen(fetch)).toHaveLength(1)
  })

  it('reads from the replica that the leader prefers, and from the leader when that refuses (KIP-392)', async () => {
    await using cluster = await startScriptedCluster(2, [1])
    const [leader, follower] = cluster.brokers as [(typeof cluster.brokers)[0], (typeof cluster.brokers)[0]]
    const log = logOf(numbers(0, 30))
    let isPreferred = true
    cluster.onFetch(leader, (asked) => {
      if (!isPreferred) return log(asked)
      isPreferred = false
      return { preferredReadReplica: 2, highWatermark: 30n, records: null }
    })
    cluster.onFetch(follower, (asked) =>
      asked.fetchOffset < 10 ? log(asked) : { errorCode: errorCodes.offsetOutOfRange },
    )
    await using consumer = consumerOf(cluster, { clientRack: 'here', autoOffsetReset: 'none' })
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 0 }])
    expect(await take(consumer, 30)).toEqual(numbers(0, 30))
    expect(leader.seen(fetch)[0]!.body).toMatchObject({ rackId: 'here' })
    expect(
      follower
        .seen(fetch)
        .flatMap(askedOf)
        .map(({ fetchOffset }) => fetchOffset),
    ).toEqual([0, 10])
  })

  it('connects again and goes on when a broker hangs up, and tells of it once', async () => {
    await using cluster = await startScriptedCluster(1, [1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    const log = logOf(numbers(0, 30))
    let failures = 3
    cluster.onFetch(leader, (asked) => {
      if (asked.fetchOffset === 10 && failures-- > 0) {
        leader.seen(fetch).at(-1)!.socket.destroy()
        return null
      }
      return log(asked)
    })
    const errors: string[] = []
    await using consumer = consumerOf(cluster, { onError: (error) => errors.push(error.code) })
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 0 }])
    expect(await take(consumer, 30)).toEqual(numbers(0, 30))
    expect(errors).toEqual(['CONNECTION_CLOSED'])
  })

  it('throws that a topic may not be read, and goes on with the others', async () => {
    await using cluster = await startScriptedCluster(1, [1, 1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    const log = logOf(numbers(0, 5))
    let isAllowed = false
    cluster.onFetch(leader, (asked) =>
      asked.partition === 1 && !isAllowed ? { errorCode: errorCodes.topicAuthorizationFailed } : log(asked),
    )
    await using consumer = consumerOf(cluster)
    consumer.assign([0, 1].map((partition) => ({ topic: cluster.topic, partition, offset: 0 })))
    const seen: string[] = []
    const errors: unknown[] = []
    while (seen.length < 5 || errors.length < 2) {
      try {
        for (const record of await consumer.poll({ timeoutMs: 5000 }))
          seen.push(`${record.partition}:${record.value}`)
      } catch (error) {
        errors.push(error)
      }
    }
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED', topic: cluster.topic, partition: 1 })
    }
    isAllowed = true
    while (seen.length < 10) {
      const records = await consumer.poll({ timeoutMs: 5000 }).catch(() => [])
      for (const record of records) seen.push(`${record.partition}:${record.value}`)
    }
    expect(seen.sort()).toEqual([0, 1].flatMap((p) => numbers(0, 5).map((value) => `${p}:${value}`)))
  })

  it('throws at a corrupt batch after all before it, and goes on behind it when told to', async () => {
    await using cluster = await startScriptedCluster(1, [1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    const log = logOf(numbers(0, 30))
    cluster.onFetch(leader, async (asked) => {
      const answer = (await log(asked))!
      const records = answer.records as Uint8Array | null
      if (asked.fetchOffset === 10 && records) records[records.length - 1]! ^= 1
      return answer
    })
    await using consumer = consumerOf(cluster)
    const partition = { topic: cluster.topic, partition: 0 }
    consumer.assign([{ ...partition, offset: 0 }])
    expect(await take(consumer, 10)).toEqual(numbers(0, 10))
    await expect(take(consumer, 1)).rejects.toMatchObject({
      code: 'CORRUPT_CHECKSUM',
      ...partition,
      message: expect.stringContaining('seek to 20 skips'),
    })
    expect(await consumer.position(partition)).toBe(10)
    consumer.seek({ ...partition, offset: 20 })
    expect(await take(consumer, 10)).toEqual(numbers(20, 30))
  })

  it('resets a position that is out of range only after what is fetched was delivered', async () => {
    await using cluster = await startScriptedCluster(1, [1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    const log = logOf(numbers(0, 10))
    cluster.onFetch(leader, (asked) =>
      asked.fetchOffset < 10 ? log(asked) : { errorCode: errorCodes.offsetOutOfRange },
    )
    await using consumer = consumerOf(cluster, { autoOffsetReset: 'none' })
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 0 }])
    expect(await take(consumer, 10)).toEqual(numbers(0, 10))
    await expect(take(consumer, 1)).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      message: expect.stringContaining('position 10'),
    })
  })

  it('leaves a partition whose buffers are full out of the next fetch', async () => {
    await using cluster = await startScriptedCluster(1, [1, 1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    const log = logOf(numbers(0, 1000))
    let isSecondThere = false
    cluster.onFetch(leader, (asked) =>
      asked.partition === 0 || isSecondThere ? log(asked) : { highWatermark: 0n, records: null },
    )
    await using consumer = consumerOf(cluster)
    consumer.assign([0, 1].map((partition) => ({ topic: cluster.topic, partition, offset: 0 })))
    const iterator = consumer[Symbol.asyncIterator]()
    expect((await iterator.next()).value?.partition).toBe(0)
    await leader.until(() =>
      leader.seen(fetch).some((request) => askedOf(request).every((one) => one.partition === 1)),
    )
    const alone = leader.seen(fetch).find((request) => askedOf(request).length === 1)!
    // Not for long: the first may be read empty meanwhile.
    expect(alone.body).toMatchObject({ maxWaitMs: 50 })
    isSecondThere = true
    const partitions = new Set<number | undefined>()
    while (partitions.size < 2) partitions.add((await iterator.next()).value?.partition)
    await iterator.return()
  })

  it('never asks for more bytes than fetchBufferBytes has room for', async () => {
    await using cluster = await startScriptedCluster(1, [1, 1, 1, 1])
    const [leader] = cluster.brokers as [(typeof cluster.brokers)[0]]
    const log = logOf(
      Array.from({ length: 40 }, () => 'x'.repeat(1000)),
      1,
    )
    const fetchBufferBytes = 10_000
    let batchBytes = 0
    let sent = 0
    let count = 0
    let most = 0
    let left = 0
    let request: unknown = null
    cluster.onFetch(leader, async (asked) => {
      const current = leader.seen(fetch).at(-1)!
      if (current !== request) {
        request = current
        left = current.body.maxBytes
        most = Math.max(most, sent - count * batchBytes + left)
      }
      const answer = (await log(asked))!
      const bytes = (answer.records as Uint8Array | null)?.length ?? 0
      if (bytes > left) return { highWatermark: 40n, records: null }
      left -= bytes
      sent += bytes
      batchBytes = Math.max(batchBytes, bytes)
      return answer
    })
    const limits = { fetchBufferBytes, fetchMaxBytes: 8000, maxPartitionFetchBytes: 2500 }
    await using consumer = consumerOf(cluster, limits)
    consumer.assign([0, 1, 2, 3].map((partition) => ({ topic: cluster.topic, partition, offset: 0 })))
    for await (const _ of consumer) {
      count++
      if (count === 160) break
    }
    expect(most).toBeGreaterThan(5000)
    expect(most).toBeLessThanOrEqual(fetchBufferBytes)
  })

  it('throws what no repetition mends to the reader, again at the next ask', async () => {
    await using cluster = await startScriptedCluster(1, [1])
    const refused = new AuthenticationError('SASL_AUTHENTICATION_FAILED', 'wrong password')
    await using consumer = consumerOf(cluster, { connect: () => Promise.reject(refused) })
    consumer.assign([{ topic: cluster.topic, partition: 0, offset: 0 }])
    await expect(consumer.poll({ timeoutMs: 5000 })).rejects.toBe(refused)
    await expect(consumer.poll({ timeoutMs: 5000 })).rejects.toBe(refused)
    consumer.assign([{ topic: 'another', partition: 0 }])
    await expect(consumer.poll({ timeoutMs: 5000 })).rejects.toBe(refused)
  })

  it('leaves no socket and no timer behind when it is closed in the middle of everything', async () => {
    await using cluster = await startScriptedCluster(2, [1, 2, -1])
    const [first, second] = cluster.brokers as [(typeof cluster.brokers)[0], (typeof cluster.brokers)[0]]
    cluster.onFetch(first, logOf(numbers(0, 100)))
    cluster.onFetch(second, () => new Promise(() => {}))
    const before = activeResources().length
    const consumer = consumerOf(cluster)
    consumer.assign([0, 1, 2].map((partition) => ({ topic: cluster.topic, partition, offset: 0 })))
    await take(consumer, 3)
    await second.received(fetch)
    const waiting = consumer.position({ topic: cluster.topic, partition: 2 })
    consumer.seekToBeginning([{ topic: cluster.topic, partition: 2 }])
    const lost = consumer.position({ topic: cluster.topic, partition: 2 }).catch((error) => error.code)
    expect(await waiting).toBe(0)
    await consumer.close()
    expect(await lost).toBe('ILLEGAL_STATE')
    await first.until(() => first.openConnections === 0 && second.openConnections === 0)
    await expect.poll(() => activeResources().length).toBeLessThanOrEqual(before)
  })
})
