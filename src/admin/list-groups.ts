import { Backoff } from '../backoff.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Deadline } from '../deadline.ts'
import { UnsupportedVersionError } from '../errors.ts'
import { type ListGroupsResponse, listGroups as listGroupsApi } from '../protocol/apis/list-groups.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { CallOptions } from './admin-options.ts'
import { checkArray, invalidArgument } from './arguments.ts'
import { askMetadata, nodesOf } from './ask-metadata.ts'

const groupStates = [
  'Empty',
  'PreparingRebalance',
  'CompletingRebalance',
  'Stable',
  'Dead',
  'Assigning',
  'Reconciling',
  'NotReady',
] as const
const groupTypes = ['classic', 'consumer', 'share', 'streams'] as const

/** Java's GroupState, as brokers write it. */
export type GroupState = (typeof groupStates)[number]
/** By which protocol the group works (KIP-848); as brokers write it. */
export type GroupType = (typeof groupTypes)[number]

export interface ListGroupsOptions extends CallOptions {
  /** Only groups in one of these states (KIP-518, Kafka 2.6). Default: all. */
  states?: readonly GroupState[] | undefined
  /** Only groups of one of these types (KIP-848, Kafka 3.8). Default: all. */
  types?: readonly GroupType[] | undefined
}

export interface GroupListing {
  readonly groupId: string
  /** `consumer` for consumers, `connect` for workers of Connect; empty for a group that only commits offsets. */
  readonly protocolType: string
  /** A `GroupState`, or one of a newer Kafka. Null before Kafka 2.6. */
  readonly state: string | null
  /** A `GroupType`, or one of a newer Kafka. Null before Kafka 3.8. */
  readonly type: string | null
}

export interface GroupListings {
  /** By group id. */
  readonly groups: readonly GroupListing[]
  /** One for each broker that could not be asked: the groups that it coordinates may be missing. */
  readonly errors: readonly KafkaError[]
}

/**
 * Asks all brokers, as each knows only the groups that it coordinates. A broker that fails is asked again until the
 * deadline, unless the cluster has parted with it meanwhile: then all others are asked again for its groups.
 *
 * These may still be missing, without an error: a broker that is about to take over a group and has not begun to load
 * it answers as if there were none (seen with Kafka 4.3, milliseconds after the dead broker had left the metadata).
 */
export async function listGroups(
  cluster: Cluster,
  { states = [], types = [] }: ListGroupsOptions,
  deadline: Deadline,
): Promise<GroupListings> {
  checkFilter('states', states, groupStates)
  checkFilter('types', types, groupTypes)
  const backoff = new Backoff(cluster.options.retryBackoffMs, cluster.options.retryBackoffMaxMs)
  const answers = new Map<number, readonly GroupListing[]>()
  const failures = new Map<number, KafkaError>()
  let members = await brokerIds(cluster, deadline)
  for (;;) {
    const open = [...members].filter((id) => !answers.has(id) && failures.get(id)?.retriable !== false)
    await Promise.all(
      open.map(async (node) => {
        try {
          answers.set(node, await askBroker(cluster, node, states, types, deadline))
          failures.delete(node)
        } catch (error) {
          deadline.throwIfAborted()
          if (!(error instanceof KafkaError)) throw error
          // What went wrong before says more than that the time is over.
          if (error.code !== 'API_TIMEOUT' || !failures.has(node)) failures.set(node, error)
        }
      }),
    )
    if ([...failures.values()].some((error) => error.retriable)) await cluster.pause(backoff.next(), deadline)
    else break
    if (deadline.expired) break
    let now = members
    try {
      now = await brokerIds(cluster, deadline)
    } catch (error) {
      // At the deadline, what the other brokers have said is still worth telling.
      deadline.throwIfAborted()
      if (!(error instanceof KafkaError)) throw error
    }
    if ([...members].some((id) => !now.has(id))) {
      // Whoever coordinates its groups now may have answered before it did.
      answers.clear()
      for (const id of failures.keys()) if (!now.has(id)) failures.delete(id)
    }
    members = now
  }
  return { groups: merge([...answers.values()]), errors: [...failures.values()] }
}

async function brokerIds(cluster: Cluster, deadline: Deadline): Promise<ReadonlySet<number>> {
  const response = await askMetadata(cluster, [], deadline)
  cluster.metadata.update(response)
  return new Set(nodesOf(response).keys())
}

async function askBroker(
  cluster: Cluster,
  node: number,
  states: readonly GroupState[],
  types: readonly GroupType[],
  deadline: Deadline,
): Promise<GroupListing[]> {
  let asked = 0
  const response: ListGroupsResponse = await cluster.request(
    listGroupsApi,
    (version) => {
      if (version < 4 && states.length > 0) throw cannotFilter('states', '2.6')
      if (version < 5 && types.length > 0) throw cannotFilter('types', '3.8')
      asked = version
      return { statesFilter: states, typesFilter: types }
    },
    { to: { node }, deadline, once: true, errorOf: (answer) => answer.errorCode },
  )
  return response.groups.map(({ groupId, protocolType, groupState, groupType }) => ({
    groupId,
    protocolType,
    state: asked < 4 ? null : groupState,
    type: asked < 5 ? null : groupType,
  }))
}

/** A group that moves while brokers are being asked may be with two of them: the live one counts. */
function merge(answers: readonly (readonly GroupListing[])[]): GroupListing[] {
  const groups = new Map<string, GroupListing>()
  for (const group of answers.flat()) {
    const known = groups.get(group.groupId)
    if (known === undefined || known.state === 'Dead') groups.set(group.groupId, group)
  }
  return [...groups.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
}

function checkFilter(what: string, values: readonly string[], allowed: readonly string[]): void {
  checkArray(what, values)
  for (const [at, value] of values.entries()) {
    if (!allowed.includes(value)) throw invalidArgument(`${what}[${at}]`, value, allowed.join(', '))
  }
}

function cannotFilter(what: string, since: string): UnsupportedVersionError {
  return new UnsupportedVersionError(
    `ListGroups: the filter ${what} needs brokers of Kafka ${since} or later`,
    {
      api: 'ListGroups',
    },
  )
}
