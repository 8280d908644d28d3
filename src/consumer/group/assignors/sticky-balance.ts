import type { ClusterView, MemberSubscription, TopicPartition } from './assignor.ts'
import { type SubscribedTopic, sameSubscribers, sortMembers, subscribedTopics } from './subscribed-topics.ts'

/** What a member had before. */
export interface Claim {
  readonly partitions: readonly TopicPartition[]
  /** In which they were assigned; -1 when unknown. Of two claims to one partition the later generation counts. */
  readonly generationId: number
}

const NOBODY = -1
/** Equal to no rack of a replica. */
const NO_RACK = '\0'

interface Place {
  readonly topic: string
  readonly partition: number
  /** Counted through all topics. */
  readonly at: number
}

/** How a member can be given a partition more: from whom, and which one. */
interface Step {
  readonly from: number
  readonly partition: number
}

/** Members from the least loaded on: those at the lowest level get one each, then they are on the next with others. */
class Levels {
  readonly #held: readonly (readonly number[])[]
  /** By load at the beginning. */
  readonly #members: number[]
  /** As many of them are at the lowest level, or above it by what they were just given. */
  #count = 0
  /** As many of these have had their turn. */
  #turn = 0
  #level = -1

  constructor(members: readonly number[], held: readonly (readonly number[])[]) {
    this.#held = held
    this.#members = [...members].sort((a, b) => held[a]!.length - held[b]!.length)
    this.#raise()
  }

  /** The load of the next one; infinite without members. */
  get lowest(): number {
    return this.#members.length === 0 ? Number.POSITIVE_INFINITY : this.#level
  }

  #raise(): void {
    const loadOf = (at: number) => this.#held[this.#members[at]!]!.length
    this.#turn = 0
    this.#level = this.#count === 0 && this.#members.length > 0 ? loadOf(0) : this.#level + 1
    while (this.#count < this.#members.length && loadOf(this.#count) <= this.#level) this.#count++
  }

  /** One with the lowest load, and that `suits` if there is such a one; to be given a partition before the next call. */
  next(suits?: (member: number) => boolean): number {
    if (this.#turn === this.#count) this.#raise()
    if (suits !== undefined) {
      for (let at = this.#turn; at < this.#count; at++) {
        const member = this.#members[at]!
        if (!suits(member)) continue
        this.#members[at] = this.#members[this.#turn]!
        this.#members[this.#turn] = member
        break
      }
    }
    return this.#members[this.#turn++]!
  }
}

/**
 * As balanced as can be, and of all that is so, as much as possible stays where it was.
 *
 * Everybody keeps what they claim, and what nobody claims goes to whoever has least. Then partitions move from the
 * fullest member to one that has at least two less: straight, or along a chain of members when those two have no topic in
 * common (KIP-54). When no chain is left no assignment is better balanced. The chain that breaks the fewest claims is
 * taken first.
 *
 * Members and partitions are numbers in here, for speed: members by their place in the sorted list, partitions counted
 * through all topics.
 */
class StickyBalance {
  readonly #topics: readonly SubscribedTopic[]
  readonly #members: readonly MemberSubscription[]
  /** Subscribers by class; topics with the same ones are one class, so that there are few. */
  readonly #classes: (readonly number[])[] = []
  readonly #classOf: Int32Array
  readonly #firstPartition = new Map<string, { first: number; count: number }>()
  readonly #claimant: Int32Array
  readonly #owner: Int32Array
  /** Partitions by member. */
  readonly #held: number[][]
  /** How each member was reached by the present search. */
  readonly #steps: Step[] = []

  constructor(topics: readonly SubscribedTopic[], members: readonly MemberSubscription[]) {
    this.#topics = topics
    this.#members = members
    let total = 0
    const starts = topics.map(({ topic, partitionCount }) => {
      this.#firstPartition.set(topic, { first: total, count: partitionCount })
      total += partitionCount
      return total - partitionCount
    })
    this.#classOf = new Int32Array(total)
    for (const [index, topicsAlike] of sameSubscribers(topics).entries()) {
      this.#classes.push(topics[topicsAlike[0]!]!.subscribers)
      for (const at of topicsAlike) {
        this.#classOf.fill(index, starts[at]!, starts[at]! + topics[at]!.partitionCount)
      }
    }
    this.#claimant = new Int32Array(total).fill(NOBODY)
    this.#owner = new Int32Array(total).fill(NOBODY)
    this.#held = members.map(() => [])
  }

