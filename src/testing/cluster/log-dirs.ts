import type { KafkaCluster } from './kafka-cluster.ts'
import type { Partition } from './partition.ts'

/** In which of a broker's log directories each replica is said to be (KIP-113). Nothing is kept there. */
export class LogDirs {
  readonly #cluster: KafkaCluster
  /** What was moved, by the id of the broker. */
  readonly #moved = new WeakMap<Partition, Map<number, string>>()

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  /** Absolute paths; at least one. */
  get paths(): string[] {
    const { config } = this.#cluster
    const several = config.getList('log.dirs')
    return several.length > 0 ? several : config.getList('log.dir')
  }

  of(partition: Partition, brokerId: number): string {
    const moved = this.#moved.get(partition)?.get(brokerId)
    const { paths } = this
    return moved !== undefined && paths.includes(moved) ? moved : paths[partition.index % paths.length]!
  }

  move(partition: Partition, brokerId: number, path: string): void {
    const moved = this.#moved.get(partition) ?? new Map<number, string>()
    this.#moved.set(partition, moved.set(brokerId, path))
  }
}
