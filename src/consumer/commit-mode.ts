import type { AssignedPartition } from './assigned-partition.ts'
import type { OffsetToCommit } from './offset-committer.ts'

/**
 * What a commit without offsets is about. `done`: what was handed out and is done. `stored`: what the application has
 * stored (`enableAutoOffsetStore: false`). `beforehand`: each commit comes before its records are handed out (`atMostOnce`).
 */
export type CommitMode = 'done' | 'stored' | 'beforehand'

/** An offset that the application has given to the next automatic commit: that of the next record to read. */
export interface StoredOffset {
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
}

export function commitModeOf(options: {
  readonly atMostOnce?: boolean | undefined
  readonly enableAutoOffsetStore?: boolean | undefined
}): CommitMode {
  if (options.atMostOnce === true) return 'beforehand'
  return options.enableAutoOffsetStore === false ? 'stored' : 'done'
}

/** What an automatic commit has to commit of a partition; null when that is committed already. */
export function newsToCommit(partition: AssignedPartition): OffsetToCommit | null {
  const { commitMode, stored, done, position } = partition
  switch (commitMode) {
    case 'done':
      if (done < 0 || done === partition.committedDone) return null
      return offsetOf(partition, done, partition.doneEpoch)
    case 'stored':
      return stored === null || stored === partition.committedStored ? null : storedOf(partition, stored)
    case 'beforehand':
      // Committed and not handed out: the next owner may have it. Only for a partition of which nothing more is handed
      // out here: what is handed out while such a commit is on its way would be read again after a crash.
      if (position < 0 || partition.promised <= position) return null
      return offsetOf(partition, position, partition.positionEpoch)
  }
}

/** What `commit()` commits of a partition: all that was delivered, or was stored; null: nothing. */
export function deliveredOffset(partition: AssignedPartition): OffsetToCommit | null {
  const { commitMode, stored, position } = partition
  if (commitMode === 'stored') return stored === null ? null : storedOf(partition, stored)
  if (position < 0) return null
  // `run()` has taken more than its handlers have seen.
  if (partition.taken > 0) return offsetOf(partition, partition.done, partition.doneEpoch)
  // Less would have what is handed out from here on read again after a crash.
  if (partition.promised > position) return offsetOf(partition, partition.promised, -1)
  return offsetOf(partition, position, partition.positionEpoch)
}

function offsetOf({ topic, partition }: AssignedPartition, offset: number, leaderEpoch: number) {
  return { topic, partition, offset, leaderEpoch }
}

function storedOf({ topic, partition }: AssignedPartition, stored: StoredOffset) {
  return { topic, partition, ...stored }
}
