import type { Readable, Writable } from 'node:stream'
import { Command, CommanderError } from 'commander'
import { AuthenticationError, ConnectionError, ProtocolError, TimeoutError, TlsError } from '../errors.ts'
import { clientSoftware } from '../version.ts'
import { addBrokerCommand } from './broker/command.ts'
import { type ExitCode, exitCodes } from './exit-code.ts'
import { type Io, Output, OutputError } from './output.ts'
import { addProtocolCommand } from './protocol/command.ts'
import { UsageError } from './usage-error.ts'

export interface Streams {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
}

const exitCodeHelp = `
Exit codes: 0 fine; 1 bytes that do not decode, a broker that answers with an error, or a port that is in use; 2 wrong
usage; 3 no connection to the broker, or no answer in time.`

/** Runs the command `kafkawire` with these arguments and gives its exit code. Never rejects. */
export async function run(args: readonly string[], streams: Streams): Promise<ExitCode> {
  const io: Io = {
    // Opened only by a command that reads it: an open stdin can keep the process alive.
    get stdin() {
      return streams.stdin
    },
    stdout: new Output(streams.stdout),
    stderr: new Output(streams.stderr),
  }
  try {
    return await runCommand(args, io)
  } catch (error) {
    return await report(error, io).catch(() => exitCodes.usage)
  }
}

async function runCommand(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok
  const said = { out: '', err: '' }
  const program = new Command('kafkawire')
    .description('Kafka at the terminal')
    .version(clientSoftware.version)
    // `--version` behind a sub-command is that command's own.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        said.out += text
      },
      writeErr: (text) => {
        said.err += text
      },
    })
    .addHelpText('afterAll', exitCodeHelp)
  const ended = (last: ExitCode) => {
    code = last
  }
  addBrokerCommand(program, io, ended)
  addProtocolCommand(program, io, ended)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    await io.stdout.print(said.out)
    await io.stderr.print(said.err)
    return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  }
  return code
}

/** Tells what went wrong, and which exit code that is. */
async function report(error: unknown, io: Io): Promise<ExitCode> {
  if (error instanceof OutputError) {
    // `| head` has enough: that is no failure of anybody.
    if (error.isBrokenPipe) return exitCodes.ok
    await io.stderr.print(`error: cannot write: ${error.message}\n`)
    return exitCodes.usage
  }
  const code = exitCodeOf(error)
  const text = error instanceof Error ? error : new Error(String(error))
  await io.stderr.print(
    code === exitCodes.bug ? `bug: ${text.stack ?? text.message}\n` : `error: ${text.message}\n`,
  )
  return code
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return exitCodes.usage
  if (error instanceof ConnectionError || error instanceof TlsError || error instanceof TimeoutError) {
    return exitCodes.unreachable
  }
  return error instanceof AuthenticationError || error instanceof ProtocolError
    ? exitCodes.failed
    : exitCodes.bug
}