  /** Of two claims of the same generation the first member's counts. */
  claim(claims: readonly Claim[]): void {
    const generations = new Float64Array(this.#owner.length).fill(Number.NEGATIVE_INFINITY)
    for (const [member, { partitions, generationId }] of claims.entries()) {
      for (const { topic, partition } of partitions) {
        const place = this.#firstPartition.get(topic)
        if (place === undefined || partition < 0 || partition >= place.count) continue
        const at = place.first + partition
        if (generationId <= generations[at]! || !has(this.#classes[this.#classOf[at]!]!, member)) continue
        generations[at] = generationId
        this.#claimant[at] = member
      }
    }
    for (const [at, member] of this.#claimant.entries()) if (member !== NOBODY) this.#give(at, member)
  }

  #give(partition: number, member: number): void {
    this.#owner[partition] = member
    this.#held[member]!.push(partition)
  }

  /** Those with the fewest subscribers first: the others have more to choose from. */
  giveRest(cluster: ClusterView): void {
    const hasRacks = this.#members.some(({ rackId }) => rackId)
    const unowned = this.#classes.map((): Place[] => [])
    for (const { topic } of this.#topics) {
      const { first, count } = this.#firstPartition.get(topic)!
      for (let partition = 0; partition < count; partition++) {
        const at = first + partition
        if (this.#owner[at] === NOBODY) unowned[this.#classOf[at]!]!.push({ topic, partition, at })
      }
    }
    const byChoice = [...this.#classes.keys()].sort(
      (a, b) => this.#classes[a]!.length - this.#classes[b]!.length,
    )
    for (const index of byChoice) {
      if (unowned[index]!.length === 0) continue
      const levels = new Levels(this.#classes[index]!, this.#held)
      for (const { topic, partition, at } of unowned[index]!) {
        if (!hasRacks) {
          this.#give(at, levels.next())
          continue
        }
        const racks = cluster.replicaRacks(topic, partition)
        // Among equals one with a replica in its own rack (KIP-881).
        this.#give(
          at,
          levels.next((member) => racks.includes(this.#members[member]!.rackId || NO_RACK)),
        )
      }
    }
  }

  /**
   * From the fullest member downwards. Who cannot be relieved is left out from then on, with all whom it could have given
   * something to: none of them has room for anybody who has no more than it, and so none is on a chain either.
   */
  balance(): void {
    const isSettled = new Uint8Array(this.#held.length)
    for (;;) {
      let fullest = NOBODY
      let most = -1
      let secondMost = -1
      for (let member = 0; member < this.#held.length; member++) {
        if (isSettled[member] === 1) continue
        const load = this.#held[member]!.length
        if (load > most) {
          secondMost = most
          most = load
          fullest = member
        } else if (load > secondMost) secondMost = load
      }
      if (most < 2) return
      this.#relieve(fullest, secondMost, isSettled)
    }
  }

  /** A search by the number of claims that a chain breaks, and within that by length. */
  #relieve(source: number, secondMost: number, isSettled: Uint8Array): void {
    const roomBelow = this.#held[source]!.length - 1
    const isOpened = new Uint8Array(this.#classes.length)
    const reached = [source]
    isSettled[source] = 1
    let costly: Step[] = []
    const open = (step: Step) => {
      const index = this.#classOf[step.partition]!
      if (isOpened[index] === 1) return
      isOpened[index] = 1
      unopened--
      for (const member of this.#classes[index]!) {
        if (isSettled[member] === 1) continue
        isSettled[member] = 1
        this.#steps[member] = step
        reached.push(member)
      }
    }
    let unopened = this.#classes.length
    let next = 0
    let seen = 1
    for (;;) {
      for (; next < reached.length && unopened > 0; next++) {
        const from = reached[next]!
        for (const partition of this.#held[from]!) {
          if (isOpened[this.#classOf[partition]!] === 1) continue
          if (this.#claimant[partition] === from) costly.push({ from, partition })
          else open({ from, partition })
        }
      }
      let target = NOBODY
      for (; seen < reached.length; seen++) {
        const member = reached[seen]!
        const load = this.#held[member]!.length
        if (load < roomBelow && (target === NOBODY || load < this.#held[target]!.length)) target = member
      }
      if (target !== NOBODY) {
        for (const member of reached) isSettled[member] = 0
        const step = this.#steps[target]!
        const isMuchFuller = roomBelow > secondMost
        if (isMuchFuller && step.from === source) this.#shed(step, secondMost)
        else this.#follow(source, target)
        return
      }
      if (costly.length === 0 || unopened === 0) return
      const dear = costly
      costly = []
      for (const step of dear) open(step)
    }
  }

  /**
   * Gives away all that are like this one, until the member is not the fullest any more or has nobody with two less: a
   * search for each of thousands would take seconds.
   */
  #shed({ from, partition }: Step, secondMost: number): void {
    const held = this.#held[from]!
    const index = this.#classOf[partition]!
    const isClaimed = this.#claimant[partition] === from
    const levels = new Levels(
      this.#classes[index]!.filter((member) => member !== from),
      this.#held,
    )
    for (let at = held.length - 1; at >= 0; at--) {
      const one = held[at]!
      if (this.#classOf[one] !== index || (this.#claimant[one] === from) !== isClaimed) continue
      if (levels.lowest + 1 >= held.length || held.length < secondMost) return
      held[at] = held[held.length - 1]!
      held.pop()
      this.#give(one, levels.next())
    }
  }

  /**
   * Gives partitions back to who claims them where nobody is worse off by it: the one that has it now had one more than
   * the claimant, or than somebody whom the claimant, over others or not, can give one that nobody there claims.
   */
  restore(): void {
    for (const [partition, claimant] of this.#claimant.entries()) {
      const owner = this.#owner[partition]!
      if (claimant === NOBODY || claimant === owner) continue
      const target = this.#findRoomFor(claimant, owner)
      if (target === NOBODY) continue
      this.#follow(claimant, target)
      this.#move(partition, owner, claimant)
    }
  }

  #findRoomFor(claimant: number, owner: number): number {
    const wanted = this.#held[owner]!.length - 1
    if (this.#held[claimant]!.length === wanted) return claimant
    const isReached = new Uint8Array(this.#held.length)
    const isOpened = new Uint8Array(this.#classes.length)
    const reached = [claimant]
    isReached[claimant] = 1
    for (const from of reached) {
      for (const partition of this.#held[from]!) {
        const index = this.#classOf[partition]!
        if (isOpened[index] === 1 || this.#claimant[partition] === from) continue
        isOpened[index] = 1
        for (const member of this.#classes[index]!) {
          if (isReached[member] === 1) continue
          isReached[member] = 1
          this.#steps[member] = { from, partition }
          if (member === owner || this.#held[member]!.length === wanted) return member
          reached.push(member)
        }
      }
    }
    return NOBODY
  }

  /** Each on the way gives one and gets one. */
  #follow(source: number, target: number): void {
    for (let to = target; to !== source; ) {
      const { from, partition } = this.#steps[to]!
      this.#move(partition, from, to)
      to = from
    }
  }

  #move(partition: number, from: number, to: number): void {
    const held = this.#held[from]!
    held[held.indexOf(partition)] = held[held.length - 1]!
    held.pop()
    this.#give(partition, to)
  }

  /** Each member's partitions, by topic and partition. */
  result(): Map<string, TopicPartition[]> {
    const assigned = this.#members.map((): TopicPartition[] => [])
    for (const { topic } of this.#topics) {
      const { first, count } = this.#firstPartition.get(topic)!
      for (let partition = 0; partition < count; partition++) {
        assigned[this.#owner[first + partition]!]!.push({ topic, partition })
      }
    }
    return new Map(this.#members.map(({ memberId }, index) => [memberId, assigned[index]!]))
  }
}

/** Whether the ascending list has this number. */
function has(ascending: readonly number[], wanted: number): boolean {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! < wanted) low = middle + 1
    else high = middle
  }
  return ascending[low] === wanted
}

/** Shares everything out; see `StickyBalance`. Whichever member leads, the outcome is the same. */
export function assignSticky(
  members: readonly MemberSubscription[],
  cluster: ClusterView,
  claimOf: (member: MemberSubscription) => Claim,
): Map<string, TopicPartition[]> {
  const sorted = sortMembers(members)
  const balance = new StickyBalance(subscribedTopics(sorted, cluster), sorted)
  balance.claim(sorted.map(claimOf))
  balance.giveRest(cluster)
  balance.balance()
  balance.restore()
  return balance.result()
}
