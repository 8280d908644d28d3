import { onPath } from '../real-kafka/availability.ts'
import type { CommandOptions, CommandResult } from './run-command.ts'
import { runProgram } from './run-program.ts'

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
  return await runProgram('kcat', path, args, options)
}
