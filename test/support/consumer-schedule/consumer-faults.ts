import type { ErrorName } from '../../../src/testing/index.ts'
import type { Dice } from '../schedules/dice.ts'
import { type PlannedFault, type TransportFault, transportFaults } from '../schedules/fault-runner.ts'

type Kind = TransportFault | `fail:${ErrorName}`

/**
 * JoinGroup waits at the coordinator for as long as the others take. An answer that is lost while its connection stays
 * would be waited for as long, and five seconds more: nobody can tell the one from the other.
 */
const longPollFaults = transportFaults.filter((kind) => !kind.startsWith('drop'))

const coordinatorMoves: readonly Kind[] = [
  'fail:NOT_COORDINATOR',
  'fail:NOT_COORDINATOR',
  'fail:COORDINATOR_NOT_AVAILABLE',
  'fail:COORDINATOR_LOAD_IN_PROGRESS',
]

/** After these a consumer is to go on with nothing handled twice. */
const harmless: Readonly<Record<string, readonly Kind[]>> = {
  Fetch: [
    ...transportFaults,
    'fail:NOT_LEADER_OR_FOLLOWER',
    'fail:UNKNOWN_TOPIC_OR_PARTITION',
    'fail:UNKNOWN_LEADER_EPOCH',
    'fail:FENCED_LEADER_EPOCH',
    'fail:KAFKA_STORAGE_ERROR',
    'fail:OFFSET_NOT_AVAILABLE',
  ],
  Metadata: [...transportFaults, 'fail:LEADER_NOT_AVAILABLE'],
  ListOffsets: [...transportFaults, 'fail:NOT_LEADER_OR_FOLLOWER', 'fail:LEADER_NOT_AVAILABLE'],
  FindCoordinator: [...transportFaults, 'fail:COORDINATOR_NOT_AVAILABLE'],
  OffsetFetch: [...transportFaults, ...coordinatorMoves],
  OffsetCommit: [...transportFaults, ...coordinatorMoves],
  Heartbeat: [...transportFaults, ...coordinatorMoves, 'fail:REBALANCE_IN_PROGRESS'],
  JoinGroup: [...longPollFaults, ...coordinatorMoves],
  SyncGroup: [...longPollFaults, ...coordinatorMoves, 'fail:REBALANCE_IN_PROGRESS'],
  ConsumerGroupHeartbeat: [...transportFaults, ...coordinatorMoves],
  LeaveGroup: [...transportFaults, ...coordinatorMoves],
  ApiVersions: transportFaults,
}

/** After these it is out of its generation, or of the group. */
const fencing: Readonly<Record<string, readonly Kind[]>> = {
  Heartbeat: ['fail:UNKNOWN_MEMBER_ID', 'fail:ILLEGAL_GENERATION'],
  JoinGroup: ['fail:UNKNOWN_MEMBER_ID', 'fail:REBALANCE_IN_PROGRESS'],
  SyncGroup: ['fail:UNKNOWN_MEMBER_ID', 'fail:ILLEGAL_GENERATION'],
  OffsetCommit: ['fail:UNKNOWN_MEMBER_ID', 'fail:ILLEGAL_GENERATION', 'fail:REBALANCE_IN_PROGRESS'],
  ConsumerGroupHeartbeat: ['fail:FENCED_MEMBER_EPOCH', 'fail:UNKNOWN_MEMBER_ID'],
}

/** The n-th request of an API that is fetched or beaten often is a later one than the n-th JoinGroup. */
const frequent = ['Fetch', 'Heartbeat', 'OffsetCommit', 'ConsumerGroupHeartbeat']

const apis = [...Object.keys(harmless), 'Fetch', 'Heartbeat', 'OffsetCommit', 'OffsetCommit']

/**
 * @param mayFence whether members may be thrown out by them.
 * @param patienceMs the clients' request time-out: an OffsetCommit that was given up must not be carried out after the next.
 */
export function drawFaults(dice: Dice, mayFence: boolean, patienceMs: number): PlannedFault[] {
  return Array.from({ length: dice.between(0, 14) }, (): PlannedFault => {
    const api = dice.pick(apis)
    const fences = mayFence && dice.chance(0.4) ? fencing[api] : undefined
    const kind = dice.pick(fences ?? harmless[api]!)
    const ms = dice.pick([dice.between(1, 30), dice.between(1, 30), dice.between(1, 200)])
    return {
      api,
      at: frequent.includes(api) ? dice.between(0, 60) : dice.between(0, 8),
      kind,
      ms: api === 'OffsetCommit' ? Math.min(ms, patienceMs >>> 1) : ms,
    }
  })
}
