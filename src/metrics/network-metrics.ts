import { type SampleWindows, Sensor } from './sensor.ts'

/** What went to one broker and came back. */
export class NodeMetrics {
  /** A request each, its value the bytes of the frame. */
  readonly requests: Sensor
  /** An answer each, its value the bytes of the frame. */
  readonly responses: Sensor
  /** Milliseconds from a request to its answer, what the broker waited for included. */
  readonly latency: Sensor
  readonly #all: NetworkMetrics

  constructor(windows: SampleWindows, all: NetworkMetrics) {
    this.requests = new Sensor(windows)
    this.responses = new Sensor(windows)
    this.latency = new Sensor(windows)
    this.#all = all
  }

  /** @param now monotonic milliseconds. */
  sent(bytes: number, now: number): void {
    this.requests.record(bytes, now)
    this.#all.requests.record(bytes, now)
  }

  answered(bytes: number, request: { readonly api: string; readonly sentAt: number }, now: number): void {
    this.responses.record(bytes, now)
    this.#all.responses.record(bytes, now)
    this.latency.record(now - request.sentAt, now)
    this.#all.answered(request, now)
  }
}

/** Answers of one API. */
export interface ApiMetrics {
  /** Milliseconds from the request to the answer. */
  readonly latency: Sensor
  /** Monotonic milliseconds at which the last request went out that was answered. */
  lastSentAt: number
}

/** Brokers that come back under ever new addresses must not pile up. */
const mostNodes = 500

/** What the connections of one client have carried. Counted by frame, never by record. */
export class NetworkMetrics {
  /** A request each, its value the bytes of the frame. */
  readonly requests: Sensor
  /** An answer each, its value the bytes of the frame. */
  readonly responses: Sensor
  readonly connectionsOpened: Sensor
  readonly connectionsClosed: Sensor
  /** By `host:port`. */
  readonly nodes = new Map<string, NodeMetrics>()
  /** By Kafka's name of the API. */
  readonly apis = new Map<string, ApiMetrics>()
  readonly #windows: SampleWindows

  constructor(windows: SampleWindows) {
    this.#windows = windows
    this.requests = new Sensor(windows)
    this.responses = new Sensor(windows)
    this.connectionsOpened = new Sensor(windows)
    this.connectionsClosed = new Sensor(windows)
  }

  get connectionCount(): number {
    return this.connectionsOpened.count - this.connectionsClosed.count
  }

  /** Figures of the broker at this address, which all its connections share. */
  node(address: string): NodeMetrics {
    const node = this.nodes.get(address) ?? new NodeMetrics(this.#windows, this)
    // To the end of the list: the first to go is the one that nobody has connected to for longest.
    this.nodes.delete(address)
    this.nodes.set(address, node)
    const [oldest] = this.nodes.keys()
    if (this.nodes.size > mostNodes) this.nodes.delete(oldest!)
    return node
  }

  answered({ api, sentAt }: { readonly api: string; readonly sentAt: number }, now: number): void {
    let metrics = this.apis.get(api)
    if (metrics === undefined) {
      metrics = { latency: new Sensor(this.#windows), lastSentAt: sentAt }
      this.apis.set(api, metrics)
    }
    metrics.latency.record(now - sentAt, now)
    metrics.lastSentAt = sentAt
  }
}
