import type { EpochEnd } from '../cluster/epoch-ends.ts'
import { LogTruncationError } from '../errors.ts'
import type { AssignedPartition } from './assigned-partition.ts'
import type { ParsedConsumerOptions } from './consumer-options.ts'
import type { FetchOwner } from './fetch-owner.ts'

export interface TruncationParts {
  readonly autoOffsetReset: ParsedConsumerOptions['autoOffsetReset']
  readonly owner: Pick<FetchOwner, 'onPartitionError' | 'onTrouble'>
}

/**
 * What follows from where the epoch of a fetch position ends in the log of its leader (Java's
 * `maybeCompleteValidation`). It ends behind: all that was read is in that log. It ends before: what is between was read,
 * and is not in the log any more. Reading goes on where the logs part, which loses nothing and repeats nothing that is
 * still there; with `autoOffsetReset: 'none'` the application has to decide. Nothing is known of it: as with a position
 * that is out of range.
 *
 * @param offset the fetch position that was asked about.
 * @param leaderEpoch of the leader that answered.
 */
export function compareWithLog(
  partition: AssignedPartition,
  offset: number,
  end: EpochEnd,
  leaderEpoch: number,
  { autoOffsetReset, owner }: TruncationParts,
): void {
  const isKnown = end.endOffset >= 0 && end.leaderEpoch >= 0
  if (isKnown && end.endOffset >= offset) {
    partition.leaderEpoch = leaderEpoch
    return
  }
  if (partition.fetchOffset > partition.position) {
    // Of what lies unread a part at least is gone. The position itself may be right, and is the next question.
    partition.dropFetches()
    partition.leaderEpoch = -1
    return
  }
  const error = truncationOf(partition, isKnown ? end.endOffset : null, autoOffsetReset)
  if (autoOffsetReset === 'none') return owner.onPartitionError(partition, error)
  owner.onTrouble(error)
  if (!isKnown) return partition.reset('default')
  partition.seek(end.endOffset, end.leaderEpoch)
  partition.leaderEpoch = leaderEpoch
}

function truncationOf(
  { topic, partition, position, fetchEpoch }: AssignedPartition,
  divergentOffset: number | null,
  autoOffsetReset: string,
): LogTruncationError {
  const where =
    divergentOffset === null
      ? 'its leader knows nothing of that epoch'
      : `the log of its leader is another one from offset ${divergentOffset} on`
  const next =
    autoOffsetReset !== 'none'
      ? divergentOffset === null
        ? `going on by autoOffsetReset, which is ${autoOffsetReset}`
        : 'going on there'
      : 'autoOffsetReset is none; seek() to where to go on'
  return new LogTruncationError(
    `${topic}-${partition} was read up to offset ${position} of leader epoch ${fetchEpoch}, and ${where}; ${next}`,
    position,
    divergentOffset,
    { topic, partition },
  )
}

/** For a position in the log of a topic that was deleted, while another one was made under its name. */
export function madeAnew(
  { topic, partition, position }: AssignedPartition,
  autoOffsetReset: string,
): LogTruncationError {
  const next =
    autoOffsetReset === 'none'
      ? 'autoOffsetReset is none; seek() to where to go on'
      : // By whatever policy: none of it was read, and all of it is newer than what was.
        'going on at its beginning'
  return new LogTruncationError(
    `${topic}-${partition} was read up to offset ${position}; then the topic was deleted and made anew, and ${next}`,
    position,
    null,
    { topic, partition },
  )
}
