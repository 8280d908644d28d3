/** Datagrams of which fragments are held, at most: with 64 kB each this is 4 MB. */
const mostHeld = 64
/** Milliseconds after which the other fragments do not come any more, and another datagram may have the same id. */
const longestWait = 30_000
const mostBytes = 0xffff

/** One piece of a datagram (RFC 791). */
export interface Ipv4Fragment {
  readonly at: number
  /** What the fragments of one datagram have in common: addresses, protocol and id. */
  readonly key: string
  /** Bytes from the start of the datagram's data; fragments start at multiples of 8. */
  readonly start: number
  readonly isLast: boolean
  readonly bytes: Uint8Array
}

interface Held {
  readonly at: number
  readonly bytes: Uint8Array
  /** Which blocks of 8 bytes are there. */
  readonly seen: Uint8Array
  covered: number
  /** Where the furthest fragment ends. */
  reach: number
  /** Where the last one ends; -1 before it has come. */
  end: number
  fragments: number
}

/** Puts the fragments of IPv4 datagrams together, in whatever order they come. Of bytes that came twice the first stay. */
export class Ipv4Fragments {
  /** The oldest first. */
  readonly #held = new Map<string, Held>()
  #lost = 0

  /** Fragments of datagrams that are not whole. */
  get incomplete(): number {
    let count = this.#lost
    for (const { fragments } of this.#held.values()) count += fragments
    return count
  }

  /** The data of the datagram that `fragment` makes whole; null as long as there is none, and for one that cannot be. */
  add({ at, key, start, isLast, bytes }: Ipv4Fragment): Uint8Array | null {
    const held = this.#heldFor(key, at)
    const end = start + bytes.length
    held.fragments++
    held.reach = Math.max(held.reach, end)
    if (isLast && held.end < 0) held.end = end
    const isWhole = isLast ? end === held.end : bytes.length > 0 && bytes.length % 8 === 0
    if (!isWhole || end > mostBytes || (held.end >= 0 && held.reach > held.end)) {
      this.#drop(key, held)
      return null
    }
    for (let from = 0; from < bytes.length; from += 8) {
      const block = (start + from) / 8
      if (held.seen[block] === 1) continue
      held.seen[block] = 1
      held.covered++
      held.bytes.set(bytes.subarray(from, from + 8), start + from)
    }
    if (held.end < 0 || held.covered < Math.ceil(held.end / 8)) return null
    this.#held.delete(key)
    return held.bytes.subarray(0, held.end)
  }

  #heldFor(key: string, at: number): Held {
    const found = this.#held.get(key)
    if (found !== undefined && at - found.at <= longestWait) return found
    if (found !== undefined) this.#drop(key, found)
    const [oldest] = this.#held
    if (this.#held.size >= mostHeld && oldest !== undefined) this.#drop(...oldest)
    const held: Held = {
      at,
      bytes: new Uint8Array(mostBytes + 1),
      seen: new Uint8Array((mostBytes + 1) / 8),
      covered: 0,
      reach: 0,
      end: -1,
      fragments: 0,
    }
    this.#held.set(key, held)
    return held
  }

  #drop(key: string, held: Held): void {
    this.#lost += held.fragments
    this.#held.delete(key)
  }
}
