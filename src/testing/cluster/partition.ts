import { PartitionLog } from '../log/partition-log.ts'
import type { Topic } from './topic.ts'

/** A partition as the controller knows it, with its log, which all of its replicas share. */
export class Partition {
  readonly topic: Topic
  readonly index: number
  readonly log: PartitionLog
  /** Broker ids, the preferred leader first. */
  replicas: number[]
  isr: number[]
  /** -1: there is none. */
  leader: number
  leaderEpoch = 0
  /** Replicas to be, and those on their way out, while a reassignment goes on (KIP-455). */
  addingReplicas: number[] = []
  removingReplicas: number[] = []

  constructor(topic: Topic, index: number, replicas: readonly number[]) {
    this.topic = topic
    this.index = index
    this.replicas = [...replicas]
    this.isr = [...replicas]
    this.leader = replicas[0] ?? -1
    this.log = new PartitionLog(this.name)
    this.log.epochs.assign(this.leaderEpoch, 0)
  }

  /** As Kafka writes it: `orders-3`. */
  get name(): string {
    return `${this.topic.name}-${this.index}`
  }

  /** Gives the lead to a broker, or with -1 to none: a new epoch begins. */
  lead(brokerId: number): void {
    this.leader = brokerId
    this.leaderEpoch++
    // Known from the first moment on, and not from the first record of it on (KIP-101).
    this.log.epochs.assign(this.leaderEpoch, this.log.logEndOffset)
    // The new leader may have another high watermark, and readers at the old one have to be told.
    this.log.wakeReaders()
  }

  /**
   * Sets replicas in sync and leader by which brokers are there (`isAlive`): a leader that is there stays; else the first
   * replica in sync takes over, or, where `unclean`, any. The last replica in sync stays one although it is gone.
   */
  electLeader(isAlive: (brokerId: number) => boolean, unclean: boolean): void {
    const alive = this.replicas.filter(isAlive)
    const inSync = alive.filter((id) => this.isr.includes(id))
    // Replicas share the log, so a broker that is back has caught up.
    const leads = inSync.length > 0 || unclean
    const isr = leads ? alive : this.isr
    const leader =
      !leads || alive.length === 0 ? -1 : alive.includes(this.leader) ? this.leader : (inSync[0] ?? alive[0]!)
    const isrChanged = isr.length !== this.isr.length || isr.some((id, i) => this.isr[i] !== id)
    if (isr.length > 0 && isrChanged) this.isr = [...isr]
    if (leader !== this.leader) this.lead(leader)
  }
}
