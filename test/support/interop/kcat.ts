import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { onPath } from '../real-kafka/availability.ts'
import { type CommandOptions, type CommandResult, finish } from './run-command.ts'

/** Full path of kcat, which is librdkafka on a command line; null if it is not installed. */
export async function kcatPath(): Promise<string | null> {
  return onPath('kcat') ?? onPath('kafkacat')
}

/**
 * Runs kcat to its end. An exit code other than 0 is a result, not an error.
 *
 * @throws if it is not installed, or needs longer than `timeoutMs`.
 */
export async function runKcat(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const path = await kcatPath()
  if (path === null) throw new Error('kcat is not on PATH: .ci/install-interop installs it')
  const child = spawn(path, args, { stdio: 'pipe' })
  child.stdin.on('error', () => {})
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  process.on('exit', kill)
  try {
    const exited = once(child, 'close').then(([code, signal]) => ({ code, signal }))
    const { stdin, stdout, stderr } = child
    return await finish('kcat', { stdin, stdout, stderr, exited, kill }, options)
  } finally {
    process.off('exit', kill)
  }
}
