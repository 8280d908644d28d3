const internals = 'org.apache.kafka.clients.consumer.internals'

/** Loggers of the Java consumer that must be at INFO for `JavaAssignmentLog`: of the classic protocol, and of KIP-848. */
export const assignmentLoggers = [
  `${internals}.ConsumerRebalanceListenerInvoker`,
  `${internals}.ConsumerMembershipManager`,
] as const

/** Follows what a Java consumer holds by what it logs: a console consumer has no other way to tell. */
export class JavaAssignmentLog {
  /** `topic-partition` of each partition held. */
  readonly partitions = new Set<string>()
  /** Assignments taken so far, empty ones included. */
  rebalances = 0
  /** KIP-848: the assignment that the member is on its way to. */
  #next: string[] = []

  /** Takes the next line; true if it changed anything. */
  read(line: string): boolean {
    return this.#readClassic(line) || this.#readNext(line)
  }

  #readClassic(line: string): boolean {
    const [, what, list] =
      /ConsumerRebalanceListenerInvoker .*(Adding newly|Revoke previously|Lost previously) assigned partitions:? *(.*)$/.exec(
        line,
      ) ?? []
    if (what === undefined || list === undefined) return false
    const adds = what.startsWith('Adding')
    if (adds) this.rebalances++
    for (const partition of partitionsOf(list)) {
      if (adds) this.partitions.add(partition)
      else this.partitions.delete(partition)
    }
    return true
  }

  #readNext(line: string): boolean {
    const [, list] = /^\s+Assigned partitions: +(.*)$/.exec(line) ?? []
    if (list !== undefined) {
      this.#next = partitionsOf(list)
      return false
    }
    // Not before it acknowledges has it given up what was revoked, and only then may another member have it.
    const [, state] = /ConsumerMembershipManager .* transitioned from \w+ to (\w+)/.exec(line) ?? []
    if (state === 'ACKNOWLEDGING') {
      this.rebalances++
      this.partitions.clear()
      for (const partition of this.#next) this.partitions.add(partition)
      return true
    }
    if (state !== 'FENCED' && state !== 'STALE' && state !== 'FATAL') return false
    this.partitions.clear()
    return true
  }
}

/** Reads `[orders-0, orders-1]`. */
function partitionsOf(list: string): string[] {
  return list
    .replace(/[[\]]/g, '')
    .split(', ')
    .filter((partition) => partition !== '')
}
