import { describeAcls } from '../../protocol/apis/describe-acls.ts'
import { HangUp, handler } from '../broker/api-handler.ts'
import { errors } from '../error-codes.ts'
import type { Acl } from '../security/acl.ts'
import {
  aclOperationCodes,
  patternTypeCodes,
  permissionTypeCodes,
  resourceTypeCodes,
} from '../security/acl-codes.ts'
import { aclFilter, hasUnknown } from '../security/acl-filter.ts'

export const describeAclsHandler = handler(describeAcls, (request, context) => {
  const { authorizer } = context.cluster
  if (hasUnknown(request)) throw new HangUp('DescribeAcls with a filter of unknown type')
  if (!context.allows('DESCRIBE', 'CLUSTER')) {
    return {
      errorCode: errors.CLUSTER_AUTHORIZATION_FAILED,
      errorMessage: 'Request needs DESCRIBE permission.',
    }
  }
  if (!authorizer.enabled) {
    return {
      errorCode: errors.SECURITY_DISABLED,
      errorMessage: 'No Authorizer is configured on the broker',
    }
  }
  const resources = new Map<string, Acl[]>()
  for (const acl of authorizer.find(aclFilter(request))) {
    const resource = JSON.stringify([acl.resourceType, acl.resourceName, acl.patternType])
    const known = resources.get(resource)
    if (known === undefined) resources.set(resource, [acl])
    else known.push(acl)
  }
  return {
    errorCode: errors.NONE,
    resources: [...resources.values()].map((acls) => ({
      resourceType: resourceTypeCodes[acls[0]!.resourceType],
      resourceName: acls[0]!.resourceName,
      patternType: patternTypeCodes[acls[0]!.patternType],
      acls: acls.map(({ principal, host, operation, permissionType }) => ({
        principal,
        host,
        operation: aclOperationCodes[operation],
        permissionType: permissionTypeCodes[permissionType],
      })),
    })),
  }
})
