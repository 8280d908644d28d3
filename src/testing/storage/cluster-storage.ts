import { InvalidOptionError } from '../../errors.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { Topic } from '../cluster/topic.ts'
import type { StartKafkaOptions } from '../options.ts'
import { restoreBrokerConfigs } from './configs-state.ts'
import { DataFolder } from './data-folder.ts'
import { readLog } from './read-log.ts'
import { restoreState } from './saved-state.ts'
import { StorageWriter } from './storage-writer.ts'
import { topicOf } from './topics-state.ts'
import { abortUnknownTransactions } from './transactions-state.ts'

/** What a cluster keeps in a folder: it is read before the brokers start, and written behind their backs. */
export class ClusterStorage {
  readonly #folder: DataFolder
  #writer: StorageWriter | null = null

  private constructor(folder: DataFolder) {
    this.#folder = folder
  }

  /** @throws InvalidOptionError for a folder that cannot be used, or is in use. */
  static async open(dataDir: string): Promise<ClusterStorage> {
    return new ClusterStorage(await DataFolder.open(dataDir))
  }

  /** The options, and for what they leave open what it was in the last run. */
  optionsFor(options: StartKafkaOptions): StartKafkaOptions {
    const { saved } = this.#folder
    if (saved === null) return options
    const { clusterId, kafkaVersion } = saved
    if (options.clusterId !== undefined && options.clusterId !== clusterId) {
      throw new InvalidOptionError(
        `the option clusterId is ${options.clusterId}, and dataDir has data of the cluster ${clusterId}`,
      )
    }
    return { ...options, clusterId, version: options.version ?? kafkaVersion }
  }

  /**
   * Puts into the cluster, which has no broker yet, what was kept. From then on each change of it is.
   *
   * @throws InvalidOptionError for data that is damaged.
   */
  async restore(cluster: KafkaCluster): Promise<void> {
    const { saved } = this.#folder
    if (saved !== null) {
      await this.#restoreTopics(cluster)
      this.#orDamaged(() => restoreState(cluster, saved))
    }
    this.#writer = new StorageWriter(cluster, this.#folder)
  }

  /** The brokers have started: what waited for them goes on. */
  async resume(cluster: KafkaCluster): Promise<void> {
    const { saved } = this.#folder
    if (saved !== null) {
      this.#orDamaged(() => restoreBrokerConfigs(cluster, saved.configs))
      cluster.electLeaders()
      abortUnknownTransactions(cluster)
    }
    await this.#folder.explained(async () => {
      const writer = this.#writer!
      await writer.start()
      if (writer.failure !== null) throw writer.failure
    })
  }

  /** Writes what is still to be written. */
  async close(): Promise<void> {
    await this.#writer?.close()
    await this.#folder.close()
  }

  async #restoreTopics(cluster: KafkaCluster): Promise<void> {
    const now = cluster.clock.now()
    for (const savedTopic of this.#folder.saved!.topics) {
      const topic = this.#orDamaged(() => topicOf(cluster, savedTopic))
      for (const { index, log } of topic.partitions) {
        const { logStartOffset, endOffset } = savedTopic.partitions[index]!
        const path = this.#folder.logPath(topic.id, index)
        await this.#folder.explained(() => readLog(path, log, logStartOffset, now))
        log.restoreBounds(logStartOffset, Math.max(logStartOffset, endOffset, log.logEndOffset))
      }
      restoreProducerIds(cluster, topic)
      cluster.topics.restore(topic)
    }
  }

  #orDamaged<T>(restore: () => T): T {
    try {
      return restore()
    } catch (error) {
      throw this.#folder.stateFile.damaged(error)
    }
  }
}

/** After a kill the logs may know of ids that the state does not. */
function restoreProducerIds(cluster: KafkaCluster, { partitions }: Topic): void {
  for (const { log } of partitions) {
    for (const { producerId } of log.producers.all()) cluster.producerIdsUpTo(producerId)
  }
}
