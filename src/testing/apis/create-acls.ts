import { createAcls } from '../../protocol/apis/create-acls.ts'
import type { StructOf } from '../../protocol/schema.ts'
import { HangUp, handler } from '../broker/api-handler.ts'
import { errors } from '../error-codes.ts'
import type { Acl } from '../security/acl.ts'
import {
  aclOperationCodes,
  anyCode,
  nameOfCode,
  patternTypeCodes,
  permissionTypeCodes,
  resourceTypeCodes,
} from '../security/acl-codes.ts'

type Creation = StructOf<typeof createAcls.request.fields>['creations'][number]

export const createAclsHandler = handler(createAcls, ({ creations }, context) => {
  const { authorizer } = context.cluster
  if (creations.some((one) => codesOf(one).includes(0))) throw new HangUp('CreateAcls with an unknown type')
  const all = (errorCode: number, errorMessage: string | null = null) => ({
    results: creations.map(() => ({ errorCode, errorMessage })),
  })
  if (!context.allows('ALTER', 'CLUSTER')) {
    return all(errors.CLUSTER_AUTHORIZATION_FAILED, 'Request needs ALTER permission.')
  }
  if (!authorizer.enabled) return all(errors.SECURITY_DISABLED, 'No Authorizer is configured.')
  // What stands for several things at once is nothing that Java can make a rule of: not one of them is created.
  if (creations.some(standsForSeveral)) return all(errors.UNKNOWN_SERVER_ERROR)
  return {
    results: creations.map((creation) => {
      const acl = aclOf(creation)
      if (typeof acl === 'string') return { errorCode: errors.INVALID_REQUEST, errorMessage: acl }
      authorizer.add(acl)
      return { errorCode: errors.NONE }
    }),
  }
})

function codesOf({ resourceType, resourcePatternType, operation, permissionType }: Creation): number[] {
  return [resourceType, resourcePatternType, operation, permissionType]
}

function standsForSeveral(creation: Creation): boolean {
  return codesOf(creation).includes(anyCode) || creation.resourcePatternType === patternTypeCodes.MATCH
}

/** Or what is wrong with it, in Kafka's words. */
function aclOf(creation: Creation): Acl | string {
  const { resourceName, principal, host } = creation
  const resourceType = nameOfCode(resourceTypeCodes, creation.resourceType)
  const patternType = nameOfCode(patternTypeCodes, creation.resourcePatternType)
  const operation = nameOfCode(aclOperationCodes, creation.operation)
  const permissionType = nameOfCode(permissionTypeCodes, creation.permissionType)
  if (resourceType === 'CLUSTER' && resourceName !== 'kafka-cluster') {
    return 'The only valid name for the CLUSTER resource is kafka-cluster'
  }
  if (resourceName === '') return 'Invalid empty resource name'
  if (resourceType === undefined) return 'Invalid resourceType UNKNOWN'
  if (patternType !== 'LITERAL' && patternType !== 'PREFIXED') return 'Invalid patternType UNKNOWN'
  if (operation === undefined) return 'Invalid operation UNKNOWN'
  if (permissionType !== 'ALLOW' && permissionType !== 'DENY') return 'Invalid permissionType UNKNOWN'
  if (!principal.includes(':')) {
    return `Could not parse principal from \`${principal}\` (no colon is present separating the principal type from the principal name)`
  }
  return { resourceType, resourceName, patternType, principal, host, operation, permissionType }
}
