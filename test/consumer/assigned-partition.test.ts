import { expect, it } from 'vitest'
import { AssignedPartition } from '../../src/consumer/assigned-partition.ts'

const backoff = { retryBackoffMs: 1, retryBackoffMaxMs: 1 }

it('a position that goes back within what was read is of the same topic, one that comes from elsewhere may be not', () => {
  const partition = new AssignedPartition({ topic: 't', partition: 0 }, 'default', true, backoff)
  partition.seek(5)
  partition.topicId = 'first'
  partition.rewind()
  partition.seek(3)
  expect(partition.topicId).toBe('first')
  partition.seekUnchecked(4, -1)
  expect(partition.topicId).toBeNull()
  partition.topicId = 'first'
  partition.reset('latest')
  expect(partition.topicId).toBeNull()
})
