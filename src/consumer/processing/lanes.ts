import { murmur2 } from '../../protocol/murmur2.ts'
import type { WorkItem } from './partition-work.ts'
import type { ParsedRunOptions } from './run-options.ts'

/** Items that are handled one after the other. */
export class Lane {
  readonly id: string | null
  #items: WorkItem[] = []
  #first = 0
  /** Its first item is being handled, or waits for its next try. */
  isBusy = false

  constructor(id: string | null) {
    this.id = id
  }

  get first(): WorkItem | null {
    return this.#items[this.#first] ?? null
  }

  push(item: WorkItem): void {
    this.#items.push(item)
  }

  shift(): void {
    this.#first++
    if (this.#first < this.#items.length) return
    this.#items = []
    this.#first = 0
  }
}

/** All lanes with something in them, and which of them may go on. */
export class Lanes {
  readonly #ordering: ParsedRunOptions['ordering']
  readonly #byId = new Map<string, Lane>()
  /** In the order in which they became ready, so that each gets its turn. */
  readonly #ready = new Set<Lane>()
  /** Ready, but for their partition being paused. */
  readonly #parked = new Set<Lane>()

  constructor(ordering: ParsedRunOptions['ordering']) {
    this.#ordering = ordering
  }

  add(item: WorkItem): void {
    const id = this.#idOf(item)
    let lane = id === null ? undefined : this.#byId.get(id)
    if (lane === undefined) {
      lane = new Lane(id)
      if (id !== null) this.#byId.set(id, lane)
    }
    lane.push(item)
    if (!lane.isBusy && !this.#parked.has(lane)) this.#ready.add(lane)
  }

  /**
   * The next lane whose first item can be handled now; it is busy from then on. Null: there is none.
   *
   * @param isDropped items that nobody wants any more: they are passed over.
   */
  next(isDropped: (item: WorkItem) => boolean): Lane | null {
    for (const lane of this.#ready) {
      this.#ready.delete(lane)
      while (lane.first !== null && isDropped(lane.first)) lane.shift()
      const { first } = lane
      if (first === null) {
        this.#forget(lane)
      } else if (first.work.partition.isPaused) {
        this.#parked.add(lane)
      } else {
        lane.isBusy = true
        return lane
      }
    }
    return null
  }

  /** Its first item is finished: the next may come. */
  advance(lane: Lane): void {
    lane.shift()
    this.again(lane)
  }

  /** Its first item is to be looked at again. */
  again(lane: Lane): void {
    lane.isBusy = false
    if (lane.first === null) this.#forget(lane)
    else this.#ready.add(lane)
  }

  /** Partitions may have been resumed. */
  unpark(): void {
    for (const lane of this.#parked) this.#ready.add(lane)
    this.#parked.clear()
  }

  #forget({ id }: Lane): void {
    if (id !== null) this.#byId.delete(id)
  }

  /** By a hash, whose rare collisions only make two keys wait for each other. Null: no order with anything. */
  #idOf({ work, records }: WorkItem): string | null {
    if (this.#ordering === 'none') return null
    const { key } = work.partition
    if (this.#ordering === 'partition') return key
    const bytes = records[0]!.rawKey
    return bytes === null ? null : `${murmur2(bytes)} ${key}`
  }
}
