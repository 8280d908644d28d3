import type { RequestContext } from '../broker/request-context.ts'
import type { AclOperation, ResourceType } from './authorizer.ts'

/** Number of each operation, which is its bit in a set of them (Java's `AclOperation`). */
export const operationCodes: Readonly<Record<AclOperation, number>> = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13,
  DESCRIBE_TOKENS: 14,
  TWO_PHASE_COMMIT: 15,
}

/** What can be done with a resource of each type at all (Java's `AclEntry.supportedOperations`). */
const supported: Readonly<Partial<Record<ResourceType, readonly AclOperation[]>>> = {
  TOPIC: ['READ', 'WRITE', 'CREATE', 'DESCRIBE', 'DELETE', 'ALTER', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  GROUP: ['READ', 'DESCRIBE', 'DELETE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  CLUSTER: [
    'CREATE',
    'CLUSTER_ACTION',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
    'IDEMPOTENT_WRITE',
    'ALTER',
    'DESCRIBE',
  ],
}

/** What who asks may do with a resource, as a set of bits (KIP-430). */
export function authorizedOperations(context: RequestContext, type: ResourceType, name: string): number {
  let bits = 0
  for (const operation of supported[type] ?? []) {
    if (context.allows(operation, type, name)) bits |= 1 << operationCodes[operation]
  }
  return bits
}
