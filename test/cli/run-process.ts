import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { projectRoot } from '../support/source-files.ts'
import type { CliResult } from './run-cli.ts'

/** The words that start the command from its source. */
export const command = [
  process.execPath,
  '--import',
  import.meta.resolve('tsx'),
  join(projectRoot, 'src', 'cli', 'main.ts'),
]

/** The command as a process of its own. With `stdin` null its stdin stays open for as long as it runs. */
export async function runProcess(args: readonly string[], stdin: string | null = ''): Promise<CliResult> {
  return await spawned([...command, ...args], stdin)
}

/** A line for the shell, in which `kafkawire` is the command; its exit code is that of the last part. */
export async function runShell(line: string): Promise<CliResult> {
  const ours = command.map((word) => `'${word}'`).join(' ')
  return await spawned(['sh', '-c', line.replaceAll('kafkawire ', `${ours} `)], '')
}

async function spawned([file = '', ...args]: readonly string[], stdin: string | null): Promise<CliResult> {
  const child = spawn(file, args, { env: { ...process.env, NODE_OPTIONS: '' }, timeout: 45_000 })
  if (stdin !== null) child.stdin.end(stdin)
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  child.stdin.destroy()
  return { code: code ?? -1, out, err }
}
