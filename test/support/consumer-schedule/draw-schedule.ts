import type { ConsumerOptions } from '../../../src/consumer/consumer-options.ts'
import type { StartKafkaOptions } from '../../../src/testing/index.ts'
import { Dice } from '../schedules/dice.ts'
import type { Disturbance, PlannedFault } from '../schedules/fault-runner.ts'
import { drawFaults } from './consumer-faults.ts'

/** How an application reads and commits. */
export interface MemberPlan {
  /** `runKeys`: several handlers of one partition at a time. */
  readonly how: 'iterate' | 'poll' | 'batches' | 'run' | 'runKeys' | 'runBatches'
  /**
   * `each`: by `commit()` or `batch.commit()`; `offsets`: by `commit([...])` of what was handled; `hasty`: the same, and
   * goes on while that is under way.
   */
  readonly commits: 'auto' | 'each' | 'offsets' | 'hasty'
  readonly isStatic: boolean
  readonly byPattern: boolean
  readonly concurrency: number
  /** One record in so many takes `slowMs`; the others take no time. */
  readonly slowEach: number
  readonly slowMs: number
  readonly options: ConsumerOptions
}

/** What a member does, or what is done to it. `slot`: which one; nothing happens where it does not fit. */
export interface MemberStep {
  readonly do:
    | 'join'
    /** In order: what is in hand is finished first. */
    | 'leave'
    | 'restart'
    /** By `close()` in the middle of its work. */
    | 'quit'
    | 'crash'
    /** No connection for `ms`; then it is back. */
    | 'cut'
    /** Its next record takes longer than `maxPollIntervalMs`. */
    | 'late'
    /** A second consumer with the same `groupInstanceId`. */
    | 'double'
    | 'seek'
    | 'pause'
    | 'rebalance'
  readonly slot: number
  readonly ms: number
}

export type Step =
  | MemberStep
  | (Omit<Disturbance, 'kind'> & { readonly do: 'move' | 'stop' | 'freeze' | 'grow' })
  | { readonly do: 'produce'; readonly count: number; readonly pick: number }
  /** All groups get another coordinator. */
  | { readonly do: 'coordinator' }

/** All that follows from a seed: the cluster, the members, what happens, and what goes wrong meanwhile. */
export interface ConsumerSchedule {
  readonly seed: number
  /** No member is lost in it, so that nothing may be handled twice. */
  readonly isCalm: boolean
  readonly groupProtocol: 'classic' | 'consumer'
  readonly cluster: Required<Pick<StartKafkaOptions, 'brokers' | 'version' | 'transport'>>
  readonly topic: { readonly numPartitions: number; readonly replicationFactor: number }
  readonly chunkBytes: number | null
  readonly members: readonly MemberPlan[]
  readonly steps: readonly (Step & { readonly afterMs: number })[]
  readonly faults: readonly PlannedFault[]
  /** Longer than nothing can be handled by all time-outs in force. */
  readonly stuckMs: number
}

type Assignors = NonNullable<ConsumerOptions['partitionAssignmentStrategy']>

/** What members of one group may have; each has one that they all have in common. */
const assignorsOfGroups: readonly (readonly Assignors[])[] = [
  [['range']],
  [['roundrobin']],
  [['sticky']],
  [['cooperative-sticky']],
  [['cooperative-sticky']],
  [['range', 'cooperative-sticky']],
  // In the middle of a rolling upgrade: of either half.
  [['range'], ['range', 'cooperative-sticky']],
  [['range', 'cooperative-sticky'], ['cooperative-sticky']],
  [
    ['sticky', 'range'],
    ['range', 'sticky'],
  ],
]

interface Limits {
  readonly sessionTimeoutMs: number
  readonly maxPollIntervalMs: number
  readonly metadataMaxAgeMs: number
  readonly requestTimeoutMs: number
}

/** @param protocols which there are to draw from. */
export function drawSchedule(
  seed: number,
  protocols: readonly ConsumerSchedule['groupProtocol'][] = ['classic'],
): ConsumerSchedule {
  const dice = new Dice(seed)
  const isCalm = dice.chance(0.4)
  const groupProtocol = dice.pick(protocols)
  const brokers = dice.between(1, 3)
  const limits: Limits = {
    // Where nobody is to be lost, a machine that is busy with something else must not lose anybody either.
    sessionTimeoutMs: isCalm ? 6000 : dice.between(300, 800),
    maxPollIntervalMs: isCalm ? 6000 : dice.between(400, 1000),
    metadataMaxAgeMs: dice.pick([50, 200, 300_000]),
    requestTimeoutMs: dice.between(150, 250),
  }
  const assignors = dice.pick(assignorsOfGroups)
  const version = groupProtocol === 'consumer' ? '4.3' : dice.pick(['4.3', '4.3', '4.3', '3.9', '2.8', '2.1'])
  const slots = dice.between(1, 5)
  const members = Array.from({ length: slots }, () =>
    drawMember(dice, isCalm, limits, assignors, groupProtocol, version),
  )
  const steps = drawSteps(dice, isCalm, members, brokers, limits)
  const longestMs = Math.max(0, ...steps.map((step) => ('ms' in step ? step.ms : 0)))
  const { sessionTimeoutMs, maxPollIntervalMs, requestTimeoutMs } = limits
  return {
    seed,
    isCalm,
    groupProtocol,
    cluster: {
      brokers,
      version,
      transport: dice.pick(['memory', 'memory', 'memory', 'tcp']),
    },
    topic: { numPartitions: dice.between(1, 6), replicationFactor: dice.between(1, brokers) },
    chunkBytes: dice.chance(0.05) ? dice.between(50, 1000) : null,
    members,
    steps,
    faults: drawFaults(dice, !isCalm, requestTimeoutMs),
    // Of a crash in the middle of a rebalance; and what a machine takes that has other things to do.
    stuckMs: sessionTimeoutMs + maxPollIntervalMs + 4 * requestTimeoutMs + longestMs + 20_000,
  }
}

