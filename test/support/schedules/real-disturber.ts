import { setTimeout as sleep } from 'node:timers/promises'
import { adminOptions } from '../../../src/admin/admin-options.ts'
import { Cluster } from '../../../src/cluster/cluster.ts'
import { Deadline } from '../../../src/deadline.ts'
import { Kafka } from '../../../src/kafka.ts'
import { clusterOptions } from '../../../src/options/cluster-options.ts'
import { parseOptions } from '../../../src/options/parse-options.ts'
import { alterPartitionReassignments } from '../../../src/protocol/apis/alter-partition-reassignments.ts'
import { electLeaders } from '../../../src/protocol/apis/elect-leaders.ts'
import type { RealKafka } from '../real-kafka/index.ts'
import type { Disturbance, Upheaval } from './fault-runner.ts'

/** A real broker takes its time: it hangs for so many times as long as one in memory. */
const slower = 6

/** Kills, freezes and moves, one at a time. */
export class RealDisturber implements AsyncDisposable {
  readonly #kafka: RealKafka
  readonly #topic: string
  readonly #cluster: Cluster
  #running: Promise<void> = Promise.resolve()
  #isOver = false

  constructor(kafka: RealKafka, topic: string) {
    this.#kafka = kafka
    this.#topic = topic
    const { bootstrapServers } = kafka
    const options = parseOptions('admin', adminOptions, { bootstrapServers, clientId: 'disturber' })
    this.#cluster = new Cluster(clusterOptions(options, { allowAutoTopicCreation: false }))
  }

  /** When those before it are over. */
  disturb(disturbance: Disturbance | Upheaval): void {
    this.#running = this.#running.then(async () => {
      if (!this.#isOver) await this.#disturb(disturbance)
    })
    // Told by `lift`.
    this.#running.catch(() => {})
  }

  /** Waits for what is under way; what has not begun does not happen. */
  async lift(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lift().catch(() => {})
    this.#cluster.close()
  }

  async #disturb({ kind, ms, pick }: Disturbance | Upheaval): Promise<void> {
    const { nodes } = this.#kafka
    const { id } = nodes[pick % nodes.length]!
    switch (kind) {
      case 'freeze':
        this.#kafka.freeze(id)
        await sleep(ms * 2 * slower)
        this.#kafka.thaw(id)
        return
      case 'recreate':
        // What its log held is gone with it, and there would be nothing to compare with.
        return
      case 'readdress':
      case 'stop':
        await (pick % 2 === 0 ? this.#kafka.kill(id) : this.#kafka.shutdown(id))
        await sleep(ms)
        await this.#kafka.restart(id)
        return
      case 'grow': {
        const { partitions } = await this.#cluster.metadata.topic(this.#topic, new Deadline(30_000))
        await using admin = new Kafka({ bootstrapServers: this.#kafka.bootstrapServers }).admin()
        // By another one, meanwhile, it can have grown already.
        await admin.createPartitions([{ topic: this.#topic, totalCount: partitions.length + 1 }])
        return
      }
      case 'move':
        return await this.#move(pick)
    }
  }

  /** The last replica becomes the preferred leader, and the leader. Where it is not in sync, nothing happens. */
  async #move(pick: number): Promise<void> {
    const deadline = new Deadline(30_000)
    const { partitions } = await this.#cluster.metadata.topic(this.#topic, deadline)
    const { partition: partitionIndex, replicas } = partitions[pick % partitions.length]!
    const turned = [replicas.at(-1)!, ...replicas.slice(0, -1)]
    const topics = [{ name: this.#topic, partitions: [{ partitionIndex, replicas: turned }] }]
    await this.#cluster.request(alterPartitionReassignments, { topics }, { to: 'controller', deadline })
    const topicPartitions = [{ topic: this.#topic, partitions: [partitionIndex] }]
    await this.#cluster.request(
      electLeaders,
      { electionType: 0, topicPartitions },
      { to: 'controller', deadline },
    )
    await this.#cluster.metadata.refresh([this.#topic])
  }
}
