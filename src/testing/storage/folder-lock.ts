import { realpathSync } from 'node:fs'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidOptionError } from '../../errors.ts'

/** Folders that are in use in this process: in a container each run has the same process id. */
const mine = new Set<string>()

/** Keeps a second process out of a folder for as long as it is held. */
export class FolderLock {
  readonly #folder: string
  readonly #path: string

  private constructor(folder: string, path: string) {
    this.#folder = folder
    this.#path = path
  }

  /**
   * Takes the lock; that of a process that does not run any more is taken over.
   *
   * @throws InvalidOptionError when another one holds it.
   */
  static async take(dataDir: string): Promise<FolderLock> {
    const folder = realpathSync(dataDir)
    const path = join(folder, 'lock')
    if (mine.has(folder)) throw inUse(dataDir, 'another Kafka of this process', path)
    mine.add(folder)
    try {
      for (;;) {
        if (await create(path)) return new FolderLock(folder, path)
        const holder = await holderOf(path)
        // It went away between the two.
        if (holder === null) continue
        const pid = Number(holder)
        if (isAlive(pid)) throw inUse(dataDir, `process ${pid}`, path)
        await removeStale(path, holder)
      }
    } catch (error) {
      mine.delete(folder)
      throw error
    }
  }

  async release(): Promise<void> {
    await rm(this.#path, { force: true })
    mine.delete(this.#folder)
  }
}

function inUse(dataDir: string, by: string, path: string): InvalidOptionError {
  return new InvalidOptionError(
    `the option dataDir is ${JSON.stringify(dataDir)}, which ${by} uses; where that is no Kafka, delete ${path}`,
  )
}

/** Whether there was none. It appears with its content: nobody ever reads half of it. */
async function create(path: string): Promise<boolean> {
  const made = `${path}.${process.pid}`
  await writeFile(made, String(process.pid))
  try {
    await link(made, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    await rm(made, { force: true })
  }
}

async function holderOf(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return null
  }
}

/** Our own id is that of a process before us: what this one holds is in `mine`. */
function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Takes a lock away that nobody holds. Two processes may find it at once: the first moves it aside and takes the lock; the
 * second then moves that one aside, sees that it is not what it has read, and puts it back.
 */
async function removeStale(path: string, holder: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`
  try {
    await rename(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if ((await holderOf(aside)) === holder) await rm(aside, { force: true })
  else await rename(aside, path)
}
