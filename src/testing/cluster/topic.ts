import type { TopicConfig } from '../configs/topic-config.ts'
import { Partition } from './partition.ts'

/** A topic as the controller knows it. */
export class Topic {
  readonly name: string
  readonly id: string
  readonly isInternal: boolean
  readonly config: TopicConfig
  readonly partitions: Partition[] = []

  constructor(name: string, id: string, config: TopicConfig, assignment: readonly (readonly number[])[]) {
    this.name = name
    this.id = id
    this.isInternal = internalTopics.has(name)
    this.config = config
    this.addPartitions(assignment)
  }

  /** @param assignment replicas of each new partition, the preferred leader first. */
  addPartitions(assignment: readonly (readonly number[])[]): void {
    for (const replicas of assignment) {
      this.partitions.push(new Partition(this, this.partitions.length, replicas))
    }
  }
}

export const internalTopics: ReadonlySet<string> = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
])
