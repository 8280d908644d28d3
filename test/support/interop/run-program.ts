import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type CommandOptions, type CommandResult, finish } from './run-command.ts'

/**
 * Runs a program to its end; it never outlives this process. An exit code other than 0 is a result, not an error.
 *
 * @param name what errors call it.
 * @param path of the executable.
 * @throws if it needs longer than `timeoutMs`.
 */
export async function runProgram(
  name: string,
  path: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = spawn(path, args, { stdio: 'pipe' })
  // Writing to a program that is gone: its exit is what gets reported.
  child.stdin.on('error', () => {})
  const kill = (): void => {
    child.kill('SIGKILL')
  }
  process.on('exit', kill)
  try {
    const exited = once(child, 'close').then(([code, signal]) => ({ code, signal }))
    const { stdin, stdout, stderr } = child
    return await finish(name, { stdin, stdout, stderr, exited, kill }, options)
  } finally {
    process.off('exit', kill)
  }
}
