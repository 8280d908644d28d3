import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidOptionError, messageOf } from '../../errors.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { KafkaVersion } from '../versions/kafka-version.ts'
import { restoreConfigs, type SavedConfigs, saveConfigs } from './configs-state.ts'
import { restoreGroups, type SavedGroup, saveGroups } from './groups-state.ts'
import { restoreSecurity, type SavedSecurity, saveSecurity } from './security-state.ts'
import { type SavedTopic, saveTopics } from './topics-state.ts'
import { restoreTransactions, type SavedTransaction, saveTransactions } from './transactions-state.ts'

/** Of `state.json` and of the files beside it. Grows with each change that an older reader would get wrong. */
const formatVersion = 1

/** All that a cluster knows besides what is in its logs. int64 that may be large are decimal texts. */
export interface SavedState {
  readonly formatVersion: number
  readonly clusterId: string
  readonly kafkaVersion: KafkaVersion
  readonly lastProducerId: string
  readonly topics: readonly SavedTopic[]
  readonly groups: readonly SavedGroup[]
  readonly transactions: readonly SavedTransaction[]
  readonly configs: SavedConfigs
  readonly security: SavedSecurity
}

/** Kafka's brokers take producer ids in blocks of so many, and begin a new one when they start. */
const producerIdBlock = 1000n

export function saveState(cluster: KafkaCluster): SavedState {
  return {
    formatVersion,
    clusterId: cluster.clusterId,
    kafkaVersion: cluster.profile.version,
    lastProducerId: String(cluster.lastProducerId),
    topics: saveTopics(cluster),
    groups: saveGroups(cluster),
    transactions: saveTransactions(cluster),
    configs: saveConfigs(cluster),
    security: saveSecurity(cluster),
  }
}

/** Puts into a cluster that has not started yet what is no topic and belongs to no broker. */
export function restoreState(cluster: KafkaCluster, state: SavedState): void {
  const last = BigInt(state.lastProducerId)
  // An id may have been given out after the state was written: nobody may get it a second time.
  if (last >= 0n) cluster.producerIdsUpTo((last / producerIdBlock + 1n) * producerIdBlock - 1n)
  restoreConfigs(cluster, state.configs, state.kafkaVersion)
  restoreSecurity(cluster, state.security)
  restoreGroups(cluster, state.groups)
  restoreTransactions(cluster, state.transactions)
}

/** The file with a cluster's {@link SavedState}. */
export class StateFile {
  readonly #path: string
  #written = ''

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'state.json')
  }

  /**
   * Null when there is none.
   *
   * @throws InvalidOptionError for one that is damaged, or of another version of the format.
   */
  async read(): Promise<SavedState | null> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
    let state: Partial<SavedState> | null
    try {
      state = JSON.parse(text) as Partial<SavedState> | null
    } catch (error) {
      throw this.damaged(error)
    }
    if (state?.formatVersion !== formatVersion) {
      const version = JSON.stringify(state?.formatVersion ?? null)
      throw new InvalidOptionError(
        `the option dataDir: ${this.#path} has format version ${version}; this version reads ${formatVersion}`,
      )
    }
    if (!Array.isArray(state.topics)) throw this.damaged(new Error('it has no list of topics'))
    return state as SavedState
  }

  /** A reader finds the old state or the new one. Writes nothing when it is the same. */
  async write(state: SavedState): Promise<void> {
    const text = `${JSON.stringify(state)}\n`
    if (text === this.#written) return
    const next = `${this.#path}.new`
    await writeFile(next, text)
    await rename(next, this.#path)
    this.#written = text
  }

  damaged(cause: unknown): InvalidOptionError {
    return new InvalidOptionError(
      `the option dataDir: ${this.#path} is damaged: ${messageOf(cause)}; without the folder a new cluster begins`,
      { cause },
    )
  }
}
