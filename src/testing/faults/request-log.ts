/** A request that came, for a test to look at. */
export interface LoggedRequest {
  /** Kafka's name, as `Fetch`. */
  readonly api: string
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly brokerId: number
  readonly connectionId: number
  /** Milliseconds of the cluster's clock. */
  readonly atMs: number
  readonly body: Readonly<Record<string, unknown>>
  /** Size of its frame. */
  readonly sizeInBytes: number
}

/** Requests are kept until there are as many, or as many bytes. */
const requestsKept = 10_000
const bytesKept = 64 * 1024 * 1024

/** The last requests to all brokers of a cluster, in the order in which they came. */
export class RequestLog implements Iterable<LoggedRequest> {
  #requests: LoggedRequest[] = []
  #first = 0
  #bytes = 0
  readonly #watchers = new Set<(request: LoggedRequest) => void>();

  [Symbol.iterator](): IterableIterator<LoggedRequest> {
    return this.all()[Symbol.iterator]()
  }

  /** @param api Kafka's name of an API; default: all of them. */
  all(api?: string): LoggedRequest[] {
    const kept = this.#requests.slice(this.#first)
    return api === undefined ? kept : kept.filter((one) => one.api === api)
  }

  clear(): void {
    this.#requests = []
    this.#first = 0
    this.#bytes = 0
  }

  /** The next request that `matches`. A request that has come already does not count. */
  next(matches: (request: LoggedRequest) => boolean): Promise<LoggedRequest> {
    return new Promise((resolve) => {
      const watcher = (request: LoggedRequest) => {
        if (!matches(request)) return
        this.#watchers.delete(watcher)
        resolve(request)
      }
      this.#watchers.add(watcher)
    })
  }

  add(request: LoggedRequest): void {
    this.#requests.push(request)
    this.#bytes += request.sizeInBytes
    while (this.#requests.length - this.#first > requestsKept || this.#bytes > bytesKept) {
      this.#bytes -= this.#requests[this.#first]!.sizeInBytes
      this.#first++
    }
    // Shifting one by one would move all of them each time.
    if (this.#first > requestsKept) {
      this.#requests = this.#requests.slice(this.#first)
      this.#first = 0
    }
    for (const watcher of this.#watchers) watcher(request)
  }
}
