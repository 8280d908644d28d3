import type { Deadline } from '../../deadline.ts'
import type { GroupMember, GroupMembershipOperation, GroupMetadata } from './group-member.ts'

/** A member whose code is loaded when it starts: not every consumer has a group, and none needs both protocols. */
export class DeferredMember implements GroupMember {
  readonly #outside: GroupMetadata
  readonly #load: () => Promise<GroupMember>
  readonly #onFailure: (error: unknown) => void
  #member: GroupMember | null = null
  #loading: Promise<void> | null = null
  #hasLeft = false

  /** @param outside its metadata until it is there. */
  constructor(outside: GroupMetadata, load: () => Promise<GroupMember>, onFailure: (error: unknown) => void) {
    this.#outside = outside
    this.#load = load
    this.#onFailure = onFailure
  }

  get metadata(): GroupMetadata {
    return this.#member?.metadata ?? this.#outside
  }

  start(): void {
    this.#loading ??= this.#load().then(
      (member) => {
        if (this.#hasLeft) return
        this.#member = member
        member.start()
      },
      (error: unknown) => {
        if (!this.#hasLeft) this.#onFailure(error)
      },
    )
  }

  /** What has changed before it is there, it joins with. */
  rejoin(reason: string): void {
    this.#member?.rejoin(reason)
  }

  enforceRebalance(reason: string): void {
    this.#member?.enforceRebalance(reason)
  }

  afterRebalance(sentWith: GroupMetadata): Promise<void> | null {
    return this.#member?.afterRebalance(sentWith) ?? null
  }

  onCommitRefused(errorCode: number, sentWith: GroupMetadata): void {
    this.#member?.onCommitRefused(errorCode, sentWith)
  }

  async leave(deadline: Deadline, reason?: string, operation?: GroupMembershipOperation): Promise<void> {
    this.#hasLeft = true
    await this.#member?.leave(deadline, reason, operation)
  }
}
