import { DeliveryError } from '../../../src/errors.ts'
import type { SendManyError } from '../../../src/producer/delivery.ts'
import type { DeliveredRange, RecordMetadata } from '../../../src/producer/producer-record.ts'

/** A record as it is in a log; its value begins with its number. */
export interface LoggedNumber {
  /** Counts the topics that had the name, one made after the other was deleted. @default 0 */
  readonly incarnation?: number
  readonly partition: number
  readonly offset: number
  readonly number: number
}

/** What the producer was set up to promise. */
export interface Promised {
  /** Each batch once and in order. */
  readonly isIdempotent: boolean
  /** One request at a time: in order, though maybe more than once. */
  readonly isOneByOne: boolean
  readonly acks: 'all' | 0 | 1
  /** Codes that records may fail with; null: any. */
  readonly allowedCodes: ReadonlySet<string> | null
}

type Fate =
  | { readonly kind: 'open' }
  | {
      readonly kind: 'confirmed'
      readonly partition: number
      readonly offset: number
      /** The latest topic at that time. */
      readonly incarnation: number
    }
  | { readonly kind: 'failed'; readonly error: Error }
  /** Told in sum, with others of the same call. */
  | { readonly kind: 'summed' }

/** A `sendMany`, or all of `produce` without a callback: what failed is told by count. */
interface Sum {
  readonly numbers: Set<number>
  readonly ranges: DeliveredRange[]
  failed: number
  possibly: number
}

/**
 * What was sent, what was told about it, and whether the log agrees. Records are numbered in the order of sending.
 *
 * A topic that is deleted and made anew has one log after another, and no record moves from one to the next. Of each log
 * all holds that holds of one: no record twice, all in order. A confirmed record is in one of them; in more than one it is
 * when the answer of the first got lost, but in none that began after it was confirmed. What has failed as not persisted is
 * in none.
 */
export class RecordLedger {
  /** Which of the topics is the latest one. */
  incarnationNow: () => number = () => 0
  readonly #fates: Fate[] = []
  readonly #sums: Sum[] = []
  readonly #unobserved: Sum = { numbers: new Set(), ranges: [], failed: 0, possibly: 0 }
  readonly #problems: string[] = []
  readonly #codes = new Map<string, { count: number; message: string }>()
  #open = 0
  #whenSettled: (() => void) | null = null

  /** The number of a record that is about to be sent. */
  next(): number {
    this.#open++
    return this.#fates.push({ kind: 'open' }) - 1
  }

  get sent(): number {
    return this.#fates.length
  }

  /** How often each error code was told. */
  get codes(): ReadonlyMap<string, { readonly count: number; readonly message: string }> {
    return this.#codes
  }

  confirmed(number: number, { partition, offset }: RecordMetadata): void {
    this.#settle(number, { kind: 'confirmed', partition, offset, incarnation: this.incarnationNow() })
  }

  failed(number: number, error: Error): void {
    this.#noteCode(error, 1)
    this.#settle(number, { kind: 'failed', error })
  }

  /** A `sendMany` has ended. */
  many(numbers: readonly number[], outcome: DeliveredRange[] | Error): void {
    const sum: Sum = { numbers: new Set(numbers), ranges: [], failed: 0, possibly: 0 }
    if (Array.isArray(outcome)) sum.ranges.push(...outcome)
    else if ('failures' in outcome && 'delivered' in outcome) {
      const { failures, delivered } = outcome as SendManyError
      sum.ranges.push(...delivered)
      for (const { error, count } of failures) {
        this.#noteCode(error, count)
        sum.failed += count
        if (isPossibly(error)) sum.possibly += count
      }
    } else this.#problems.push(`sendMany failed with ${String(outcome)}`)
    const told = sum.failed + sum.ranges.reduce((total, { count }) => total + count, 0)
    if (told !== numbers.length) {
      this.#problems.push(`sendMany of ${numbers.length} records told the fate of ${told}`)
    }
    this.#sums.push(sum)
    for (const number of numbers) this.#settle(number, { kind: 'summed' })
  }

