/** A partition of a session. */
export interface SharedPartition {
  readonly topicId: string
  readonly partition: number
}

/** Opens a session. */
export const openEpoch = 0
/** Closes it, which releases all that was acquired in it. */
export const closeEpoch = -1

/**
 * What a broker remembers of this member's fetches (KIP-932, Java's `ShareSessionHandler`): which partitions it wants, so
 * that only changes are sent, and which records it has acquired. Requests are numbered, so there is one at a time.
 */
export class ShareSession {
  #epoch = openEpoch
  readonly #partitions = new Map<string, SharedPartition>()

  /** Of the next request. */
  get epoch(): number {
    return this.#epoch
  }

  /** Whether the broker knows of it, as far as we know. Only then it takes acknowledgements. */
  get isOpen(): boolean {
    return this.#epoch !== openEpoch
  }

  /** What a fetch of these partitions has to say of them. */
  changeTo(wanted: readonly SharedPartition[]): { added: SharedPartition[]; forgotten: SharedPartition[] } {
    const keys = new Set(wanted.map(sharedKey))
    return {
      added: wanted.filter((one) => !this.#partitions.has(sharedKey(one))),
      forgotten: [...this.#partitions.values()].filter((one) => !keys.has(sharedKey(one))),
    }
  }

  /** A request was answered without an error of the session. For fetches with what `changeTo` gave. */
  answered(change?: {
    readonly added: readonly SharedPartition[]
    readonly forgotten: readonly SharedPartition[]
  }): void {
    for (const one of change?.added ?? []) this.#partitions.set(sharedKey(one), one)
    for (const one of change?.forgotten ?? []) this.#partitions.delete(sharedKey(one))
    // 0 opens a session, so what comes behind the largest is 1.
    this.#epoch = this.#epoch === 0x7fffffff ? 1 : this.#epoch + 1
  }

  /** Lost, or closed. The next fetch opens another one. */
  reset(): void {
    this.#epoch = openEpoch
    this.#partitions.clear()
  }
}

export function sharedKey({ topicId, partition }: SharedPartition): string {
  return `${topicId}:${partition}`
}

/** By topic, as requests have it. */
export function byTopic<P extends SharedPartition, T>(
  partitions: Iterable<P>,
  each: (partition: P) => T,
): { topicId: string; partitions: T[] }[] {
  const topics = new Map<string, T[]>()
  for (const one of partitions) {
    const known = topics.get(one.topicId)
    if (known === undefined) topics.set(one.topicId, [each(one)])
    else known.push(each(one))
  }
  return [...topics].map(([topicId, list]) => ({ topicId, partitions: list }))
}