function drawMember(
  dice: Dice,
  isCalm: boolean,
  limits: Limits,
  assignors: readonly Assignors[],
  groupProtocol: ConsumerSchedule['groupProtocol'],
  version: string,
): MemberPlan {
  const how = dice.pick(['iterate', 'iterate', 'poll', 'batches', 'run', 'runKeys', 'runBatches'])
  // What handlers that are at work at the same time commit one by one would go back and forth.
  const commits =
    how === 'run' || how === 'runKeys' ? 'auto' : dice.pick(['auto', 'auto', 'each', 'offsets', 'hasty'])
  const slowEach = dice.pick([10, 30, 100])
  const slowMs = dice.pick([1, 5, isCalm ? 40 : 80])
  const maxPollRecords = dice.pick([1, 5, 20, 500])
  const ofProtocol: ConsumerOptions =
    groupProtocol === 'consumer'
      ? { groupProtocol }
      : {
          sessionTimeoutMs: limits.sessionTimeoutMs,
          heartbeatIntervalMs: dice.between(10, 50),
          partitionAssignmentStrategy: dice.pick(assignors),
        }
  return {
    how,
    commits,
    // Since Kafka 2.3 (KIP-345). With KIP-848 none may come back before the session of one that has crashed is over.
    isStatic: dice.chance(0.2) && version !== '2.1' && (groupProtocol === 'classic' || isCalm),
    byPattern: dice.chance(0.2),
    concurrency: dice.pick([1, 2, 4]),
    slowEach,
    // An application that takes longer than `maxPollIntervalMs` with each batch never gets anywhere.
    slowMs: Math.min(slowMs, Math.floor(limits.maxPollIntervalMs / 4 / Math.ceil(maxPollRecords / slowEach))),
    options: {
      ...limitsOf(limits),
      ...ofProtocol,
      enableAutoCommit: commits === 'auto',
      autoCommitIntervalMs: dice.pick([1, 10, 50, 5000]),
      fetchMaxWaitMs: dice.between(5, 40),
      maxPollRecords,
      maxPartitionFetchBytes: dice.pick([300, 5000, 1_048_576]),
      isolationLevel: dice.pick(['read_uncommitted', 'read_committed']),
      defaultApiTimeoutMs: dice.between(2000, 4000),
    },
  }
}

function limitsOf({ maxPollIntervalMs, metadataMaxAgeMs, requestTimeoutMs }: Limits): ConsumerOptions {
  return {
    maxPollIntervalMs,
    metadataMaxAgeMs,
    requestTimeoutMs,
    retryBackoffMs: 2,
    retryBackoffMaxMs: 30,
    reconnectBackoffMs: 2,
    reconnectBackoffMaxMs: 30,
    socketConnectionSetupTimeoutMs: 200,
    socketConnectionSetupTimeoutMaxMs: 400,
    autoOffsetReset: 'earliest',
  }
}

function drawSteps(
  dice: Dice,
  isCalm: boolean,
  members: readonly MemberPlan[],
  brokers: number,
  limits: Limits,
): ConsumerSchedule['steps'] {
  const calm = ['join', 'join', 'leave', 'restart', 'pause', 'rebalance'] as const
  const rough = [...calm, 'quit', 'crash', 'crash', 'cut', 'cut', 'late', 'double', 'seek'] as const
  const cluster = ['move', 'coordinator', 'stop', 'freeze'] as const
  // In calm ones nobody is lost with the coordinator: what a member has joined is kept, but not a join under way.
  const ofCluster = isCalm ? (['move'] as const) : cluster
  const mayGrow = limits.metadataMaxAgeMs <= 200
  const drawOne = (): Step => {
    const slot = dice.between(0, members.length - 1)
    const ms = dice.pick([dice.between(1, 50), dice.between(50, 400), limits.sessionTimeoutMs + 50])
    const what = dice.between(0, 9)
    if (what < 4) return { do: 'produce', count: dice.pick([1, 10, 50]), pick: dice.between(0, 99) }
    if (what < 8) return { do: dice.pick(isCalm ? calm : rough), slot, ms: isCalm ? ms % 100 : ms }
    if (mayGrow && dice.chance(0.3)) return { do: 'grow', ms, pick: dice.between(0, 11) }
    const kind = dice.pick(ofCluster)
    if (kind === 'coordinator') return { do: kind }
    if (brokers === 1 && kind === 'move') return { do: 'produce', count: 5, pick: dice.between(0, 99) }
    return { do: kind, ms: Math.min(ms, 400), pick: dice.between(0, 11) }
  }
  const drawn = Array.from({ length: dice.between(10, 35) }, () => ({
    ...drawOne(),
    afterMs: drawPause(dice),
  }))
  return [
    { do: 'produce', count: dice.between(1, 100), pick: 0, afterMs: 0 },
    { do: 'join', slot: 0, ms: 0, afterMs: drawPause(dice) },
    ...drawn,
  ]
}

function drawPause(dice: Dice): number {
  return dice.pick([0, dice.between(0, 10), dice.between(0, 40), dice.between(20, 120)])
}
