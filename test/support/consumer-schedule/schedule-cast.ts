import type { ConsumerSchedule, MemberStep } from './draw-schedule.ts'
import type { GroupLedger } from './group-ledger.ts'
import { type MemberContext, ScheduledMember } from './scheduled-member.ts'

/** The members of a schedule: who is there, and what is done to whom. */
export class ScheduleCast {
  joins = 0
  readonly #schedule: ConsumerSchedule
  readonly #ledger: GroupLedger
  readonly #context: MemberContext
  /** By slot. */
  readonly #members: (ScheduledMember | undefined)[] = []
  readonly #all: ScheduledMember[] = []
  readonly #goings = new Set<Promise<void>>()
  readonly #timers = new Map<NodeJS.Timeout, () => void>()

  constructor(
    schedule: ConsumerSchedule,
    ledger: GroupLedger,
    where: Pick<MemberContext, 'bootstrapServers' | 'connect' | 'groupId' | 'topic'> &
      Partial<Pick<MemberContext, 'options' | 'isCalm'>>,
  ) {
    this.#schedule = schedule
    this.#ledger = ledger
    this.#context = {
      options: {},
      isCalm: schedule.isCalm,
      ...where,
      ledger,
      closeMs: schedule.stuckMs,
    }
  }

  play({ do: what, slot, ms }: MemberStep): void {
    const member = this.#members[slot]
    if (member === undefined || !member.isAlive) {
      // A static one that is not quite gone would be thrown out by itself.
      const isOnItsWay = member !== undefined && !member.isGone && member.plan.isStatic
      if (!isOnItsWay && (what === 'join' || what === 'restart')) this.#join(slot)
      return
    }
    switch (what) {
      case 'join':
        return
      case 'leave':
        // A static member that leaves comes back; until then, or for a session, nobody has its partitions.
        return this.#going(member.leave())
      case 'restart':
        return this.#going(member.leave().then(() => this.#join(slot)))
      case 'quit':
        return this.#going(member.quit())
      case 'crash':
        return this.#going(member.crash())
      case 'cut':
        member.cut()
        return this.#later(ms, () => member.mend())
      case 'late':
        return member.beLate((member.plan.options.maxPollIntervalMs ?? 0) + 30)
      case 'double':
        if (!member.plan.isStatic) return
        this.#ledger.excuse(`${member.name} has a double`)
        return this.#join(slot)
      case 'seek':
        return member.seekBack(ms % 20)
      case 'pause':
        member.pause()
        return this.#later(Math.min(ms, 100), () => member.resume())
      case 'rebalance':
        return member.enforceRebalance()
    }
  }

  /** All is well: whoever was cut off is back, and somebody is there to read the rest. */
  async allReturn(): Promise<void> {
    await this.#settle()
    for (const [slot, member] of this.#members.entries()) {
      if (member !== undefined && !member.isAlive && member.plan.isStatic) this.#join(slot)
    }
    if (!this.#members.some((member) => member?.isAlive)) this.#join(0)
  }

  /** Who is there, for messages. */
  describe(): string {
    const alive = this.#all.filter(({ isAlive }) => isAlive)
    return alive.map((member) => member.describe()).join('; ')
  }

  /** All leave in order, and have nothing left open. */
  async allLeave(): Promise<void> {
    await this.#settle()
    await Promise.all(this.#all.map((member) => member.leave()))
    // Connections are over a turn after their end was asked for, those over TCP some turns.
    const open = () => this.#all.filter(({ openConnections }) => openConnections > 0)
    for (let turn = 0; turn < 100 && open().length > 0; turn++) {
      await new Promise((resolve) => setTimeout(resolve, turn >> 3))
    }
    for (const { name, openConnections } of open()) {
      this.#ledger.problem(`${name} has ${openConnections} connections open after its end`)
    }
  }

  /** Ends what goes on for a time, and waits for whoever is on the way out. */
  async #settle(): Promise<void> {
    for (const [timer, end] of this.#timers) {
      clearTimeout(timer)
      end()
    }
    this.#timers.clear()
    while (this.#goings.size > 0) await Promise.all(this.#goings)
  }

  #join(slot: number): void {
    const plan = this.#schedule.members[slot]!
    if (!this.#members.some((member) => member?.isAlive)) this.#ledger.readableFromNow()
    const member = new ScheduledMember(`member-${slot}-${++this.joins}`, slot, plan, this.#context)
    this.#members[slot] = member
    this.#all.push(member)
  }

  #going(end: Promise<void>): void {
    const going: Promise<void> = end.finally(() => this.#goings.delete(going))
    this.#goings.add(going)
  }

  #later(ms: number, end: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      end()
    }, ms)
    this.#timers.set(timer, end)
  }
}
