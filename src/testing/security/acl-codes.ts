import { operationCodes } from './authorized-operations.ts'
import type { AclOperation, ResourceType } from './authorizer.ts'

/** Numbers of Java's `ResourceType`. */
export const resourceTypeCodes: Readonly<Record<ResourceType, number>> = {
  TOPIC: 2,
  GROUP: 3,
  CLUSTER: 4,
  TRANSACTIONAL_ID: 5,
  DELEGATION_TOKEN: 6,
  USER: 7,
}

/** Numbers of Java's `PatternType`. */
export const patternTypeCodes = { ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const

/** Numbers of Java's `AclPermissionType`. */
export const permissionTypeCodes = { ANY: 1, DENY: 2, ALLOW: 3 } as const

/** Numbers of Java's `AclOperation`. */
export const aclOperationCodes: Readonly<Record<AclOperation | 'ALL', number>> = { ALL: 2, ...operationCodes }

/** In all four of them. */
export const anyCode = 1

/** The name of a code; undefined for one that stands for no single thing: ANY, or unknown. */
export function nameOfCode<T extends string>(
  codes: Readonly<Record<T, number>>,
  code: number,
): T | undefined {
  return (Object.keys(codes) as T[]).find((name) => codes[name] === code)
}
