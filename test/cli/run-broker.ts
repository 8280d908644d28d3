import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { command } from './run-process.ts'

export interface RunningBroker {
  /** What it has printed. */
  readonly bootstrapServers: string
  /** Sends the signal, and gives the exit code. */
  stop(signal: NodeJS.Signals): Promise<number | null>
}

/** `kafkawire broker` as a process of its own, at a free port. It is ended after the test, if it still runs. */
export async function runBroker(...args: readonly string[]): Promise<RunningBroker> {
  const [file = '', ...before] = command
  const child = spawn(file, [...before, 'broker', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: 45_000,
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  const said = text(child.stderr)
  const lines = createInterface(child.stdout)
  const first = await Promise.race([once(lines, 'line') as Promise<[string]>, closed.then(() => null)])
  if (first === null) throw new Error(`the broker has ended: ${await said}`)
  return {
    bootstrapServers: first[0],
    async stop(signal) {
      child.kill(signal)
      const [code] = await closed
      const errors = await said
      if (errors !== '') throw new Error(`the broker said: ${errors}`)
      return code
    },
  }
}
