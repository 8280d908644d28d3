import type { Cluster } from '../cluster/cluster.ts'
import type { TopicMetadata } from '../cluster/metadata.ts'
import { InvalidArgumentError } from '../errors.ts'
import { SubscriptionPattern } from './subscription-pattern.ts'

/** What a consumer can subscribe to: a name, a RegExp that it matches itself, or a pattern for the broker. */
export type TopicOrPattern = string | RegExp | SubscriptionPattern

/** Which topics the consumer wants: names, and patterns that it, or the broker, holds against the topics of the cluster. */
export class TopicSubscription {
  readonly #names: ReadonlySet<string>
  readonly #patterns: readonly RegExp[]
  /** For the broker to evaluate; null: none. */
  readonly brokerPattern: string | null
  #matched: readonly string[] = []

  /** Throws InvalidArgumentError for what is neither a name nor a pattern. */
  constructor(given: readonly TopicOrPattern[] | SubscriptionPattern) {
    const topics = given instanceof SubscriptionPattern ? [given] : given
    if (!Array.isArray(topics)) {
      throw new InvalidArgumentError(
        'topics must be an array of names and patterns, or a SubscriptionPattern',
      )
    }
    const names = new Set<string>()
    const patterns: RegExp[] = []
    const forBroker = new Set<string>()
    for (const topic of topics as readonly unknown[]) {
      if (typeof topic === 'string' && topic !== '') {
        names.add(topic)
      } else if (Object.prototype.toString.call(topic) === '[object RegExp]') {
        const { source, flags } = topic as RegExp
        // With these flags `test` goes on where it stopped the last time.
        patterns.push(new RegExp(source, flags.replace(/[gy]/g, '')))
      } else if (topic instanceof SubscriptionPattern) {
        forBroker.add(topic.pattern)
      } else {
        throw new InvalidArgumentError(
          `a topic must be a name, a RegExp or a SubscriptionPattern, not ${JSON.stringify(topic)}`,
        )
      }
    }
    this.#names = names
    this.#patterns = patterns
    // A heartbeat takes one.
    const [first, ...others] = forBroker
    this.brokerPattern =
      others.length > 0 ? [...forBroker].map((one) => `(?:${one})`).join('|') : (first ?? null)
  }

  get isEmpty(): boolean {
    return this.#names.size === 0 && this.#patterns.length === 0 && this.brokerPattern === null
  }

  get hasPatterns(): boolean {
    return this.#patterns.length > 0
  }

  /** Names, and what the patterns have matched so far; sorted. */
  topics(): string[] {
    return [...new Set([...this.#names, ...this.#matched])].sort()
  }

  /** Asks the cluster anew for what this stands for; true when that has changed. */
  async refresh(cluster: Cluster): Promise<boolean> {
    if (!this.hasPatterns) {
      if (this.#names.size > 0) await cluster.metadata.refresh(this.#names)
      return false
    }
    const before = this.#matched.join()
    const all = await cluster.metadata.all()
    this.#matched = all
      .filter((topic) => this.#matches(topic))
      .map(({ name }) => name)
      .sort()
    return this.#matched.join() !== before
  }

  #matches({ name, isInternal }: TopicMetadata): boolean {
    return !isInternal && this.#patterns.some((pattern) => pattern.test(name))
  }
}
