import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pythonPath } from './python.ts'

/** A member of a group by confluent-kafka, in a process of its own, that reads until it is stopped. */
export class PythonMember implements AsyncDisposable {
  /** Values of all records so far. */
  readonly values: string[] = []
  /** How many partitions it holds; -1 before it has said so. */
  held = -1
  readonly #child
  readonly #exited: Promise<unknown>
  #log = ''

  /** Throws where there is no confluent-kafka. */
  constructor(options: {
    bootstrapServers: string
    group: string
    topic: string
    config: Readonly<Record<string, unknown>>
  }) {
    const path = pythonPath()
    if (path === null) throw new Error('there is no .cache/python: .ci/install-interop makes it')
    const file = join(import.meta.dirname, 'python', 'member.py')
    const child = spawn(path, ['-B', file], { stdio: 'pipe' })
    this.#child = child
    this.#exited = once(child, 'close')
    child.stdin.on('error', () => {})
    child.stdin.write(`${JSON.stringify(options)}\n`)
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#log += chunk
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      const told = JSON.parse(line) as { value?: string; held?: number }
      if (told.value !== undefined) this.values.push(told.value)
      if (told.held !== undefined) this.held = told.held
    })
  }

  /** It commits and leaves. Throws with what it printed when it failed. */
  async stop(): Promise<void> {
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 20_000)
    await this.#exited
    clearTimeout(timer)
    if (this.#child.exitCode !== 0)
      throw new Error(`member.py ended with ${this.#child.exitCode}:\n${this.#log}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL')
    await this.#exited
  }
}
