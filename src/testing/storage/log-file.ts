import { type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { PartitionLog } from '../log/partition-log.ts'

/** Written at once; a segment may be larger. */
const chunkBytes = 4 * 1024 * 1024

/**
 * The batches of one partition, one behind the other as in a segment of Kafka's. What is to be written is taken from the
 * log itself, which never changes bytes that are there: nothing is kept a second time, however slow the disk is.
 */
export class LogFile {
  readonly log: PartitionLog
  readonly path: string
  #handle: FileHandle | null = null
  /** Batches before it are in the file. */
  #writtenTo: number
  #rewritesSeen: number

  /** @param log as it is in the file already. */
  constructor(log: PartitionLog, path: string) {
    this.log = log
    this.path = path
    this.#writtenTo = log.logEndOffset
    this.#rewritesSeen = log.rewrites
  }

  get isBehind(): boolean {
    return this.#writtenTo < this.log.logEndOffset
  }

  /** Batches are in the file that are not in the log any more. */
  get needsRewrite(): boolean {
    return this.#rewritesSeen !== this.log.rewrites
  }

  get isOpen(): boolean {
    return this.#handle !== null
  }

  /** Writes what is new. What is appended meanwhile is left for the next time. */
  async append(): Promise<void> {
    const end = this.log.logEndOffset
    const chunks = [...newBatches(this.log, this.#writtenTo)]
    if (chunks.length > 0) {
      await mkdir(dirname(this.path), { recursive: true })
      this.#handle ??= await open(this.path, 'a')
      for (const chunk of chunks) await this.#handle.appendFile(chunk)
    }
    this.#writtenTo = end
  }

  /** Writes all of it anew; a reader finds the old content or the new one. */
  async rewrite(): Promise<void> {
    const { log } = this
    const rewrites = log.rewrites
    const end = log.logEndOffset
    const chunks = [...newBatches(log, log.logStartOffset)]
    await this.close()
    await mkdir(dirname(this.path), { recursive: true })
    const next = `${this.path}.new`
    const handle = await open(next, 'w')
    try {
      for (const chunk of chunks) await handle.appendFile(chunk)
    } finally {
      await handle.close()
    }
    await rename(next, this.path)
    this.#writtenTo = end
    this.#rewritesSeen = rewrites
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = null
    await handle?.close()
  }
}

/** Views of all batches from `offset` on, many in one. */
function* newBatches(log: PartitionLog, offset: number): Generator<Uint8Array, void, undefined> {
  for (const segment of log.segments) {
    if (segment.lastOffset < offset) continue
    const first = segment.batches[segment.indexOf(offset)]
    if (first === undefined) continue
    for (let at = first.position; at < segment.sizeInBytes; at += chunkBytes) {
      yield segment.slice(at, at + chunkBytes)
    }
  }
}