  /** A record of `produce` without a callback was taken: only its failure is told, by `flush`, `drained` or `close`. */
  unobserved(number: number): void {
    this.#unobserved.numbers.add(number)
    this.#settle(number, { kind: 'summed' })
  }

  /** What `flush`, `drained` or `close` has failed with. */
  unobservedFailed(error: unknown): void {
    const count =
      error instanceof DeliveryError ? /^(\d+) records sent by produce\(\)/.exec(error.message) : null
    if (count === null) {
      this.#problems.push(`a wait failed with ${error instanceof Error ? error.stack : String(error)}`)
      return
    }
    this.#noteCode(error as Error, Number(count[1]))
    this.#unobserved.failed += Number(count[1])
    if (isPossibly(error as Error)) this.#unobserved.possibly += Number(count[1])
  }

  problem(text: string): void {
    this.#problems.push(text)
  }

  /** Resolves when the fate of each record is told. */
  settled(): Promise<void> {
    if (this.#open === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenSettled = resolve
    })
  }

  /** Whatever is wrong, in words. */
  problems(log: readonly LoggedNumber[], promised: Promised): string[] {
    const { isIdempotent, acks } = promised
    const places = new Map<number, LoggedNumber[]>()
    const byOffset = new Map<string, Set<number>>()
    for (const record of log) {
      const known = places.get(record.number)
      if (known === undefined) places.set(record.number, [record])
      else known.push(record)
      const place = `${record.partition}@${record.offset}`
      const there = byOffset.get(place)
      if (there === undefined) byOffset.set(place, new Set([record.number]))
      else there.add(record.number)
    }
    for (const [number, found] of places) {
      if (!(number >= 0 && number < this.#fates.length)) this.#problems.push(`nobody sent ${number}`)
      const logs = new Set(found.map(({ incarnation = 0 }) => incarnation))
      if (isIdempotent && found.length > logs.size) {
        this.#problems.push(`${number} is in the log ${found.length} times: ${found.map(placeOf).join(', ')}`)
      }
    }
    const confirmed = new Set<number>()
    for (const [number, fate] of this.#fates.entries()) {
      if (fate.kind === 'open') this.#problems.push(`nothing was told about ${number}`)
      else if (fate.kind === 'confirmed') {
        confirmed.add(number)
        if (acks !== 0) this.#checkPlace(number, fate, places, byOffset)
      } else if (fate.kind === 'failed' && !isPossibly(fate.error) && places.has(number)) {
        this.#problems.push(`${number} is in the log, and failed with ${fate.error}`)
      }
    }
    for (const sum of this.#sums) this.#checkSum(sum, promised, places, byOffset, confirmed)
    this.#checkUnobserved(promised, places)
    this.#checkOrder(log, promised, confirmed)
    this.#checkCodes(promised)
    return this.#problems
  }

  #checkPlace(
    number: number,
    { partition, offset, incarnation: confirmedIn }: Fate & { readonly kind: 'confirmed' },
    places: ReadonlyMap<number, readonly LoggedNumber[]>,
    byOffset: ReadonlyMap<string, ReadonlySet<number>>,
  ): void {
    const late = places.get(number)?.find(({ incarnation = 0 }) => incarnation > confirmedIn)
    if (late !== undefined) {
      this.#problems.push(
        `${number} was confirmed when topic ${confirmedIn} was there, and is in a later one: ${placeOf(late)}`,
      )
    }
    if (offset >= 0) {
      const there = byOffset.get(`${partition}@${offset}`)
      if (!there?.has(number)) {
        const those = there === undefined ? undefined : [...there].join(' or ')
        this.#problems.push(`${number} was confirmed at ${partition}@${offset}, where ${those} is`)
      }
    } else if (!places.get(number)?.some((one) => one.partition === partition)) {
      this.#problems.push(`${number} was confirmed in partition ${partition}, and is not in its log`)
    }
  }

  #checkSum(
    { numbers, ranges, failed, possibly }: Sum,
    { acks }: Promised,
    places: ReadonlyMap<number, readonly LoggedNumber[]>,
    byOffset: ReadonlyMap<string, ReadonlySet<number>>,
    confirmed: Set<number>,
  ): void {
    let delivered = 0
    for (const { partition, baseOffset, count } of ranges) {
      delivered += count
      if (baseOffset < 0 || acks === 0) continue
      for (let i = 0; i < count; i++) {
        const there = [...(byOffset.get(`${partition}@${baseOffset + i}`) ?? [])]
        const mine = there.filter((number) => numbers.has(number))
        if (mine.length === 0) {
          const those = there.length === 0 ? undefined : there.join(' or ')
          this.#problems.push(`sendMany was told of ${partition}@${baseOffset + i}, where ${those} is`)
        }
        for (const number of mine) confirmed.add(number)
      }
    }
    if (acks === 0) return
    const found = [...numbers].filter((number) => places.has(number)).length
    if (found < delivered || found > delivered + possibly) {
      this.#problems.push(
        `of a sendMany ${delivered} were confirmed and ${failed} failed, ${possibly} of them possibly persisted; in the log are ${found}`,
      )
    }
  }

  #checkUnobserved({ acks }: Promised, places: ReadonlyMap<number, readonly LoggedNumber[]>): void {
    if (acks === 0) return
    const { numbers, failed, possibly } = this.#unobserved
    const missing = [...numbers].filter((number) => !places.has(number)).length
    if (missing > failed) {
      this.#problems.push(
        `${missing} records of produce() without a callback are missing, ${failed} were told of`,
      )
    }
    if (possibly === 0 && missing < failed) {
      this.#problems.push(`${failed} records of produce() were told not to be persisted, ${missing} are not`)
    }
  }

  #checkOrder(
    log: readonly LoggedNumber[],
    { isIdempotent, isOneByOne, acks }: Promised,
    confirmed: ReadonlySet<number>,
  ): void {
    if (!isIdempotent && (!isOneByOne || acks === 0)) return
    const last = new Map<string, number>()
    const seen = new Set<number>()
    for (const record of log) {
      const { incarnation = 0, number } = record
      const partition = `${incarnation}/${record.partition}`
      // Without idempotence a repeated record may come again later, and one that was given up may come at any time.
      if (!isIdempotent && (seen.has(number) || !confirmed.has(number))) continue
      seen.add(number)
      const before = last.get(partition) ?? -1
      if (number < before) this.#problems.push(`${number} stands after ${before}: ${placeOf(record)}`)
      last.set(partition, Math.max(before, number))
    }
  }

  #checkCodes({ allowedCodes }: Promised): void {
    if (allowedCodes === null) return
    for (const [code, { count, message }] of this.#codes) {
      if (!allowedCodes.has(code)) {
        this.#problems.push(
          `${count} records failed with ${code}, for which nothing gave a reason: ${message}`,
        )
      }
    }
  }

  #noteCode(error: Error, count: number): void {
    const code = (error as { code?: unknown }).code
    const name = typeof code === 'string' ? code : error.name
    const known = this.#codes.get(name)
    if (known === undefined) this.#codes.set(name, { count, message: error.message })
    else known.count += count
  }

  #settle(number: number, fate: Fate): void {
    if (this.#fates[number]!.kind !== 'open') {
      this.#problems.push(
        `the fate of ${number} was told twice: ${JSON.stringify([this.#fates[number], fate])}`,
      )
      return
    }
    this.#fates[number] = fate
    if (--this.#open > 0) return
    this.#whenSettled?.()
    this.#whenSettled = null
  }
}

/** Errors of any other kind say that a record was not sent at all. */
function isPossibly(error: Error): boolean {
  return error instanceof DeliveryError && error.persisted === 'possibly'
}

function placeOf({ incarnation = 0, partition, offset }: LoggedNumber): string {
  const place = `${partition}@${offset}`
  return incarnation === 0 ? place : `${place} of topic ${incarnation}`
}
