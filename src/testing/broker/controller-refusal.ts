import { type Outcome, refused } from '../cluster/refusal.ts'
import type { RequestContext } from './request-context.ts'

/**
 * Why nothing is done at all of what is meant for the controller; null: it is. With ZooKeeper the request has to come to
 * the controller; since KRaft each broker passes it on. One with no time left is not looked at.
 */
export function controllerRefusal(
  { cluster, broker }: RequestContext,
  timeoutMs = Number.POSITIVE_INFINITY,
): Outcome | null {
  if (!cluster.profile.raft) return broker.id === cluster.controllerId ? null : refused('NOT_CONTROLLER')
  return timeoutMs <= 0 ? refused('REQUEST_TIMED_OUT', null) : null
}
