import type { ProducerOptions } from '../../../src/producer/producer-options.ts'
import type { StartKafkaOptions } from '../../../src/testing/index.ts'
import { Random } from '../../../src/testing/random.ts'
import { type Disturbance, drawDisturbances, drawFaults, type PlannedFault } from './schedule-faults.ts'

type Options = ProducerOptions<string | Uint8Array | null, string | Uint8Array | null>

/** What to send in one turn of the loop, and what to do before the next. */
export interface Burst {
  readonly how: 'send' | 'sendMany' | 'produce' | 'unobserved' | 'aborted'
  readonly count: number
  /** Which partition: what the producer chooses, by the key, or one of those that were there from the start. */
  readonly to: 'any' | 'key' | 'partition'
  readonly valueBytes: number
  readonly headers: boolean
  /** `forget`: when all is settled the brokers forget all producers, as they do with those that are silent for a day. */
  readonly afterwards: 'go on' | 'turn' | 'pause' | 'settle' | 'flush' | 'drained' | 'forget'
  readonly pauseMs: number
}

/** All that follows from a seed: the cluster, the producer, what is sent, and what goes wrong meanwhile. */
export interface ProducerSchedule {
  readonly seed: number
  readonly cluster: Required<Pick<StartKafkaOptions, 'brokers' | 'version' | 'transport'>>
  readonly topic: {
    readonly numPartitions: number
    readonly replicationFactor: number
    readonly configs: Readonly<Record<string, string>>
  }
  readonly chunkBytes: number | null
  readonly options: Options
  readonly bursts: readonly Burst[]
  readonly faults: readonly PlannedFault[]
  readonly disturbances: readonly Disturbance[]
}

/** Longer than all faults of a schedule together: a record that fails by it has been forgotten. */
export const longMs = 20_000

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

export function drawSchedule(seed: number): ProducerSchedule {
  const dice = new Dice(seed)
  const brokers = dice.between(1, 3)
  const replicationFactor = dice.between(1, brokers)
  const configs: Record<string, string> = {}
  if (replicationFactor > 1 && dice.chance(0.3)) configs['min.insync.replicas'] = '2'
  if (dice.chance(0.1)) configs['max.message.bytes'] = '600'
  if (dice.chance(0.1)) configs['message.timestamp.type'] = 'LogAppendTime'
  const options = drawOptions(dice)
  const rushAt = dice.chance(0.6) ? dice.between(0, 20) : null
  const faults = drawFaults(dice, rushAt)
  const disturbances = drawDisturbances(dice, rushAt)
  // A producer that a broker has forgotten is a new one to it, which may begin with any number. So nothing of before may
  // come again, as it does from brokers that hang; and with two batches on their way, of which the first is refused for a
  // while, the second would come first. In earnest that takes a day of silence, and the producer sees to it itself.
  const isForgetful =
    dice.chance(0.5) &&
    options.maxInFlightRequestsPerConnection === 1 &&
    options.deliveryTimeoutMs === longMs &&
    disturbances.every(({ kind }) => kind !== 'freeze')
  return {
    seed,
    cluster: {
      brokers,
      version: dice.pick(['4.3', '4.3', '4.3', '4.3', '3.9', '2.8', '2.1']),
      transport: dice.pick(['memory', 'memory', 'memory', 'tcp']),
    },
    topic: { numPartitions: dice.between(1, 4), replicationFactor, configs },
    chunkBytes: dice.chance(0.1) ? dice.between(50, 1000) : null,
    options,
    bursts: Array.from({ length: dice.between(5, 30) }, () => drawBurst(dice, isForgetful)),
    faults,
    disturbances,
  }
}

function drawOptions(dice: Dice): Options {
  const isIdempotent = dice.chance(0.7)
  const requestTimeoutMs = dice.between(150, 250)
  const lingerMs = dice.pick([0, 1, 5, 20])
  const options: Options = {
    requestTimeoutMs,
    lingerMs,
    batchSize: dice.pick([0, 100, 100, 500, 2000, 16_384, 16_384]),
    // Without idempotence only one at a time keeps the order.
    maxInFlightRequestsPerConnection: !isIdempotent && dice.chance(0.5) ? 1 : dice.between(1, 5),
    enableIdempotence: isIdempotent,
    acks: isIdempotent ? 'all' : dice.pick(['all', 1, 1, 0]),
    compressionType: dice.pick(['none', 'none', 'none', 'gzip', 'lz4', 'snappy']),
    bufferMemory: dice.pick([4000, 20_000, 33_554_432, 33_554_432, 33_554_432]),
    maxRequestSize: dice.pick([1000, 1_048_576, 1_048_576, 1_048_576]),
    deliveryTimeoutMs: dice.chance(0.25) ? lingerMs + requestTimeoutMs + dice.between(0, 400) : longMs,
    maxBlockMs: dice.chance(0.1) ? dice.between(50, 300) : longMs,
    metadataMaxAgeMs: dice.pick([20, 300_000, 300_000]),
    retryBackoffMs: dice.between(1, 10),
    retryBackoffMaxMs: dice.between(10, 40),
    reconnectBackoffMs: dice.between(1, 10),
    reconnectBackoffMaxMs: dice.between(10, 40),
    socketConnectionSetupTimeoutMs: dice.between(150, 250),
    socketConnectionSetupTimeoutMaxMs: 400,
    partitioner: dice.pick(['default', 'default', 'roundRobin']),
    partitionerIgnoreKeys: dice.chance(0.1),
  }
  if (dice.chance(0.07)) options.retries = dice.between(isIdempotent ? 1 : 0, 4)
  return options
}

function drawBurst(dice: Dice, isForgetful: boolean): Burst {
  return {
    how: dice.pick(['send', 'send', 'sendMany', 'produce', 'produce', 'unobserved', 'aborted']),
    count: dice.pick([1, dice.between(1, 20), dice.between(1, 20), dice.between(20, 200)]),
    to: dice.pick(['any', 'any', 'key', 'partition']),
    valueBytes: dice.pick([10, 40, 40, 300]),
    headers: dice.chance(0.1),
    afterwards:
      isForgetful && dice.chance(0.2)
        ? 'forget'
        : dice.pick(['go on', 'turn', 'turn', 'pause', 'pause', 'settle', 'flush', 'drained']),
    pauseMs: dice.between(1, 15),
  }
}
