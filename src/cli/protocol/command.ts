import { type Command, Option } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { integer } from '../integer.ts'
import type { Io } from '../output.ts'
import type { DecodeOptions } from './decode.ts'
import type { EncodeOptions } from './encode.ts'
import type { SendOptions } from './send.ts'
import type { VersionsOptions } from './versions.ts'

const int32Max = 0x7fffffff

/**
 * Adds `protocol` and its sub-commands. What a command needs is loaded when it is called, so that help and wrong usage
 * come at once.
 */
export function addProtocolCommand(program: Command, io: Io, ended: (code: ExitCode) => void): void {
  const protocol = program.command('protocol').description('decode, make and send bytes of the wire protocol')
  addDecode(protocol, io, ended)
  addEncode(protocol, io, ended)
  addSend(protocol, io, ended)
  addVersions(protocol, io, ended)
  addDescribe(protocol, io, ended)
}

function addDecode(protocol: Command, io: Io, ended: (code: ExitCode) => void): void {
  protocol
    .command('decode')
    .description('say of each byte what it means')
    .argument('<input...>', 'hex, a file of bytes or hex, a capture (pcap, pcapng), or - for stdin')
    .option('--api <name>', 'API by name or key; a request tells it by itself, a response does not')
    .option('--version <version>', 'version, as 12 or v12')
    .addOption(
      new Option('--direction <direction>', 'what it is; response where --api is given').choices([
        'request',
        'response',
      ]),
    )
    .option('--frames', 'several frames, one after the other, each with its size')
    .option('--no-size', 'the bytes begin with the header')
    .option('--body', 'the bytes are a body, without size and header')
    .option(
      '--message <name>',
      'a message by itself, as ConsumerProtocolSubscription; after its version, or with --version',
    )
    .option('--records', 'record batches, as in a records field or a file of a log')
    .option('--json', 'one JSON document a line')
    .option('--strict', 'exit code 1 for what readers let pass, as bytes left over, too')
    .option('--dump', 'of a capture: each byte, not only what was said')
    .option('--port <port>', 'of a capture: only connections with this port; may be given again', ports)
    .addOption(
      new Option('--input-format <format>', 'how a file or stdin is read')
        .choices(['auto', 'hex', 'raw'])
        .default('auto'),
    )
    .action(async (input: string[], options: DecodeOptions) => {
      const { decode } = await import('./decode.ts')
      ended(await decode(input, options, io))
    })
}

function addEncode(protocol: Command, io: Io, ended: (code: ExitCode) => void): void {
  protocol
    .command('encode')
    .description('print a message as hex, made from its JSON form')
    .argument('<api>', 'API by name or key, or a message by its name')
    .argument('<version>', 'as v12')
    .argument('[json]', 'its fields, @file, or - for stdin; what is left out has its default', '{}')
    .option('--response', 'the answer, not the request')
    .option('--body', 'without size and header')
    .option('--out <file>', 'write the bytes to a file')
    .option('--client-id <id>', 'in the header of a request', 'kafkawire')
    .addOption(correlationId())
    .action(async (name: string, version: string, json: string, options: EncodeOptions) => {
      const { encode } = await import('./encode.ts')
      ended(await encode(name, version, json, options, io))
    })
}

function addSend(protocol: Command, io: Io, ended: (code: ExitCode) => void): void {
  const command = protocol
    .command('send')
    .description('send one request as it is, nothing negotiated, and print the answer as JSON')
    .argument('[api]', 'API by name or key')
    .argument('[version]', 'as v12')
    .argument('[json]', 'fields of the request, @file, or - for stdin')
    .option('--hex <input>', 'send these bytes (hex, a file, or -), size included, instead of a JSON body')
    .option('--compact', 'the answer on one line')
    .option('--dump', 'each byte of the answer, not its JSON')
    .option('--strict', 'exit code 1 for what readers let pass, as bytes left over, too')
    .option('--no-response', 'wait for no answer')
    .option('--client-id <id>', 'in the header', 'kafkawire')
    .addOption(correlationId())
  type Arguments = [name: string | undefined, version: string | undefined, json: string | undefined]
  withBroker(command).action(async (...[name, version, json, options]: [...Arguments, SendOptions]) => {
    const { send } = await import('./send.ts')
    ended(await send(name, version, json, options, io))
  })
}

function addVersions(protocol: Command, io: Io, ended: (code: ExitCode) => void): void {
  const command = protocol
    .command('versions')
    .description('what a broker offers, what is spoken here, and what would be used')
    .option('--json', 'as one JSON array')
    .option('--client-id <id>', 'in the header', 'kafkawire')
  withBroker(command).action(async (options: VersionsOptions) => {
    const { versions } = await import('./versions.ts')
    ended(await versions(options, io))
  })
}

function addDescribe(protocol: Command, io: Io, ended: (code: ExitCode) => void): void {
  protocol
    .command('describe')
    .description('the fields of an API or message in each version; without a name, a list of all')
    .argument('[name]', 'API by name or key, or a message by its name')
    .argument('[version]', 'as v12; default: all')
    .addHelpText(
      'after',
      '\nA default that is not told is 0, false, an empty text or list, or null for records.',
    )
    .action(async (name: string | undefined, version: string | undefined) => {
      const { describe } = await import('./describe.ts')
      ended(await describe(name, version, io))
    })
}

/** Options of commands that talk to a broker. */
function withBroker(command: Command): Command {
  return command
    .requiredOption('--bootstrap-server <host:port>', 'the broker; of several the first that can be reached')
    .option('--timeout <ms>', 'for connecting, and for each answer', integer(1, int32Max), 30_000)
    .option('--tls', "TLS, with the system's authorities")
    .option('--tls-ca <file>', 'TLS, with the certificates in this PEM file')
    .option('--sasl-plain <user:password>', 'SASL PLAIN first; @file reads that from a file')
}

function correlationId(): Option {
  return new Option('--correlation-id <number>', 'in the header')
    .argParser(integer(-int32Max - 1, int32Max))
    .default(0)
}

function ports(text: string, before: number[] = []): number[] {
  return [...before, integer(1, 65_535)(text)]
}
