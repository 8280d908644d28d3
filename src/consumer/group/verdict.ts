import { GroupError } from '../../errors.ts'
import { BrokerError, errorCodes } from '../../protocol/broker-errors.ts'
import type { KafkaError } from '../../protocol/errors.ts'

/** What ends a generation for a member. */
export type Verdict =
  /** The group rebalances: hand over in order, then join again. Partitions are ours until then. */
  | { readonly kind: 'rejoin'; readonly reason: string }
  /** The coordinator goes on without us: partitions may be somebody else's already. */
  | { readonly kind: 'lost'; readonly reason: string; readonly forgetMemberId: boolean }
  /** The application is late: out of the group until it asks for records again. */
  | { readonly kind: 'late'; readonly error: KafkaError }
  /** Nothing more can come of this member. */
  | { readonly kind: 'fatal'; readonly error: KafkaError }
  /** `leave()` was called. */
  | { readonly kind: 'left' }

/** Of two verdicts on one generation the graver one counts. */
const gravity: Readonly<Record<Verdict['kind'], number>> = { rejoin: 1, lost: 2, late: 3, fatal: 4, left: 5 }

export function isGraver(verdict: Verdict, than: Verdict | null): boolean {
  return than === null || gravity[verdict.kind] > gravity[than.kind]
}

/** Who asked, for messages. */
export interface Asker {
  readonly groupId: string
  readonly groupInstanceId: string | null
  /** Kafka's name of the API. */
  readonly api: string
}

/** What an error code in an answer to Heartbeat, SyncGroup or OffsetCommit means; null when all is well. */
export function verdictOf(errorCode: number, asker: Asker): Verdict | null {
  switch (errorCode) {
    case errorCodes.none:
      return null
    case errorCodes.rebalanceInProgress:
      return { kind: 'rejoin', reason: 'the group is rebalancing' }
    case errorCodes.unknownMemberId:
      return { kind: 'lost', reason: 'the coordinator no longer knew the member id', forgetMemberId: true }
    case errorCodes.illegalGeneration:
      return { kind: 'lost', reason: 'the group had moved to another generation', forgetMemberId: false }
    default:
      return { kind: 'fatal', error: groupErrorOf(errorCode, asker) }
  }
}

/** The error for a code that no retry mends. */
export function groupErrorOf(errorCode: number, { groupId, groupInstanceId, api }: Asker): KafkaError {
  const error = new BrokerError(errorCode, { api, groupId })
  if (errorCode !== errorCodes.fencedInstanceId) return error
  return new GroupError(
    error.code,
    `group ${groupId}: another member with the group instance id ${groupInstanceId} has taken the place of this one`,
    { groupId, api, fatal: true, cause: error },
  )
}

/** The application asked for no records during `sinceMs`, more than `maxPollIntervalMs`. */
export function lateError(groupId: string, sinceMs: number, maxPollIntervalMs: number): GroupError {
  return new GroupError(
    'MAX_POLL_INTERVAL_EXCEEDED',
    `group ${groupId}: the application has not asked for records for ${Math.round(sinceMs)} ms, longer than ` +
      `maxPollIntervalMs (${maxPollIntervalMs}): the member left the group, so that others can go on. Handle faster, ` +
      'take fewer records at a time (maxPollRecords), or raise maxPollIntervalMs',
    { groupId },
  )
}
