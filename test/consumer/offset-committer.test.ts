import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster } from '../../src/cluster/cluster.ts'
import { type CommitOwner, OffsetCommitter } from '../../src/consumer/offset-committer.ts'
import { Deadline } from '../../src/deadline.ts'
import { clientOptions } from '../../src/options/client-options.ts'
import { clusterOptions } from '../../src/options/cluster-options.ts'
import { parseOptions } from '../../src/options/parse-options.ts'
import { findCoordinator } from '../../src/protocol/apis/find-coordinator.ts'
import { type OffsetCommitRequest, offsetCommit } from '../../src/protocol/apis/offset-commit.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { gate } from '../support/promises.ts'
import { type ScriptedBroker, startScriptedBroker } from '../support/scripted-broker.ts'

describe('OffsetCommitter', () => {
  let broker: ScriptedBroker
  let cluster: Cluster
  let refusals: [errorCode: number, generationId: number][]
  let generationId: number
  let committer: OffsetCommitter

  beforeEach(async () => {
    broker = await startScriptedBroker()
    broker.on(findCoordinator, () => ({
      coordinators: [{ key: 'g', ...broker.node() }],
    }))
    const options = parseOptions('test client', clientOptions, {
      bootstrapServers: broker.address,
      retryBackoffMs: 5,
    })
    cluster = new Cluster(clusterOptions(options, { allowAutoTopicCreation: false }))
    refusals = []
    generationId = 3
    const owner: CommitOwner = {
      groupId: 'g',
      groupMetadata: () => ({ groupId: 'g', generationId, memberId: 'm', groupInstanceId: null }),
      find: () => undefined,
      afterRebalance: () => null,
      onCommitRefused: (errorCode, { generationId: of }) => refusals.push([errorCode, of]),
    }
    committer = new OffsetCommitter(cluster, owner)
  })

  afterEach(async () => {
    cluster.close()
    await broker.stop()
  })

  /** Answers each commit by the next of these codes, the last for all others. */
  function answerBy(...codes: number[]): void {
    broker.on(offsetCommit, ({ body }) => answer(body as OffsetCommitRequest, codes.shift() ?? 0))
  }

  function answer({ topics = [] }: OffsetCommitRequest, errorCode: number) {
    return {
      topics: topics.map(({ name = '', partitions = [] }) => ({
        name,
        partitions: partitions.map(({ partitionIndex = 0 }) => ({ partitionIndex, errorCode })),
      })),
    }
  }

  function committedOffsets(): bigint[] {
    return broker.seen(offsetCommit).map(({ body }) => body.topics[0]!.partitions[0]!.committedOffset)
  }

  const commit = (offset: number) =>
    committer.commit(() => [{ topic: 't', partition: 1, offset }], new Deadline(5000))

  it('sends one commit at a time, in the order of the calls', async () => {
    const held = gate()
    broker.on(offsetCommit, async ({ body }) => {
      await held.opened
      return answer(body as OffsetCommitRequest, 0)
    })
    const first = commit(100)
    const second = commit(50)
    await broker.received(offsetCommit)
    expect(committedOffsets()).toEqual([100n])
    held.open()
    await Promise.all([first, second])
    expect(committedOffsets()).toEqual([100n, 50n])
  })

  it('tries again what is worth it, about the group and about a partition', async () => {
    answerBy(
      errorCodes.coordinatorLoadInProgress,
      errorCodes.notCoordinator,
      errorCodes.unstableOffsetCommit,
      0,
    )
    await commit(7)
    expect(committedOffsets()).toEqual([7n, 7n, 7n, 7n])
    // NOT_COORDINATOR makes for another question who it is.
    expect(broker.seen(findCoordinator)).toHaveLength(2)
  })

  it.each([
    ['ILLEGAL_GENERATION', errorCodes.illegalGeneration],
    ['UNKNOWN_MEMBER_ID', errorCodes.unknownMemberId],
    ['REBALANCE_IN_PROGRESS', errorCodes.rebalanceInProgress],
    ['FENCED_INSTANCE_ID', errorCodes.fencedInstanceId],
  ])('throws %s, tells the member, and goes on with the next commit', async (code, errorCode) => {
    answerBy(errorCode, 0)
    const refused = commit(1)
    const next = commit(2)
    await expect(refused).rejects.toMatchObject({ code, groupId: 'g' })
    expect(refusals).toEqual([[errorCode, 3]])
    await next
    expect(committedOffsets()).toEqual([1n, 2n])
  })

  it('commits for the generation in which it began, whatever comes while it is tried again', async () => {
    answerBy(errorCodes.coordinatorLoadInProgress, 0)
    const committing = commit(1)
    await broker.received(offsetCommit)
    generationId = 4
    await committing
    const generations = broker.seen(offsetCommit).map(({ body }) => body.generationIdOrMemberEpoch)
    expect(generations).toEqual([3, 3])
  })

  it('names the partition that was refused, and does not wait for a topic that is gone', async () => {
    answerBy(errorCodes.unknownTopicOrPartition)
    await expect(commit(1)).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      topic: 't',
      partition: 1,
      groupId: 'g',
    })
    expect(refusals).toEqual([])
  })

  it('takes nothing for committed that the answer leaves out', async () => {
    broker.on(offsetCommit, ({ body }) =>
      broker.seen(offsetCommit).length < 3 ? { topics: [] } : answer(body as OffsetCommitRequest, 0),
    )
    await commit(1)
    expect(committedOffsets()).toEqual([1n, 1n, 1n])
  })

  it('ends at the deadline, and does not send what has waited for too long', async () => {
    broker.on(offsetCommit, () => null)
    const late = committer.commit(() => [{ topic: 't', partition: 1, offset: 1 }], new Deadline(50))
    const waiting = committer.commit(() => [{ topic: 't', partition: 1, offset: 2 }], new Deadline(50))
    // Both are looked at from the start: which deadline is over first is for the timers to say.
    const timedOut = { status: 'rejected', reason: { code: 'API_TIMEOUT' } }
    expect(await Promise.allSettled([late, waiting])).toMatchObject([timedOut, timedOut])
    await committer.ended()
    expect(committedOffsets()).toEqual([1n])
  })

  it('sends nothing when there is nothing to commit', async () => {
    answerBy(0)
    await committer.commit(() => [], new Deadline(1000))
    await commit(3)
    expect(committedOffsets()).toEqual([3n])
  })
})
