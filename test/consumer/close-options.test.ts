import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Consumer } from '../../src/consumer/consumer.ts'
import type { GroupMembershipOperation } from '../../src/consumer/group/group-member.ts'
import { InvalidArgumentError } from '../../src/errors.ts'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'

describe('closing a consumer', () => {
  let kafka: TestKafka

  beforeEach(async () => {
    kafka = await startKafka({ topics: ['orders'] })
  })

  afterEach(async () => {
    await kafka.close()
  })

  async function leavesOf(
    groupInstanceId: string | undefined,
    groupMembershipOperation: GroupMembershipOperation | undefined,
  ) {
    const consumer = new Consumer({
      bootstrapServers: kafka.bootstrapServers,
      groupId: 'billing',
      topics: ['orders'],
      groupInstanceId,
      fetchMaxWaitMs: 50,
    })
    const polled = consumer.poll({ timeoutMs: 10_000 })
    await expect.poll(() => consumer.assignment(), { timeout: 10_000 }).toHaveLength(1)
    await consumer.close({ groupMembershipOperation })
    await polled
    return kafka.requests.all('LeaveGroup').map(({ body }) => body.members)
  }

  it.each<[string, string | undefined, GroupMembershipOperation | undefined, number]>([
    ['a dynamic member leaves by default', undefined, undefined, 1],
    ['a dynamic member leaves by default, asked for by name', undefined, 'default', 1],
    ['a dynamic member remains when told to', undefined, 'remainInGroup', 0],
    ['a static member remains by default', 'till-1', 'default', 0],
    ['a static member leaves when told to', 'till-1', 'leaveGroup', 1],
    ['a static member remains when told to', 'till-1', 'remainInGroup', 0],
  ])('%s', async (_what, groupInstanceId, operation, count) => {
    const leaves = await leavesOf(groupInstanceId, operation)
    expect(leaves).toHaveLength(count)
    if (count > 0) expect(leaves[0]).toMatchObject([{ groupInstanceId: groupInstanceId ?? null }])
  })

  it('lets the next static member of the same name begin at once, after one that has left', async () => {
    await leavesOf('till-1', 'leaveGroup')
    await leavesOf('till-1', 'leaveGroup')
    expect(kafka.requests.all('LeaveGroup')).toHaveLength(2)
  })

  it('refuses other operations', async () => {
    await using consumer = new Consumer({ bootstrapServers: kafka.bootstrapServers })
    expect(() => consumer.close({ groupMembershipOperation: 'stay' as never })).toThrow(InvalidArgumentError)
    expect(() => consumer.close({ groupMembershipOperation: 'stay' as never })).toThrow(
      `groupMembershipOperation must be 'default', 'leaveGroup' or 'remainInGroup', not "stay"`,
    )
  })
})
