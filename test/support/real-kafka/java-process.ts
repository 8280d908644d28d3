import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

export interface JavaProcessOptions {
  /** Options of the JVM itself, for instance `-Xmx512m`. */
  jvmOptions?: readonly string[]
  /** Folder of jars; all of them are on the class path. */
  jars: string
  mainClass: string
  args: readonly string[]
  /** File descriptor that takes stdout and stderr; without it both are pipes. */
  logFile?: number
}

export interface ProcessExit {
  /** null when a signal ended it. */
  code: number | null
  signal: NodeJS.Signals | null
}

/** Where `java` is: under `JAVA_HOME` if that is set, else left to PATH. */
export function javaCommand(): string {
  const home = process.env.JAVA_HOME
  return home === undefined || home === '' ? 'java' : join(home, 'bin', 'java')
}

// $$ stays the shell's own id inside the brackets, and `exec` hands that id on to Java. The bracketed part waits for
// the end of descriptor 3, whose other end is ours: whatever ends this process, SIGKILL too, ends Java as well.
const launcher = '(read -r line <&3; kill -9 $$) >/dev/null 2>&1 & exec "$@" 3<&-'

const running = new Set<JavaProcess>()
const temporaryFolders = new Set<string>()
let exitHandlerInstalled = false

function cleanUpAtExit(): void {
  if (exitHandlerInstalled) return
  exitHandlerInstalled = true
  process.on('exit', () => {
    for (const java of running) java.signalGroup('SIGKILL')
    for (const folder of temporaryFolders) rmSync(folder, { recursive: true, force: true })
  })
}

/** Has `folder` deleted at the latest when this process exits. */
export function deleteAtExit(folder: string): void {
  cleanUpAtExit()
  temporaryFolders.add(folder)
}

/** Deletes a folder given to `deleteAtExit` now. */
export function deleteNow(folder: string): void {
  temporaryFolders.delete(folder)
  rmSync(folder, { recursive: true, force: true })
}

/** A JVM in a process group of its own. It never outlives this process, and never keeps it from exiting. */
export class JavaProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<ProcessExit>
  #exit: ProcessExit | null = null

  constructor(options: JavaProcessOptions) {
    const { jars, mainClass, args, jvmOptions = [], logFile } = options
    const output = logFile ?? 'pipe'
    const java = [javaCommand(), '-Xshare:auto', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', ...jvmOptions]
    this.#child = spawn('sh', ['-c', launcher, 'sh', ...java, '-cp', `${jars}/*`, mainClass, ...args], {
      detached: true,
      stdio: [logFile === undefined ? 'pipe' : 'ignore', output, output, 'pipe'],
    })
    cleanUpAtExit()
    running.add(this)
    // Java's exit leaves the watcher behind, which holds its end of descriptor 3 and so keeps 'close' from coming.
    this.#child.once('exit', () => this.signalGroup('SIGKILL'))
    this.#exited = once(this.#child, 'close').then(([code, signal]: (number | string | null)[]) => {
      running.delete(this)
      this.#exit = { code: code as number | null, signal: signal as NodeJS.Signals | null }
      return this.#exit
    })
    // A process that could not be spawned rejects `exited`; whoever waits for it gets the error, nobody else should.
    this.#exited.catch(() => running.delete(this))
    // Writing to a process that is gone: its exit is what gets reported.
    this.#child.stdin?.on('error', () => {})
    if (logFile !== undefined) this.#unref()
  }

  #unref(): void {
    this.#child.unref()
    const watch: unknown = this.#child.stdio[3]
    ;(watch as { unref?(): void }).unref?.()
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error('the Java process could not be started: is sh on PATH?')
    return pid
  }

  /** How it ended; null while it runs. */
  get exit(): ProcessExit | null {
    return this.#exit
  }

  /** Resolves when the process is gone and its output is read to the end. Rejects if it could not be started. */
  get exited(): Promise<ProcessExit> {
    return this.#exited
  }

  /** @throws if output goes to a log file. */
  get stdin(): Writable {
    return present(this.#child.stdin)
  }

  get stdout(): Readable {
    return present(this.#child.stdout)
  }

  get stderr(): Readable {
    return present(this.#child.stderr)
  }

  /** Sends a signal to Java alone. Does nothing when it is gone. */
  signal(signal: NodeJS.Signals): void {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill(signal)
  }

  /** Sends a signal to Java and all that it started. Does nothing when they are gone. */
  signalGroup(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined || this.#exit !== null) return
    try {
      process.kill(-this.#child.pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  /** kill -9; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.signalGroup('SIGKILL')
    await this.whenExited()
  }

  /** `exited`, but holds this process open until then even if the child is unreferenced. */
  async whenExited(): Promise<ProcessExit> {
    this.#child.ref()
    return await this.#exited
  }
}

function present<T>(stream: T | null): T {
  if (stream === null) throw new Error('the output of this process goes to a log file')
  return stream
}
