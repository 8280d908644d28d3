import type { AclOperation, ResourceType } from './authorizer.ts'

export type PatternType = 'LITERAL' | 'PREFIXED'
export type PermissionType = 'ALLOW' | 'DENY'

/** One access rule (Java's `AclBinding`). */
export interface Acl {
  readonly resourceType: ResourceType
  /** `*` of a literal pattern: all resources of the type. The cluster's is `kafka-cluster`. */
  readonly resourceName: string
  readonly patternType: PatternType
  /** As `User:alice`; `User:*` is everybody. */
  readonly principal: string
  /** An address; `*`: from everywhere. */
  readonly host: string
  readonly operation: AclOperation | 'ALL'
  readonly permissionType: PermissionType
}

/** What rules to look for; null: any. */
export interface AclFilter {
  /** `UNKNOWN`: a code that this Kafka does not know, which no rule has. */
  readonly resourceType: ResourceType | 'UNKNOWN' | null
  readonly resourceName: string | null
  /** `MATCH`: all rules that apply to the resource of that name (KIP-290). */
  readonly patternType: PatternType | 'MATCH' | 'UNKNOWN' | null
  readonly principal: string | null
  readonly host: string | null
  readonly operation: Acl['operation'] | 'UNKNOWN' | null
  readonly permissionType: PermissionType | 'UNKNOWN' | null
}

/** Whether two rules are the same: there is each but once. */
export function aclId(acl: Acl): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permissionType } = acl
  return JSON.stringify([resourceType, resourceName, patternType, principal, host, operation, permissionType])
}

/** As Java's `AclBindingFilter.matches`. */
export function matchesFilter(filter: AclFilter, acl: Acl): boolean {
  const same = <T>(wanted: T | null, is: T) => wanted === null || wanted === is
  return (
    same(filter.resourceType, acl.resourceType) &&
    (filter.patternType === 'MATCH' || same(filter.patternType, acl.patternType)) &&
    matchesName(filter, acl) &&
    same(filter.principal, acl.principal) &&
    same(filter.host, acl.host) &&
    same(filter.operation, acl.operation) &&
    same(filter.permissionType, acl.permissionType)
  )
}

function matchesName({ resourceName, patternType }: AclFilter, acl: Acl): boolean {
  if (resourceName === null) return true
  return patternType === 'MATCH' ? appliesTo(acl, resourceName) : resourceName === acl.resourceName
}

/** Whether a rule is about the resource of that name. */
export function appliesTo(acl: Acl, name: string): boolean {
  if (acl.patternType === 'PREFIXED') return name.startsWith(acl.resourceName)
  return acl.resourceName === name || acl.resourceName === '*'
}
