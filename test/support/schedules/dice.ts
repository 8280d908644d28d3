import { Random } from '../../../src/testing/random.ts'

/** Draws that read as what they are. */
export class Dice {
  readonly #random: Random

  constructor(seed: number) {
    // Neighbouring seeds give neighbouring first numbers otherwise.
    this.#random = new Random(Math.imul(seed, 0x9e3779b1))
    this.#random.next()
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability
  }

  /** From `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.#random.below(most - least + 1)
  }

  /** One named twice is twice as likely. */
  pick<const T>(items: readonly T[]): T {
    return items[this.#random.below(items.length)]!
  }
}
