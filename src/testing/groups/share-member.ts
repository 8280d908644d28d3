import type { ClockTimer } from '../clock.ts'
import { noPartitions, type TopicPartitionMap } from './topic-partition-map.ts'

/** A member of a share group as its coordinator knows it (Java's `ShareGroupMember`). */
export class ShareMember {
  readonly memberId: string
  rackId: string | null = null
  clientId = ''
  clientHost = ''
  /** Sorted, each once. */
  subscribedTopicNames: readonly string[] = []
  memberEpoch = 0
  previousMemberEpoch = 0
  assigned: TopicPartitionMap = noPartitions
  sessionTimer: ClockTimer | null = null

  constructor(memberId: string) {
    this.memberId = memberId
  }
}
