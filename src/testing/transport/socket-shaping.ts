import type { Duplex } from 'node:stream'
import { InvalidArgumentError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import { Random } from '../random.ts'
import type { SocketShape } from './link.ts'
import { ShapedStream } from './shaped-stream.ts'

export interface SocketShapeOptions extends SocketShape {
  /** Only connections to this broker. */
  readonly brokerId?: number
  /** Only connections to the listener of that name. */
  readonly listener?: string
}

/** A way in which new connections are shaped, as long as it is there. */
export interface Shaping {
  remove(): void
}

/**
 * How new connections are slowed down and cut up. The way that was set last counts. Delays and rates go by the clock of the
 * cluster, so `advanceClock` hurries them along; what is left to chance follows from the cluster's seed.
 */
export class SocketShaping {
  readonly #clock: Clock
  readonly #random: Random
  readonly #shapes: SocketShapeOptions[] = []

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    // Its own: how many pieces a connection is cut into must not change what else is left to chance.
    this.#random = new Random(random.seed ^ 0x5a17)
  }

  /** @throws InvalidArgumentError for a shape that cannot be. */
  add(options: SocketShapeOptions): Shaping {
    for (const name of ['bytesPerSecond', 'chunkBytes', 'delayMs', 'jitterMs'] as const) {
      const value = options[name]
      const least = name.endsWith('Ms') ? 0 : 1
      if (value !== undefined && !(value >= least)) {
        throw new InvalidArgumentError(`${name} is ${value}; allowed: a number from ${least} on`)
      }
    }
    const { chunkBytes } = options
    if (chunkBytes !== undefined && !Number.isInteger(chunkBytes)) {
      throw new InvalidArgumentError(`chunkBytes is ${chunkBytes}; allowed: an integer from 1 on`)
    }
    const shape = { ...options }
    this.#shapes.unshift(shape)
    return {
      remove: () => {
        const at = this.#shapes.indexOf(shape)
        if (at >= 0) this.#shapes.splice(at, 1)
      },
    }
  }

  /** `stream`, or what it is to be seen through. */
  shaped(stream: Duplex, brokerId: number, listener: string): Duplex {
    const shape = this.#shapes.find(
      (one) =>
        (one.brokerId === undefined || one.brokerId === brokerId) &&
        (one.listener === undefined || one.listener === listener),
    )
    return shape === undefined ? stream : new ShapedStream(stream, shape, this.#clock, this.#random)
  }
}
