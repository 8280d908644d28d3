import type { BrokerSender } from './broker-sender.ts'

/** The senders of a producer, by the node that each sends to. */
export class Senders {
  readonly #create: (nodeId: number) => BrokerSender
  readonly #byNode = new Map<number, BrokerSender>()
  #waiters: (() => void)[] = []

  constructor(create: (nodeId: number) => BrokerSender) {
    this.#create = create
  }

  /** The one that sends to this node, made when there is none. */
  of(nodeId: number): BrokerSender {
    let sender = this.#byNode.get(nodeId)
    if (sender === undefined) {
      sender = this.#create(nodeId)
      this.#byNode.set(nodeId, sender)
    }
    return sender
  }

  find(nodeId: number): BrokerSender | undefined {
    return this.#byNode.get(nodeId)
  }

  wakeAll(): void {
    for (const sender of this.#byNode.values()) sender.wake()
  }

  /** Resolves when no request is on its way. */
  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  /** There is one request less on its way. */
  settled(): void {
    if (this.#waiters.length === 0 || !this.#isIdle) return
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  close(): void {
    for (const sender of this.#byNode.values()) sender.close()
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  get #isIdle(): boolean {
    for (const sender of this.#byNode.values()) if (!sender.isIdle) return false
    return true
  }
}
