import type { Readable, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'

export interface CommandOptions {
  /** Written to its standard input, which is then closed. */
  stdin?: string | Uint8Array
  /** 30000 unless given. */
  timeoutMs?: number
}

export interface CommandResult {
  /** UTF-8. */
  stdout: string
  stderr: string
  code: number
}

/** The part of a child process that `finish` uses. */
export interface RunningCommand {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves when it is gone. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Ends it at once. */
  kill(): void
}

/**
 * Feeds a command and waits for its end. An exit code other than 0 is a result, not an error.
 *
 * @throws if it needs longer than the timeout, or is ended by a signal.
 */
export async function finish(
  name: string,
  command: RunningCommand,
  options: CommandOptions,
): Promise<CommandResult> {
  const { stdin = '', timeoutMs = 30_000 } = options
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    command.kill()
  }, timeoutMs)
  try {
    command.stdin.end(stdin)
    const output = Promise.all([text(command.stdout), text(command.stderr)])
    const [[stdout, stderr], { code, signal }] = await Promise.all([output, command.exited])
    if (code === null || isLate) {
      const reason = isLate ? `took longer than ${timeoutMs} ms` : `was ended by ${signal}`
      throw new Error(`${name} ${reason}:\n${stdout.slice(-2_000)}\n${stderr.slice(-2_000)}`)
    }
    return { stdout, stderr, code }
  } finally {
    clearTimeout(timer)
  }
}
