import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { CommandOptions } from './run-command.ts'
import { runProgram } from './run-program.ts'

const root = join(import.meta.dirname, '..', '..', '..')

/** The Python that `.ci/install-interop` gave confluent-kafka to; null where that has not been run. */
export function pythonPath(): string | null {
  const path = join(root, '.cache', 'python', 'bin', 'python')
  return existsSync(path) ? path : null
}

/**
 * Runs one of the scripts in `python/`, which prints a JSON object as the last line of its output, and gives that.
 *
 * @param script its name without `.py`.
 * @param input what it is told, as JSON on its standard input.
 * @throws with all that it printed if it fails, or needs longer than `timeoutMs`.
 */
export async function runPython(
  script: string,
  input: Readonly<Record<string, unknown>>,
  options: Omit<CommandOptions, 'stdin'> = {},
): Promise<Record<string, unknown>> {
  const path = pythonPath()
  if (path === null) throw new Error('there is no .cache/python: .ci/install-interop makes it')
  const file = join(import.meta.dirname, 'python', `${script}.py`)
  const { code, stdout, stderr } = await runProgram(`${script}.py`, path, ['-B', file], {
    ...options,
    stdin: JSON.stringify(input),
  })
  if (code !== 0) throw new Error(`${script}.py ended with exit code ${code}:\n${stdout}\n${stderr}`)
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
}
