import { deleteAcls } from '../../protocol/apis/delete-acls.ts'
import { HangUp, handler } from '../broker/api-handler.ts'
import { errors } from '../error-codes.ts'
import type { Acl, AclFilter } from '../security/acl.ts'
import {
  aclOperationCodes,
  patternTypeCodes,
  permissionTypeCodes,
  resourceTypeCodes,
} from '../security/acl-codes.ts'
import { aclFilter, hasUnknown } from '../security/acl-filter.ts'

export const deleteAclsHandler = handler(deleteAcls, ({ filters }, context) => {
  const { authorizer } = context.cluster
  if (filters.some(hasUnknown)) throw new HangUp('DeleteAcls with a filter of unknown type')
  const all = (errorCode: number, errorMessage: string | null = null) => ({
    filterResults: filters.map(() => ({ errorCode, errorMessage })),
  })
  if (!context.allows('ALTER', 'CLUSTER')) {
    return all(errors.CLUSTER_AUTHORIZATION_FAILED, 'Request needs ALTER permission.')
  }
  if (!authorizer.enabled) return all(errors.SECURITY_DISABLED, 'No Authorizer is configured.')
  // All are looked for before any is deleted: a rule that two filters match is told of both times.
  const found = filters.map((request) => {
    const filter = aclFilter(request)
    const unknown = unknownPart(filter)
    return unknown === null ? authorizer.find(filter) : unknown
  })
  for (const acls of found) if (typeof acls !== 'string') for (const acl of acls) authorizer.delete(acl)
  return {
    filterResults: found.map((acls) =>
      typeof acls === 'string'
        ? { errorCode: errors.INVALID_REQUEST, errorMessage: acls }
        : { errorCode: errors.NONE, errorMessage: null, matchingAcls: acls.map(matching) },
    ),
  }
})

function unknownPart(filter: AclFilter): string | null {
  if (filter.resourceType === 'UNKNOWN' || filter.patternType === 'UNKNOWN') return 'Unknown patternFilter.'
  if (filter.operation === 'UNKNOWN' || filter.permissionType === 'UNKNOWN') return 'Unknown entryFilter.'
  return null
}

function matching({ resourceType, patternType, operation, permissionType, ...same }: Acl) {
  return {
    ...same,
    errorCode: errors.NONE,
    errorMessage: null,
    resourceType: resourceTypeCodes[resourceType],
    patternType: patternTypeCodes[patternType],
    operation: aclOperationCodes[operation],
    permissionType: permissionTypeCodes[permissionType],
  }
}
