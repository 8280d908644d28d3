import type { ProducerOptions } from '../../../src/producer/producer-options.ts'
import type { StartKafkaOptions } from '../../../src/testing/index.ts'
import { Dice } from '../schedules/dice.ts'
import {
  type Disturbance,
  drawDisturbances,
  drawFaults,
  drawUpheavals,
  type PlannedFault,
} from './schedule-faults.ts'
import { handover, newLog, repeatOfMany, type Theme } from './schedule-themes.ts'

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

/** Those that name topics by id in Produce: only they can tell a topic from the one that had its name before. */
const knowsTopicIds = '4.3'

export function drawSchedule(seed: number): ProducerSchedule {
  const schedule = drawBasics(seed)
  // By dice of its own: what was drawn before there were these stays what it was.
  const dice = new Dice(seed + 1_000_000_007)
  const { cluster } = schedule
  const upheavals = drawUpheavals(dice, {
    mayRecreate: cluster.version === knowsTopicIds,
    mayReaddress: cluster.brokers > 1,
  })
  const draw = dice.pick([...Array.from({ length: 13 }, () => null), handover, repeatOfMany, newLog])
  const disturbances = [...schedule.disturbances, ...upheavals]
  if (draw === null) return { ...schedule, disturbances }
  return withTheme({ ...schedule, disturbances }, draw(dice))
}

function withTheme(schedule: ProducerSchedule, { count, numPartitions, ...theme }: Theme): ProducerSchedule {
  const burst: Burst = {
    how: 'send',
    count,
    to: 'partition',
    valueBytes: 10,
    headers: false,
    afterwards: 'turn',
    pauseMs: 0,
  }
  return {
    ...schedule,
    cluster: { ...schedule.cluster, ...theme.cluster },
    topic: { ...schedule.topic, numPartitions },
    options: { ...schedule.options, ...theme.options },
    bursts: Array.from({ length: theme.bursts }, () => burst),
    faults: [...schedule.faults, ...theme.faults],
    disturbances: [...schedule.disturbances, ...theme.disturbances],
  }
}

function drawBasics(seed: number): ProducerSchedule {
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
