import type { Dice } from '../schedules/dice.ts'
import type { ProducerSchedule } from './draw-schedule.ts'
import type { Disturbance, PlannedFault } from './schedule-faults.ts'

/**
 * A schedule in which one interleaving is likely that chance alone meets in one of many thousands: options, faults and
 * disturbances that come on top of what was drawn, and burst after burst in quick succession.
 */
export interface Theme {
  readonly cluster?: Partial<ProducerSchedule['cluster']>
  readonly numPartitions: number
  readonly options: Partial<ProducerSchedule['options']>
  readonly faults: readonly PlannedFault[]
  readonly disturbances: readonly Disturbance[]
  /** Bursts, and the records of each. */
  readonly bursts: number
  readonly count: number
}

/** Each record leaves as soon as it can; new leaders are known soon. */
const prompt = {
  acks: 'all',
  lingerMs: 0,
  batchSize: 0,
  compressionType: 'none',
  metadataMaxAgeMs: 10,
} as const

/**
 * A leader that has a request, and is replaced before it looks at it: it refuses what it holds, while the new one takes
 * what comes after. Without sequence numbers nobody but the producer can keep the order.
 */
export function handover(dice: Dice): Theme {
  const moves = Array.from({ length: 6 }, () => dice.between(2, 40))
  return {
    numPartitions: 1,
    options: { ...prompt, enableIdempotence: false, maxInFlightRequestsPerConnection: 1, batchSize: 100 },
    faults: moves.map((at) => ({ api: 'Produce', at, kind: 'delay:before', ms: dice.between(40, 100) })),
    disturbances: moves.map((at) => ({ at, kind: 'move', ms: 0, pick: dice.between(0, 11) })),
    bursts: 60,
    count: 3,
  }
}

/**
 * A batch that is written, but not by enough, and whose repeat is refused as well, with much behind it that is taken: a
 * broker knows a producer's last five batches only, and does not recognize it any more.
 */
export function repeatOfMany(dice: Dice): Theme {
  const faults: PlannedFault[] = []
  for (let at = dice.between(3, 8); at < 80; at += dice.between(12, 20)) {
    faults.push({ api: 'Produce', at, kind: 'appended:NOT_ENOUGH_REPLICAS_AFTER_APPEND', ms: 0 })
    // As many were on their way behind it.
    for (let again = at + dice.between(1, 5); again < at + 12; again += 5) {
      faults.push({ api: 'Produce', at: again, kind: 'fail:NOT_ENOUGH_REPLICAS', ms: 0 })
    }
  }
  return {
    numPartitions: 1,
    options: { ...prompt, enableIdempotence: true, maxInFlightRequestsPerConnection: 5 },
    faults,
    disturbances: [],
    bursts: 10,
    count: 20,
  }
}

/**
 * A topic that is made anew while a request for it waits at its leader: it is refused, while the new log, to which the
 * producer is unknown, takes whatever comes in the meantime, from any sequence number on.
 */
export function newLog(dice: Dice): Theme {
  const times = Array.from({ length: 5 }, () => dice.between(2, 60))
  const refused = Array.from({ length: 70 }, (_, at) => at).filter(() => dice.chance(0.2))
  return {
    cluster: { brokers: 3, version: '4.3' },
    numPartitions: dice.between(1, 3),
    options: { ...prompt, enableIdempotence: true, maxInFlightRequestsPerConnection: 5 },
    faults: [
      ...times.map((at) => ({ api: 'Produce', at, kind: 'delay:before', ms: dice.between(20, 60) }) as const),
      ...refused.map((at) => ({ api: 'Produce', at, kind: 'fail:NOT_ENOUGH_REPLICAS', ms: 0 }) as const),
    ],
    disturbances: times.map((at) => ({ at, kind: 'recreate', ms: 0, pick: 0 })),
    bursts: 60,
    count: 3,
  }
}
