import {
  type AnswerJoin,
  ClassicMember,
  copyOf,
  failedJoin,
  failedSync,
  type JoiningMember,
  type JoinResult,
  type MemberForLeader,
  type MemberProtocol,
} from './classic-member.ts'

/**
 * The members of a classic group and what follows from who they are: the leader, static ids, the protocols that all
 * know. When a rebalance begins and ends is up to `ClassicGroup`.
 */
export class ClassicMembers {
  readonly #members = new Map<string, ClassicMember>()
  /** Member ids by `group.instance.id` (KIP-345). */
  readonly #static = new Map<string, string>()
  /** How many members know each protocol. */
  readonly #supporters = new Map<string, number>()
  #leaderId: string | null = null
  #awaitingJoin = 0

  get size(): number {
    return this.#members.size
  }

  get leaderId(): string | null {
    return this.#leaderId
  }

  /** How many wait for the answer to their JoinGroup. */
  get awaitingJoin(): number {
    return this.#awaitingJoin
  }

  /** The longest of all of them. */
  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const { rebalanceTimeoutMs } of this.#members.values())
      longest = Math.max(longest, rebalanceTimeoutMs)
    return longest
  }

  [Symbol.iterator](): IterableIterator<ClassicMember> {
    return this.#members.values()
  }

  get(memberId: string): ClassicMember | undefined {
    return this.#members.get(memberId)
  }

  /** Id of the static member of that instance. */
  staticMemberId(groupInstanceId: string): string | undefined {
    return this.#static.get(groupInstanceId)
  }

  add(member: ClassicMember): void {
    this.#members.set(member.memberId, member)
    if (member.groupInstanceId !== null) this.#static.set(member.groupInstanceId, member.memberId)
    this.#count(member.protocols, 1)
    this.#leaderId ??= member.memberId
  }

  /** What waits for it is left to the caller. */
  remove(member: ClassicMember): void {
    if (!this.#members.delete(member.memberId)) return
    member.stopTimer()
    this.#count(member.protocols, -1)
    if (member.answerJoin !== null) this.#awaitingJoin--
    member.answerJoin = null
    if (member.groupInstanceId !== null) this.#static.delete(member.groupInstanceId)
    if (this.#leaderId === member.memberId) {
      const [next] = this.#members.keys()
      this.#leaderId = next ?? null
    }
  }

  clear(): void {
    for (const member of [...this.#members.values()]) this.remove(member)
  }

  update(member: ClassicMember, { protocols, sessionTimeoutMs, rebalanceTimeoutMs }: JoiningMember): void {
    this.#count(member.protocols, -1)
    member.protocols = copyOf(protocols)
    this.#count(member.protocols, 1)
    member.sessionTimeoutMs = sessionTimeoutMs
    member.rebalanceTimeoutMs = rebalanceTimeoutMs
  }

  /** Lets a static member go on under a new id; who waits under the old one is fenced. */
  replaceStatic(old: ClassicMember, memberId: string): ClassicMember {
    const led = this.#leaderId === old.memberId
    this.answerJoin(old, failedJoin('FENCED_INSTANCE_ID', old.memberId))
    old.answerSync?.(failedSync('FENCED_INSTANCE_ID'))
    old.answerSync = null
    const member = new ClassicMember(old, memberId)
    member.assignment = old.assignment
    member.isNew = old.isNew
    this.remove(old)
    this.add(member)
    if (led) this.#leaderId = memberId
    return member
  }

  /** Its JoinGroup waits from now on. One that waits already is not answered any more, as in Kafka. */
  park(member: ClassicMember, answer: AnswerJoin): void {
    if (member.answerJoin === null) this.#awaitingJoin++
    member.answerJoin = answer
  }

  answerJoin(member: ClassicMember, result: JoinResult): void {
    const answer = member.answerJoin
    if (answer === null) return
    member.answerJoin = null
    this.#awaitingJoin--
    answer(result)
  }

  /** Whether there is one among `protocols` that all members know. */
  supportsAny(protocols: readonly MemberProtocol[]): boolean {
    return protocols.some(({ name }) => (this.#supporters.get(name) ?? 0) === this.size)
  }

  /** The one with the most votes of those that all know (Java's `selectProtocol`). */
  selectProtocol(): string {
    const candidates = new Set<string>()
    for (const [name, count] of this.#supporters) if (count === this.size) candidates.add(name)
    const votes = new Map<string, number>()
    for (const member of this.#members.values()) {
      const vote = member.vote(candidates)
      if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1)
    }
    let selected = ''
    for (const [name, count] of votes) if (count > (votes.get(selected) ?? 0)) selected = name
    return selected
  }

  /**
   * A leader that has not come back hands over to one that has.
   *
   * @returns false where nobody is there to lead.
   */
  electJoinedLeader(): boolean {
    if (this.#leaderId === null) return false
    if (this.#members.get(this.#leaderId)!.answerJoin !== null) return true
    for (const member of this.#members.values()) {
      if (member.answerJoin === null) continue
      this.#leaderId = member.memberId
      return true
    }
    return false
  }

  /** Sets who leads, when the group is read back. */
  lead(memberId: string | null): void {
    if (memberId !== null && this.#members.has(memberId)) this.#leaderId = memberId
  }

  forLeader(protocol: string): MemberForLeader[] {
    return [...this.#members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: member.metadataOf(protocol),
    }))
  }

  #count(protocols: readonly MemberProtocol[], by: 1 | -1): void {
    // Who names a protocol twice knows it once.
    for (const name of new Set(protocols.map((one) => one.name))) {
      const count = (this.#supporters.get(name) ?? 0) + by
      if (count === 0) this.#supporters.delete(name)
      else this.#supporters.set(name, count)
    }
  }
}
