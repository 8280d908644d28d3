import type { Cluster } from '../cluster/cluster.ts'
import type { TopicMetadata } from '../cluster/metadata.ts'
import { InvalidArgumentError } from '../errors.ts'

/** Which topics the consumer wants: names, and patterns that are held against the topics of the cluster. */
export class TopicSubscription {
  readonly #names: ReadonlySet<string>
  readonly #patterns: readonly RegExp[]
  #matched: readonly string[] = []

  /** Throws InvalidArgumentError for what is neither a name nor a RegExp. */
  constructor(topics: readonly (string | RegExp)[]) {
    if (!Array.isArray(topics)) {
      throw new InvalidArgumentError('topics must be an array of names and RegExps')
    }
    const names = new Set<string>()
    const patterns: RegExp[] = []
    for (const topic of topics as readonly unknown[]) {
      if (typeof topic === 'string' && topic !== '') {
        names.add(topic)
      } else if (Object.prototype.toString.call(topic) === '[object RegExp]') {
        const { source, flags } = topic as RegExp
        // With these flags `test` goes on where it stopped the last time.
        patterns.push(new RegExp(source, flags.replace(/[gy]/g, '')))
      } else {
        throw new InvalidArgumentError(`a topic must be a name or a RegExp, not ${JSON.stringify(topic)}`)
      }
    }
    this.#names = names
    this.#patterns = patterns
  }

  get isEmpty(): boolean {
    return this.#names.size === 0 && this.#patterns.length === 0
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
