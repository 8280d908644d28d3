import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ExitCode } from '../exit-code.ts'
import { integer } from '../integer.ts'
import type { Io } from '../output.ts'
import type { BrokerCommandOptions } from './broker.ts'

/** Adds `broker`. What it needs is loaded when it is called, so that help and wrong usage come at once. */
export function addBrokerCommand(program: Command, io: Io, ended: (code: ExitCode) => void): void {
  program
    .command('broker')
    .description('run a Kafka in memory, for any client, until SIGINT or SIGTERM; prints its address')
    .addOption(
      new Option('--port <port>', 'of the first broker; the others follow; 0: free ones')
        .argParser(integer(0, 65_535))
        .default(9092),
    )
    .option('--host <host>', 'where to listen', '127.0.0.1')
    .option('--advertised-host <host>', 'what clients are told to connect to; default: the host')
    .addOption(new Option('--brokers <count>', 'how many').argParser(integer(1, 1000)).default(1))
    .addOption(
      new Option(
        '--version <version>',
        'the Kafka to behave as; default: that of the data, else 4.3',
      ).choices(['2.1', '2.8', '3.9', '4.3']),
    )
    .option('--data <folder>', 'where to keep data for the next run; default: nothing is kept')
    .addOption(
      new Option('--topic <name:partitions>', 'to be there from the start; may be given again')
        .argParser(topics)
        .default([], 'none'),
    )
    .addOption(
      new Option('--config <name=value>', 'broker config by its name in Kafka; may be given again')
        .argParser(configs)
        .default({}, 'none'),
    )
    .option('--no-auto-create-topics', 'no topic comes to be by being asked for')
    .addOption(
      new Option(
        '--sasl-user <name:password>',
        'SASL is on, with PLAIN and SCRAM; may be given again',
      ).argParser(users),
    )
    .addOption(
      new Option('--seed <number>', 'all that is left to chance follows from it').argParser(
        integer(0, 2 ** 32 - 1),
      ),
    )
    .action(async (options: BrokerCommandOptions) => {
      const { broker } = await import('./broker.ts')
      ended(await broker(options, io))
    })
}

function topics(text: string, before: BrokerCommandOptions['topic']): BrokerCommandOptions['topic'] {
  const [, name, count] = /^([^:]+)(?::([1-9]\d{0,4}))?$/.exec(text) ?? []
  if (name === undefined) {
    throw new InvalidArgumentError('Allowed are a name, and a name with its partitions, as orders:3.')
  }
  return [...before, count === undefined ? { name } : { name, numPartitions: Number(count) }]
}

function configs(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Allowed is a name with its value, as num.partitions=3.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

function users(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf(':')
  if (at < 1) throw new InvalidArgumentError('Allowed is a name with its password, as alice:secret.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}
