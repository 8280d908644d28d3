import { apiVersions } from './apis/api-versions.ts'
import { createPartitions } from './apis/create-partitions.ts'
import { createTopics } from './apis/create-topics.ts'
import { deleteTopics } from './apis/delete-topics.ts'
import { describeCluster } from './apis/describe-cluster.ts'
import { describeGroups } from './apis/describe-groups.ts'
import { fetch } from './apis/fetch.ts'
import { findCoordinator } from './apis/find-coordinator.ts'
import { heartbeat } from './apis/heartbeat.ts'
import { initProducerId } from './apis/init-producer-id.ts'
import { joinGroup } from './apis/join-group.ts'
import { leaveGroup } from './apis/leave-group.ts'
import { listGroups } from './apis/list-groups.ts'
import { listOffsets } from './apis/list-offsets.ts'
import { metadata } from './apis/metadata.ts'
import { offsetCommit } from './apis/offset-commit.ts'
import { offsetFetch } from './apis/offset-fetch.ts'
import { produce } from './apis/produce.ts'
import { saslAuthenticate } from './apis/sasl-authenticate.ts'
import { saslHandshake } from './apis/sasl-handshake.ts'
import { syncGroup } from './apis/sync-group.ts'
import { ProtocolError } from './errors.ts'
import { consumerProtocolAssignment, consumerProtocolSubscription } from './groups/consumer-protocol.ts'
import { requestHeader, responseHeader } from './headers.ts'
import type { Api, Message } from './message.ts'

export type { Api, Message, Route } from './message.ts'

/** Every API that is spoken here. Drags them all in: what should tree-shake imports an API by its own name. */
export const apis: readonly Api[] = [
  apiVersions,
  createPartitions,
  createTopics,
  deleteTopics,
  describeCluster,
  describeGroups,
  fetch,
  findCoordinator,
  heartbeat,
  initProducerId,
  joinGroup,
  leaveGroup,
  listGroups,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  produce,
  saslAuthenticate,
  saslHandshake,
  syncGroup,
]

const dataMessages: readonly Message[] = [
  requestHeader,
  responseHeader,
  consumerProtocolSubscription,
  consumerProtocolAssignment,
]

const apiByKey = new Map(apis.map((entry) => [entry.key, entry]))
const apiByName = new Map(apis.map((entry) => [entry.name, entry]))
const messageByName = new Map(
  [...dataMessages, ...apis.flatMap((entry) => [entry.request, entry.response])].map((entry) => [
    entry.name,
    entry,
  ]),
)

/** The API of this key or of Kafka's name for it: `api(1)` and `api('Fetch')` are the same. */
export function api(nameOrKey: string | number): Api {
  const found = typeof nameOrKey === 'number' ? apiByKey.get(nameOrKey) : apiByName.get(nameOrKey)
  if (found === undefined) {
    const known = apis.map((entry) => `${entry.name} (${entry.key})`).join(', ')
    throw new ProtocolError(
      'UNSUPPORTED',
      `API ${JSON.stringify(nameOrKey)} is not known, these are: ${known}`,
    )
  }
  return found
}

/** The message of Kafka's own name: `message('FetchResponse')`, `message('RequestHeader')`. */
export function message(name: string): Message {
  const found = messageByName.get(name)
  if (found === undefined) {
    throw new ProtocolError(
      'UNSUPPORTED',
      `message ${JSON.stringify(name)} is not known, these are: ${messageNames().join(', ')}`,
    )
  }
  return found
}

export function messageNames(): string[] {
  return [...messageByName.keys()].sort()
}
