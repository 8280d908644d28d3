import { messageOf } from '../../errors.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { Topic } from '../cluster/topic.ts'
import type { DataFolder } from './data-folder.ts'
import { LogFile } from './log-file.ts'
import { saveState } from './saved-state.ts'

/** The state is written so long after a change at the latest, in real time. */
const stateDelayMs = 100

/** Files that are kept open. */
const openFilesMax = 128

/** Fetch, ListOffsets, Metadata, FindCoordinator, Heartbeat, ApiVersions, ConsumerGroupHeartbeat: they change nothing that is kept. */
const readingApis: ReadonlySet<number> = new Set([1, 2, 3, 10, 12, 18, 68])

/**
 * Writes a cluster's changes into its folder, one thing at a time and never in the way of a request: records as soon as the
 * disk has taken those before, the rest {@link stateDelayMs} after a change.
 *
 * What is written at a kill fits together: the state is that of a moment for which all records have been written before;
 * and batches are taken off a file only when the state says that they are gone.
 */
export class StorageWriter {
  readonly #cluster: KafkaCluster
  readonly #folder: DataFolder
  /** By topic id. */
  readonly #files = new Map<string, { readonly topic: Topic; readonly files: LogFile[] }>()
  readonly #unwatch = new Map<LogFile, () => void>()
  readonly #unwatchTopics: () => void
  /** Files with less than their logs. */
  readonly #behind = new Set<LogFile>()
  /** In the order of their last use. */
  readonly #open = new Set<LogFile>()
  /** Topics that are deleted, and whose folders are still there. */
  #deleted: { readonly topic: Topic; readonly files: LogFile[] }[] = []
  #stateDue = false
  #stateTimer: NodeJS.Timeout | null = null
  #writing: Promise<void> | null = null
  #failure: Error | null = null
  #started = false

  constructor(cluster: KafkaCluster, folder: DataFolder) {
    this.#cluster = cluster
    this.#folder = folder
    for (const topic of cluster.topics) this.#addFiles(topic)
    this.#unwatchTopics = cluster.topics.watch((topic) => this.#topicChanged(topic))
    cluster.onCarriedOut = (apiKey) => {
      if (!readingApis.has(apiKey)) this.#stateChanged()
    }
  }

  /** Why nothing is written any more. */
  get failure(): Error | null {
    return this.#failure
  }

  /** Until then changes are only noticed: what has not been read back yet must not be overwritten. */
  async start(): Promise<void> {
    this.#started = true
    await this.flush()
  }

  /** Writes all that there is now, unless there is a failure. */
  async flush(): Promise<void> {
    this.#stateDue = true
    await this.#write()
    while (this.#writing !== null) await this.#writing
  }

  /** Writes what is left and lets go of the files. Failures have been told already. */
  async close(): Promise<void> {
    this.#unwatchTopics()
    for (const unwatch of this.#unwatch.values()) unwatch()
    this.#cluster.onCarriedOut = null
    if (this.#started) await this.flush()
    if (this.#stateTimer !== null) clearTimeout(this.#stateTimer)
    this.#stateTimer = null
    for (const file of this.#open) await file.close()
    this.#open.clear()
  }

  #topicChanged(topic: Topic): void {
    if (this.#cluster.topics.byId(topic.id) === topic) this.#addFiles(topic)
    else this.#removeFiles(topic)
    // At once: without it the records that are written to a new topic would belong to nothing.
    this.#stateDue = true
    this.#write()
  }

  #addFiles(topic: Topic): void {
    let entry = this.#files.get(topic.id)
    if (entry === undefined) {
      entry = { topic, files: [] }
      this.#files.set(topic.id, entry)
    }
    for (const { index, log } of topic.partitions.slice(entry.files.length)) {
      const file = new LogFile(log, this.#folder.logPath(topic.id, index))
      entry.files.push(file)
      this.#unwatch.set(
        file,
        log.watch(() => this.#logChanged(file)),
      )
    }
  }

  #removeFiles(topic: Topic): void {
    const entry = this.#files.get(topic.id)
    if (entry === undefined) return
    this.#files.delete(topic.id)
    this.#deleted.push(entry)
    for (const file of entry.files) {
      this.#unwatch.get(file)?.()
      this.#unwatch.delete(file)
      this.#behind.delete(file)
    }
  }

  #logChanged(file: LogFile): void {
    if (file.isBehind) {
      this.#behind.add(file)
      this.#write()
    } else this.#stateChanged()
    if (file.needsRewrite) this.#stateChanged()
  }

  #stateChanged(): void {
    this.#stateTimer ??= setTimeout(() => {
      this.#stateTimer = null
      this.#stateDue = true
      this.#write()
    }, stateDelayMs)
  }

  #write(): Promise<void> {
    if (!this.#started) return Promise.resolve()
    this.#writing ??= this.#writeAll()
    return this.#writing
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    // All that comes in one turn is written in one go.
    await new Promise((resolve) => setImmediate(resolve))
    try {
      while (this.#failure === null && (this.#stateDue || this.#behind.size > 0)) {
        if (this.#stateDue) await this.#writeState()
        for (const file of this.#behind) {
          await this.#append(file)
          if (this.#stateDue) break
        }
      }
    } catch (error) {
      // What comes behind a batch that was cut short could not be read. The data in memory is as good as before.
      const text = `the data folder cannot be written, and nothing more is kept: ${messageOf(error)}`
      this.#failure = new Error(text, { cause: error })
      this.#cluster.failed(this.#failure)
    }
    // In the same turn in which it is seen that nothing is left: what comes later begins anew.
    this.#writing = null
  }

  async #writeState(): Promise<void> {
    this.#stateDue = false
    const state = saveState(this.#cluster)
    const known = new Set(state.topics.map(({ id }) => id))
    const deleted = this.#deleted
    this.#deleted = []
    const shrunk = this.#allFiles()
      .filter(({ needsRewrite }) => needsRewrite)
      .map((file) => ({ file, rewrites: file.log.rewrites }))
    for (const [topicId, { files }] of this.#files) {
      if (!known.has(topicId)) continue
      for (const file of files) if (this.#behind.has(file)) await this.#append(file)
    }
    await this.#folder.stateFile.write(state)
    for (const { file, rewrites } of shrunk) {
      // It has been shortened again, and the state that was written does not know how far.
      if (file.log.rewrites !== rewrites || !this.#unwatch.has(file)) continue
      await file.rewrite()
      this.#open.delete(file)
      if (!file.isBehind) this.#behind.delete(file)
    }
    for (const { topic, files } of deleted) {
      for (const file of files) {
        this.#open.delete(file)
        await file.close()
      }
      await this.#folder.removeLogs(topic.id)
    }
  }

  async #append(file: LogFile): Promise<void> {
    this.#behind.delete(file)
    // Its topic has been deleted.
    if (!this.#unwatch.has(file)) return
    await file.append()
    if (file.isBehind) this.#behind.add(file)
    this.#open.delete(file)
    if (file.isOpen) this.#open.add(file)
    if (this.#open.size <= openFilesMax) return
    const [oldest] = this.#open
    this.#open.delete(oldest!)
    await oldest!.close()
  }

  #allFiles(): LogFile[] {
    return [...this.#files.values()].flatMap(({ files }) => files)
  }
}
