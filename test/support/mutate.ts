/** Numbers that depend on nothing but the seed, so that a failing input can be made again. */
export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** An unsigned 32-bit number (mulberry32). */
  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** An integer from 0 up to, not including, `end`; 0 when `end` is. */
  below(end: number): number {
    return end === 0 ? 0 : this.uint32() % end
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }
}

/** What breaks readers that believe a length, a count or a varint: the ends of each width, and varints without an end. */
const bombs: readonly Uint8Array[] = [
  [0xff],
  [0x7f],
  [0x80],
  [0x00, 0x00],
  [0x7f, 0xff],
  [0x80, 0x00],
  [0xff, 0xff],
  [0x00, 0x00, 0x00, 0x00],
  [0x7f, 0xff, 0xff, 0xff],
  [0x80, 0x00, 0x00, 0x00],
  [0xff, 0xff, 0xff, 0xfe],
  [0xff, 0xff, 0xff, 0xff],
  [0x00, 0x00, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x10],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  [0xfe, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
].map((bomb) => Uint8Array.from(bomb))

type Mutation = (bytes: Uint8Array, other: Uint8Array, random: SeededRandom) => Uint8Array

function flipBit(bytes: Uint8Array, _other: Uint8Array, random: SeededRandom): Uint8Array {
  const changed = bytes.slice()
  const at = random.below(changed.length)
  if (changed.length > 0) changed[at]! ^= 1 << random.below(8)
  return changed
}

function setByte(bytes: Uint8Array, _other: Uint8Array, random: SeededRandom): Uint8Array {
  const changed = bytes.slice()
  if (changed.length > 0) changed[random.below(changed.length)] = random.below(256)
  return changed
}

function insertBytes(bytes: Uint8Array, _other: Uint8Array, random: SeededRandom): Uint8Array {
  const inserted = Uint8Array.from({ length: 1 + random.below(8) }, () => random.below(256))
  const at = random.below(bytes.length + 1)
  return joined(bytes.subarray(0, at), inserted, bytes.subarray(at))
}

function deleteBytes(bytes: Uint8Array, _other: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.below(bytes.length)
  return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(8)))
}

function cut(bytes: Uint8Array, _other: Uint8Array, random: SeededRandom): Uint8Array {
  return bytes.slice(0, random.below(bytes.length))
}

/** Over what is there, so that it lands on a real length as often as not. */
function plantBomb(bytes: Uint8Array, _other: Uint8Array, random: SeededRandom): Uint8Array {
  const bomb = random.pick(bombs)
  const at = random.below(bytes.length)
  return joined(bytes.subarray(0, at), bomb, bytes.subarray(at + bomb.length))
}

/** The same with what follows moved back: a varint that got longer does not eat its neighbour. */
function insertBomb(bytes: Uint8Array, _other: Uint8Array, random: SeededRandom): Uint8Array {
  const at = random.below(bytes.length)
  return joined(bytes.subarray(0, at), random.pick(bombs), bytes.subarray(at + 1))
}

function splice(bytes: Uint8Array, other: Uint8Array, random: SeededRandom): Uint8Array {
  return joined(
    bytes.subarray(0, random.below(bytes.length + 1)),
    other.subarray(random.below(other.length + 1)),
  )
}

function repeat(bytes: Uint8Array, _other: Uint8Array, random: SeededRandom): Uint8Array {
  const from = random.below(bytes.length)
  const piece = bytes.subarray(from, from + 1 + random.below(64))
  return joined(bytes.subarray(0, from), piece, piece, piece, bytes.subarray(from))
}

const mutations: readonly Mutation[] = [
  flipBit,
  setByte,
  insertBytes,
  deleteBytes,
  cut,
  plantBomb,
  plantBomb,
  insertBomb,
  splice,
  repeat,
]

/**
 * A damaged copy of `bytes`: one to four of bit flips, set, inserted, deleted and repeated bytes, cuts, planted lengths
 * and varints, and splices with `other`. The same arguments and state of `random` give the same bytes.
 */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: SeededRandom): Uint8Array {
  let changed = bytes
  // One damage is most often what gets deepest; several reach what one cannot.
  const times = random.below(2) === 0 ? 1 : 1 + random.below(4)
  for (let i = 0; i < times; i++) changed = random.pick(mutations)(changed, other, random)
  return changed
}

function joined(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
