import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { Topic } from '../cluster/topic.ts'
import type { ConsumerMember } from './consumer-member.ts'
import { type MayDescribe, RegexSubscriptions } from './regex-subscriptions.ts'
import { compileTopicRegex } from './topic-regex.ts'

/** What became of a subscription with a heartbeat. */
export interface SubscriptionChange {
  /** The member reads other topics than before, though which may not be known yet. */
  readonly changed: boolean
  /** There are other topics to assign, of this member or of any. */
  readonly needsAssignment: boolean
}

/** Which topics the members of one consumer group read, by name and by regular expression. */
export class ConsumerSubscriptions {
  readonly #cluster: KafkaCluster
  readonly #members: ReadonlyMap<string, ConsumerMember>
  readonly #regexes: RegexSubscriptions
  readonly #unwatch: () => void
  /** Ids and sizes of the topics that are read, as of the last assignment that was asked for. */
  #signature = ''
  #topicsMayHaveChanged = false

  /** @param onResolved called when an expression turns out to stand for other topics. */
  constructor(cluster: KafkaCluster, members: ReadonlyMap<string, ConsumerMember>, onResolved: () => void) {
    this.#cluster = cluster
    this.#members = members
    this.#regexes = new RegexSubscriptions(cluster, onResolved)
    this.#unwatch = cluster.topics.watch((topic) => this.#onTopicChanged(topic))
  }

  /** @throws GroupError INVALID_REGULAR_EXPRESSION; one that a member has already is not looked at again. */
  check(member: ConsumerMember | null, regex: string | null): void {
    if (regex === null || regex === '' || regex === member?.subscribedTopicRegex) return
    if (!this.#memberRegexes().has(regex)) compileTopicRegex(regex)
  }

  /** Takes over what a member says it reads; null: unchanged. */
  update(
    member: ConsumerMember,
    names: readonly string[] | null,
    regex: string | null,
    mayDescribe: MayDescribe,
  ): SubscriptionChange {
    const sorted = names === null ? member.subscribedTopicNames : [...new Set(names)].sort()
    const namesChanged =
      names !== null && JSON.stringify(sorted) !== JSON.stringify(member.subscribedTopicNames)
    member.subscribedTopicNames = sorted
    const regexChange = this.#updateRegex(member, regex)
    this.#regexes.maybeRefresh(() => this.#memberRegexes(), mayDescribe)
    const topicsChanged = this.#topicsMayHaveChanged && this.#sign() !== this.#signature
    this.#topicsMayHaveChanged = false
    return {
      changed: namesChanged || regexChange !== 'no',
      needsAssignment: namesChanged || regexChange === 'resolved' || topicsChanged,
    }
  }

  /** The member has gone. */
  forget({ subscribedTopicRegex }: ConsumerMember): void {
    if (subscribedTopicRegex !== '' && !this.#memberRegexes().has(subscribedTopicRegex)) {
      this.#regexes.forget(subscribedTopicRegex)
    }
  }

  /** Another assignment has been asked for: what changes from now on asks for the next. */
  takeNote(): void {
    this.#signature = this.#sign()
  }

  topicNamesOf({ subscribedTopicNames, subscribedTopicRegex }: ConsumerMember): ReadonlySet<string> {
    const matched = subscribedTopicRegex === '' ? null : this.#regexes.topicsOf(subscribedTopicRegex)
    return new Set([...subscribedTopicNames, ...(matched ?? [])])
  }

  /** Ids of those that exist. */
  topicIdsOf(member: ConsumerMember): Set<string> {
    const ids = new Set<string>()
    for (const name of this.topicNamesOf(member)) {
      const topic = this.#cluster.topics.get(name)
      if (topic !== undefined) ids.add(topic.id)
    }
    return ids
  }

  has(topic: string): boolean {
    for (const member of this.#members.values()) if (this.topicNamesOf(member).has(topic)) return true
    return false
  }

  dispose(): void {
    this.#unwatch()
    this.#regexes.dispose()
  }

  /** `later`: what it stands for is not known yet; the assignment is asked for when it is. */
  #updateRegex(member: ConsumerMember, regex: string | null): 'no' | 'later' | 'resolved' {
    const old = member.subscribedTopicRegex
    if (regex === null || regex === old) return 'no'
    member.subscribedTopicRegex = regex
    if (old !== '' && !this.#memberRegexes().has(old)) this.#regexes.forget(old)
    if (regex === '') return 'resolved'
    return this.#regexes.topicsOf(regex) === null ? 'later' : 'resolved'
  }

  #onTopicChanged(topic: Topic): void {
    this.#regexes.topicsChanged()
    if (this.has(topic.name)) this.#topicsMayHaveChanged = true
  }

  #sign(): string {
    const names = new Set<string>()
    for (const member of this.#members.values()) {
      for (const name of this.topicNamesOf(member)) names.add(name)
    }
    return [...names]
      .sort()
      .flatMap((name) => {
        const topic = this.#cluster.topics.get(name)
        return topic === undefined ? [] : [`${topic.id}:${topic.partitions.length}`]
      })
      .join()
  }

  #memberRegexes(): ReadonlySet<string> {
    const regexes = new Set<string>()
    for (const { subscribedTopicRegex } of this.#members.values()) {
      if (subscribedTopicRegex !== '') regexes.add(subscribedTopicRegex)
    }
    return regexes
  }
}
