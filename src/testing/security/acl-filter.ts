import type { AclFilter } from './acl.ts'
import {
  aclOperationCodes,
  anyCode,
  nameOfCode,
  patternTypeCodes,
  permissionTypeCodes,
  resourceTypeCodes,
} from './acl-codes.ts'

/** A filter as DescribeAcls and DeleteAcls have it. */
export interface FilterRequest {
  readonly resourceTypeFilter: number
  readonly resourceNameFilter: string | null
  readonly patternTypeFilter: number
  readonly principalFilter: string | null
  readonly hostFilter: string | null
  readonly operation: number
  readonly permissionType: number
}

/** 0 in one of these stands for "unknown", which no client may ask for. */
export function hasUnknown(request: FilterRequest): boolean {
  const { resourceTypeFilter, patternTypeFilter, operation, permissionType } = request
  return [resourceTypeFilter, patternTypeFilter, operation, permissionType].includes(0)
}

/** A code that nobody knows is one that no rule has. */
export function aclFilter(request: FilterRequest): AclFilter {
  const { resourceTypeFilter, patternTypeFilter } = request
  const patternType = named(patternTypeCodes, patternTypeFilter)
  return {
    resourceType: named(resourceTypeCodes, resourceTypeFilter),
    resourceName: request.resourceNameFilter,
    patternType: patternType === 'ANY' ? null : patternType,
    principal: request.principalFilter,
    host: request.hostFilter,
    operation: named(aclOperationCodes, request.operation),
    permissionType: permissionOf(request.permissionType),
  }
}

function named<T extends string>(codes: Readonly<Record<T, number>>, code: number): T | 'UNKNOWN' | null {
  return code === anyCode ? null : (nameOfCode(codes, code) ?? 'UNKNOWN')
}

function permissionOf(code: number): AclFilter['permissionType'] {
  if (code === anyCode) return null
  return code === permissionTypeCodes.DENY ? 'DENY' : code === permissionTypeCodes.ALLOW ? 'ALLOW' : 'UNKNOWN'
}
