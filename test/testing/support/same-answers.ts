import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { connectRaw, type RawConnection } from '../../../src/network/raw-connection.ts'
import type { Api } from '../../../src/protocol/message.ts'
import type { FieldMap, StructInput, StructOf } from '../../../src/protocol/schema.ts'

/** A broker that is asked by raw requests. */
export class AskedBroker implements AsyncDisposable {
  /** In front of each name of a topic or a group, so that brokers may be shared. */
  readonly prefix = `t${randomUUID().slice(0, 8)}-`
  readonly #connection: RawConnection
  readonly #model: AskedBroker | null
  /** What `eventually` came to, in turn. */
  readonly #settled: unknown[] = []

  private constructor(connection: RawConnection, model: AskedBroker | null) {
    this.#connection = connection
    this.#model = model
  }

  /** @param model a broker that has been asked the same before, for `eventually`. */
  static async at(bootstrapServers: string, model: AskedBroker | null = null): Promise<AskedBroker> {
    const [host = '', port] = bootstrapServers.split(',')[0]!.split(':')
    return new AskedBroker(await connectRaw({ host, port: Number(port), timeoutMs: 20_000 }), model)
  }

  /** Gives the answer, or throws where it does not decode. */
  async ask<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    version: number,
    body: StructInput<Q>,
  ): Promise<StructOf<S>> {
    const { decoded, error } = await this.#connection.send(api, version, body)
    if (decoded === null) throw error ?? new Error(`${api.name} v${version}: no answer`)
    return decoded
  }

  /**
   * Asks what a real broker may only know a little later: again and again, until it says what the model said, or has had
   * time enough.
   */
  async eventually(ask: () => Promise<unknown>): Promise<unknown> {
    const wanted = this.#model === null ? undefined : this.#model.#settled[this.#settled.length]
    let answer = await ask()
    for (let tries = 0; wanted !== undefined && tries < 100; tries++) {
      if (isDeepStrictEqual(comparable(answer, this.prefix), wanted)) break
      await setTimeout(50)
      answer = await ask()
    }
    this.#settled.push(comparable(answer, this.prefix))
    return answer
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close()
  }
}

/**
 * An answer without what differs from run to run: prefixes of names, ids of topics and of the cluster, addresses and racks, log
 * directories and the space in them. In lists of topics, partitions and configs the order is free.
 */
export function comparable(answer: unknown, prefix: string): unknown {
  if (typeof answer === 'string') return answer.replaceAll(prefix, '')
  if (typeof answer === 'bigint') return String(answer)
  if (Array.isArray(answer)) {
    const items = answer.map((item) => comparable(item, prefix))
    return items.every((item) => typeof item === 'number') ? items : items.toSorted(byText)
  }
  if (answer === null || typeof answer !== 'object') return answer
  return Object.fromEntries(
    Object.entries(answer)
      .filter(([key]) => key !== 'unknownTaggedFields' && key !== 'rack')
      .map(([key, value]) => [key, variable.has(key) ? shapeOf(value) : comparable(value, prefix)]),
  )
}

const variable = new Set([
  'topicId',
  'clusterId',
  'host',
  'port',
  'logDir',
  'totalBytes',
  'usableBytes',
  'documentation',
])

/** Whether there is anything at all: no id is an answer too. */
function shapeOf(value: unknown): unknown {
  if (value === null || value === '' || value === 'AAAAAAAAAAAAAAAAAAAAAA') return value
  return typeof value
}

function byText(a: unknown, b: unknown): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)]
  return left < right ? -1 : left > right ? 1 : 0
}
