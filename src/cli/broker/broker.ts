import { InvalidOptionError } from '../../errors.ts'
import type { KafkaVersion, TopicOption } from '../../testing/index.ts'
import { startKafka, type TestKafka } from '../../testing/index.ts'
import { type ExitCode, exitCodes } from '../exit-code.ts'
import type { Io } from '../output.ts'
import { UsageError } from '../usage-error.ts'

export interface BrokerCommandOptions {
  readonly port: number
  readonly host: string
  readonly advertisedHost?: string
  readonly brokers: number
  readonly version?: KafkaVersion
  readonly data?: string
  readonly topic: readonly TopicOption[]
  readonly config: Readonly<Record<string, string>>
  readonly autoCreateTopics: boolean
  /** Passwords by name. */
  readonly saslUser?: Readonly<Record<string, string>>
  readonly seed?: number
}

/** Addresses that mean all of a machine, and to which no client can connect from another. */
const everywhere = new Set(['0.0.0.0', '::'])

/** Runs brokers until a signal asks for their end. Throws UsageError. */
export async function broker(options: BrokerCommandOptions, io: Io): Promise<ExitCode> {
  const signal = nextSignal()
  try {
    let kafka: TestKafka
    try {
      kafka = await start(options, io)
    } catch (error) {
      const why = listenProblem(error, options)
      if (why === null) throw error
      await io.stderr.print(`error: ${why}\n`)
      return exitCodes.failed
    }
    try {
      await io.stdout.print(`${kafka.bootstrapServers}\n`)
      await signal.received
    } finally {
      await kafka.close()
    }
    return exitCodes.ok
  } finally {
    signal.ignore()
  }
}

async function start(options: BrokerCommandOptions, io: Io): Promise<TestKafka> {
  const { port, host, brokers, autoCreateTopics, topic, config } = options
  const { version, data, seed, saslUser, advertisedHost } = options
  if (everywhere.has(host) && advertisedHost === undefined) {
    throw new UsageError(`--host ${host} needs --advertised-host: clients are told where to connect to`)
  }
  try {
    return await startKafka({
      port,
      host,
      brokers,
      autoCreateTopics,
      topics: topic,
      configs: config,
      listeners: [
        {
          name: 'default',
          ...(advertisedHost === undefined ? {} : { advertisedHost }),
          ...(saslUser === undefined ? {} : { sasl: { users: saslUser } }),
        },
      ],
      ...(version === undefined ? {} : { version }),
      ...(data === undefined ? {} : { dataDir: data }),
      ...(seed === undefined ? {} : { seed }),
      onError: (error) => {
        // Nobody is left to be told when that fails.
        io.stderr.print(`bug: ${error.stack ?? error.message}\n`).catch(() => {})
      },
    })
  } catch (error) {
    throw error instanceof InvalidOptionError ? new UsageError(error.message) : error
  }
}

/** Why it cannot listen there; null for another error. */
function listenProblem(error: unknown, { host }: BrokerCommandOptions): string | null {
  const { code, port } = error as NodeJS.ErrnoException & { port?: number }
  switch (code) {
    case 'EADDRINUSE':
      return `${host}:${port} is in use; --port 0 takes a free one`
    case 'EACCES':
      return `${host}:${port} may not be listened at by this user; ports from 1024 on are free to all`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is no address of this machine`
    default:
      return null
  }
}

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The next signal that asks for the end; one more then ends the process at once. */
function nextSignal(): { readonly received: Promise<void>; ignore(): void } {
  let ignore = () => {}
  const received = new Promise<void>((resolve) => {
    const onSignal = () => {
      ignore()
      resolve()
    }
    ignore = () => {
      for (const signal of endingSignals) process.off(signal, onSignal)
    }
    for (const signal of endingSignals) process.on(signal, onSignal)
  })
  return { received, ignore: () => ignore() }
}
