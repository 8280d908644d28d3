import { Readable, Writable } from 'node:stream'
import { run } from '../../src/cli/program.ts'

export interface CliResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A stream that keeps what is written. */
export class Collector extends Writable {
  text = ''

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

/** The command as a process would run it, without one. */
export async function runCli(
  args: readonly string[],
  { stdin = '' }: { readonly stdin?: string | Uint8Array } = {},
): Promise<CliResult> {
  const stdout = new Collector()
  const stderr = new Collector()
  const code = await run(args, { stdin: Readable.from([Buffer.from(stdin)]), stdout, stderr })
  return { code, out: stdout.text, err: stderr.text }
}

/** `kafkawire protocol` with these arguments. */
export async function protocol(...args: readonly string[]): Promise<CliResult> {
  return await runCli(['protocol', ...args])
}

/** The documents that `--json` printed, one a line. */
export function ndjson(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
