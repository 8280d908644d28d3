import { constants } from 'node:fs'
import { access, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidOptionError, KafkaError, messageOf } from '../../errors.ts'
import { FolderLock } from './folder-lock.ts'
import { type SavedState, StateFile } from './saved-state.ts'

/** What may be in a folder that is new to us: the lock, hidden files, and what a file system has of its own. */
const strangersAllowed = /^(lock|\.|lost\+found$)/

/**
 * The folder that a cluster keeps its data in, locked for as long as it is open:
 *
 * - `state.json`: all but records; see {@link SavedState}
 * - `logs/<topic id>/<partition>.log`: record batches, one behind the other
 * - `lock`: id of the process that uses it
 */
export class DataFolder {
  readonly stateFile: StateFile
  /** What the last run has left; null for a new folder. */
  readonly saved: SavedState | null
  readonly #path: string
  readonly #lock: FolderLock

  private constructor(path: string, lock: FolderLock, stateFile: StateFile, saved: SavedState | null) {
    this.#path = path
    this.#lock = lock
    this.stateFile = stateFile
    this.saved = saved
  }

  /** @throws InvalidOptionError for a folder that cannot be used, or is in use. */
  static async open(path: string): Promise<DataFolder> {
    return await explained(path, async () => {
      await mkdir(path, { recursive: true })
      await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
      const lock = await FolderLock.take(path)
      try {
        const stateFile = new StateFile(path)
        const saved = await stateFile.read()
        if (saved === null) await checkNew(path)
        else await removeUnknown(join(path, 'logs'), saved)
        return new DataFolder(path, lock, stateFile, saved)
      } catch (error) {
        await lock.release()
        throw error
      }
    })
  }

  logPath(topicId: string, partition: number): string {
    return join(this.#path, 'logs', topicId, `${partition}.log`)
  }

  /** Of a topic that is no more. */
  async removeLogs(topicId: string): Promise<void> {
    await rm(join(this.#path, 'logs', topicId), { recursive: true, force: true })
  }

  /** Runs `work`, and tells of the folder what the system says of its files. */
  async explained<T>(work: () => Promise<T>): Promise<T> {
    return await explained(this.#path, work)
  }

  async close(): Promise<void> {
    await this.#lock.release()
  }
}

async function explained<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof KafkaError) throw error
    const text = `the option dataDir is ${JSON.stringify(path)}, which cannot be used: ${messageOf(error)}`
    throw new InvalidOptionError(text, { cause: error })
  }
}

/** A folder with other things in it was not meant. */
async function checkNew(path: string): Promise<void> {
  const strangers = (await readdir(path)).filter((name) => !strangersAllowed.test(name))
  if (strangers.length === 0) return
  throw new InvalidOptionError(
    `the option dataDir is ${JSON.stringify(path)}, which has no state.json and is not empty: ${strangers.slice(0, 3).join(', ')}; allowed: a new folder, or one of an earlier run`,
  )
}

/** Logs of topics that were deleted just before a kill. */
async function removeUnknown(logs: string, { topics }: SavedState): Promise<void> {
  const known = new Set(topics.map(({ id }) => id))
  const there = await readdir(logs).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const unknown = there.filter((name) => /^[\w-]{22}$/.test(name) && !known.has(name))
  for (const name of unknown) await rm(join(logs, name), { recursive: true, force: true })
}
