import { Cluster, type RequestOptions } from '../../src/cluster/cluster.ts'
import type { Body } from '../../src/network/connection.ts'
import { clientOptions } from '../../src/options/client-options.ts'
import { clusterOptions } from '../../src/options/cluster-options.ts'
import { parseOptions } from '../../src/options/parse-options.ts'
import { metadata as metadataApi } from '../../src/protocol/apis/metadata.ts'
import { BrokerError } from '../../src/protocol/broker-errors.ts'
import type { Api } from '../../src/protocol/message.ts'
import type { FieldMap, StructInput, StructOf } from '../../src/protocol/schema.ts'

export type Json = Record<string, unknown>
/** What a coordinator says: fields of the answer (the others have their defaults), an error, or nothing for a while. */
export type Answer = Json | Error | Promise<Json>
export type Script = (request: Json, count: number) => Answer

export const never = new Promise<Json>(() => {})
export const versions: Readonly<Record<string, number>> = {
  JoinGroup: 9,
  SyncGroup: 5,
  Heartbeat: 4,
  LeaveGroup: 5,
}

/** Answers from scripts, by the name of the API. Requests and answers go through their codecs. */
export class ScriptedCoordinator extends Cluster {
  readonly scripts: Record<string, Script> = {}
  /** Highest versions that the broker has. */
  versions = versions
  readonly sent: { api: string; request: Json }[] = []
  /** Requests of each API that wait for their answer. */
  readonly waiting: Record<string, number> = {}
  readonly mostWaiting: Record<string, number> = {}
  refresh: () => Promise<void> = async () => {}
  readonly #listeners = new Set<() => void>()

  constructor() {
    const options = parseOptions('test', clientOptions, { bootstrapServers: 'nowhere:1', retryBackoffMs: 10 })
    super(clusterOptions(options, { allowAutoTopicCreation: false }))
    this.metadata.refresh = () => this.refresh()
    this.topic('orders', 2)
  }

  topic(name: string, partitions: number): void {
    const { response } = metadataApi
    const json = {
      topics: [
        {
          name,
          partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({ partitionIndex })),
        },
      ],
    }
    this.metadata.update(response.decode(13, response.encode(13, json)))
  }

  all(api: string): Json[] {
    return this.sent.filter((one) => one.api === api).map(({ request }) => request)
  }

  /** Resolves once `count` requests of this API were sent. */
  async until(api: string, count: number): Promise<void> {
    const endsAt = performance.now() + 5_000
    while (this.all(api).length < count) {
      if (performance.now() > endsAt)
        throw new Error(`${this.all(api).length} ${api} were sent, not ${count}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500)
        this.#listeners.add(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  override async request<Q extends FieldMap, S extends FieldMap>(
    api: Api<Q, S>,
    body: Body<Q>,
    { deadline, errorOf, groupId }: RequestOptions<S>,
  ): Promise<StructOf<S>> {
    deadline.throwIfAborted()
    const version = this.versions[api.name]!
    const value = typeof body === 'function' ? body(version) : body
    const request = api.request.decode(version, api.request.encode(version, value)) as Json
    this.sent.push({ api: api.name, request })
    for (const listener of this.#listeners) listener()
    const script = this.scripts[api.name] ?? (() => ({}))
    this.waiting[api.name] = (this.waiting[api.name] ?? 0) + 1
    this.mostWaiting[api.name] = Math.max(this.mostWaiting[api.name] ?? 0, this.waiting[api.name]!)
    try {
      const answer = script(request, this.all(api.name).length)
      if (answer instanceof Error) throw answer
      const json = await deadline.race(Promise.resolve(answer), api.name)
      const bytes = api.response.encode(version, json as StructInput<S>)
      const response = api.response.decode(version, bytes)
      const errorCode = errorOf?.(response) ?? 0
      if (errorCode !== 0) {
        throw new BrokerError(errorCode, { api: api.name, ...(groupId === undefined ? {} : { groupId }) })
      }
      return response
    } finally {
      this.waiting[api.name]!--
    }
  }
}
