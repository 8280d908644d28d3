/** A request that was written and not yet answered. */
export interface PendingRequest {
  readonly correlationId: number
  /** Kafka's name of the API, for messages. */
  readonly api: string
  /** Monotonic milliseconds at which the peer counts as stalled. */
  readonly deadlineAt: number
  /** Monotonic milliseconds at which it was written. */
  readonly sentAt: number
  onResponse(frame: Uint8Array): void
  onError(error: Error): void
}

/**
 * Requests of one connection in the order of writing. Brokers answer in that order, so a queue is enough; a ring that
 * grows, because `shift` of an array moves all the others.
 */
export class InFlight {
  #ring: (PendingRequest | undefined)[] = new Array(16)
  #head = 0
  #count = 0

  get size(): number {
    return this.#count
  }

  get first(): PendingRequest | undefined {
    return this.#ring[this.#head]
  }

  push(request: PendingRequest): void {
    if (this.#count === this.#ring.length) {
      const old = this.#ring
      this.#ring = new Array(old.length * 2)
      for (let i = 0; i < this.#count; i++) this.#ring[i] = old[(this.#head + i) % old.length]
      this.#head = 0
    }
    this.#ring[(this.#head + this.#count) % this.#ring.length] = request
    this.#count++
  }

  shift(): PendingRequest | undefined {
    const request = this.#ring[this.#head]
    if (request === undefined) return undefined
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) % this.#ring.length
    this.#count--
    return request
  }

  /** The one whose time is over first, or undefined when nothing is in flight. */
  earliest(): PendingRequest | undefined {
    let earliest = this.first
    for (let i = 1; i < this.#count; i++) {
      const request = this.#ring[(this.#head + i) % this.#ring.length]!
      if (request.deadlineAt < earliest!.deadlineAt) earliest = request
    }
    return earliest
  }
}
