import type { ClockTimer } from '../clock.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import { compileTopicRegex } from './topic-regex.ts'

/** Java's `REGEX_BATCH_REFRESH_MIN_INTERVAL_MS`. */
const minRefreshMs = 10_000

/** `group.consumer.regex.refresh.interval.ms`, an internal config. */
const maxRefreshMs = 600_000

/** Whether a topic may be told to the one who asks. */
export type MayDescribe = (topic: string) => boolean

/**
 * The topics behind the regular expressions of a group's members. As in Kafka they are found apart from the heartbeat that
 * asks for it, and at most every ten seconds for all of the group.
 */
export class RegexSubscriptions {
  readonly #cluster: KafkaCluster
  readonly #onResolved: () => void
  #resolved = new Map<string, ReadonlySet<string>>()
  #resolvedAtMs = Number.NEGATIVE_INFINITY
  #isStale = false
  #running: ClockTimer | null = null

  /** @param onResolved called when an expression has got other topics than before. */
  constructor(cluster: KafkaCluster, onResolved: () => void) {
    this.#cluster = cluster
    this.#onResolved = onResolved
  }

  /** Null: not yet known. */
  topicsOf(regex: string): ReadonlySet<string> | null {
    return this.#resolved.get(regex) ?? null
  }

  /** A topic has come: the next heartbeat may look again. */
  topicsChanged(): void {
    this.#isStale = true
  }

  forget(regex: string): void {
    this.#resolved.delete(regex)
  }

  /**
   * Looks again, soon, where there is a reason to.
   *
   * @param current gives the expressions of the members when it comes to it.
   * @param mayDescribe the rights of the member that has set it off count for all, as in Kafka.
   */
  maybeRefresh(current: () => ReadonlySet<string>, mayDescribe: MayDescribe): void {
    const regexes = current()
    if (regexes.size === 0 || this.#running !== null) return
    const { clock } = this.#cluster
    const last = this.#lastRefreshMs()
    if (clock.now() <= last + minRefreshMs) return
    const isDue =
      this.#isStale ||
      clock.now() > last + maxRefreshMs ||
      regexes.size !== this.#resolved.size ||
      [...regexes].some((regex) => !this.#resolved.has(regex))
    if (!isDue) return
    this.#running = clock.after(0, () => {
      this.#running = null
      this.#refresh(current(), mayDescribe)
    })
  }

  dispose(): void {
    this.#running?.cancel()
    this.#running = null
  }

  /** With no expression left, nothing has been looked at. */
  #lastRefreshMs(): number {
    return this.#resolved.size === 0 ? Number.NEGATIVE_INFINITY : this.#resolvedAtMs
  }

  #refresh(regexes: ReadonlySet<string>, mayDescribe: MayDescribe): void {
    const before = this.#resolved
    this.#isStale = false
    this.#resolvedAtMs = this.#cluster.clock.now()
    const names = [...this.#cluster.topics].map(({ name }) => name).filter(mayDescribe)
    this.#resolved = new Map(
      [...regexes].map((regex) => {
        const pattern = compileTopicRegex(regex)
        return [regex, new Set(names.filter((name) => pattern.test(name)))]
      }),
    )
    const changed = [...this.#resolved].some(([regex, topics]) => !sameSet(before.get(regex), topics))
    if (changed) this.#onResolved()
  }
}

function sameSet(a: ReadonlySet<string> = new Set(), b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((one) => b.has(one))
}
