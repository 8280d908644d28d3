import { get } from 'node:http'
import { externalBootstrapServers, javaIsAvailable, kafkaAvailability } from './availability.ts'
import { startDockerKafka } from './docker-kafka.ts'
import type { KafkaAddresses } from './listeners.ts'
import { type RealKafka, startRealKafka } from './start-real-kafka.ts'

export interface SharedKafkaOptions {
  /** Ask for the TLS and SASL listeners too, which only a Kafka started by Java has here. */
  listeners?: boolean
}

/** Environment variable with the URL at which the test run's main process hands out the shared Kafka. */
export const sharedKafkaUrlVariable = 'KAFKAWIRE_SHARED_KAFKA_URL'

/**
 * The one Kafka that all tests of a run share: `KAFKAWIRE_BOOTSTRAP`, else Docker, else Java. Started when first asked
 * for. Tests use topics and groups of their own on it, and leave its brokers alone.
 *
 * Any user may do anything, as there are no ACLs at first; anonymous ones always may. Delegation tokens are on.
 *
 * @returns null where there is none to be had.
 * @throws if there should be one and it does not start.
 */
export async function sharedKafka(options: SharedKafkaOptions = {}): Promise<KafkaAddresses | null> {
  const { listeners = false } = options
  if (!sharedKafkaIsAvailable(listeners)) return null
  const url = process.env[sharedKafkaUrlVariable]
  const known =
    asked.get(listeners) ?? (url === undefined ? here.addresses(listeners) : fetchAddresses(url, listeners))
  asked.set(listeners, known)
  return await known
}

/** Whether `sharedKafka` would give one. */
export function sharedKafkaIsAvailable(listeners: boolean): boolean {
  return listeners ? javaIsAvailable() : kafkaAvailability() !== 'none'
}

const asked = new Map<boolean, Promise<KafkaAddresses>>()

/** Starts what is asked for, once. There is one of these in a test run, in the main process. */
export class SharedKafkaStarter {
  readonly #started = new Map<'docker' | 'java', Promise<RealKafka>>()

  async addresses(listeners: boolean): Promise<KafkaAddresses> {
    const external = externalBootstrapServers()
    if (external !== undefined && !listeners) return { bootstrapServers: external }
    // Docker's has no listeners besides PLAINTEXT; tests that need them get one from Java next to it.
    const kind = kafkaAvailability() === 'docker' && !listeners ? 'docker' : 'java'
    const known = this.#started.get(kind) ?? (kind === 'docker' ? startDockerKafka({}) : startJavaKafka())
    this.#started.set(kind, known)
    const { nodes, kill, shutdown, freeze, thaw, restart, stop, ...addresses } = await known
    return addresses
  }

  /** Stops all that was started, also what is only about to. */
  async stop(): Promise<void> {
    const started = await Promise.allSettled(this.#started.values())
    this.#started.clear()
    await Promise.all(started.map((one) => (one.status === 'fulfilled' ? one.value.stop() : undefined)))
  }
}

/** For processes that no test run has started: theirs ends with them. */
const here = new SharedKafkaStarter()

function startJavaKafka(): Promise<RealKafka> {
  return startRealKafka({
    listeners: { tls: true, sasl: true, saslTls: true },
    brokerProperties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'allow.everyone.if.no.acl.found': 'true',
      'delegation.token.secret.key': 'not-much-of-a-secret',
    },
  })
}

/** node:http and not fetch, which gives up after five minutes: the first run of all has jars to download. */
function fetchAddresses(url: string, listeners: boolean): Promise<KafkaAddresses> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}?listeners=${listeners}`, { agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(body) as KafkaAddresses)
        else reject(new Error(body))
      })
    })
    request.on('error', reject)
  })
}
