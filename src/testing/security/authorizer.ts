import type { AclsOption } from '../options.ts'
import { type Acl, type AclFilter, aclId, appliesTo, matchesFilter } from './acl.ts'

export type ResourceType = 'TOPIC' | 'GROUP' | 'CLUSTER' | 'TRANSACTIONAL_ID' | 'DELEGATION_TOKEN' | 'USER'

export type AclOperation =
  | 'READ'
  | 'WRITE'
  | 'CREATE'
  | 'DELETE'
  | 'ALTER'
  | 'DESCRIBE'
  | 'CLUSTER_ACTION'
  | 'DESCRIBE_CONFIGS'
  | 'ALTER_CONFIGS'
  | 'IDEMPOTENT_WRITE'
  | 'CREATE_TOKENS'
  | 'DESCRIBE_TOKENS'
  | 'TWO_PHASE_COMMIT'

/** Who asks: principal as `User:alice`, host as an address. */
export interface Subject {
  readonly principal: string
  readonly host: string
}

const describing: ReadonlySet<string> = new Set(['DESCRIBE', 'READ', 'WRITE', 'DELETE', 'ALTER'])
const describingConfigs: ReadonlySet<string> = new Set(['DESCRIBE_CONFIGS', 'ALTER_CONFIGS'])

/** Decides who may do what (Java's `StandardAuthorizer`). Without the option `acls` everybody may do everything. */
export class Authorizer {
  readonly enabled: boolean
  readonly #superUsers: ReadonlySet<string>
  readonly #allowIfNone: boolean
  readonly #acls = new Map<string, Acl>()

  constructor(options: AclsOption | null) {
    this.enabled = options !== null
    this.#superUsers = new Set(options?.superUsers ?? [])
    this.#allowIfNone = options?.allowEveryoneIfNoAclFound ?? false
    for (const rule of options?.rules ?? []) {
      this.add({ patternType: 'LITERAL', host: '*', permissionType: 'ALLOW', ...rule })
    }
  }

  allows(subject: Subject, operation: AclOperation, type: ResourceType, name: string): boolean {
    if (!this.enabled || this.#superUsers.has(subject.principal)) return true
    let isNamed = false
    let isAllowed = false
    for (const acl of this.#acls.values()) {
      if (acl.resourceType !== type || !appliesTo(acl, name)) continue
      isNamed = true
      if (!isAbout(acl, subject) || !covers(acl, operation)) continue
      if (acl.permissionType === 'DENY') return false
      isAllowed = true
    }
    return isAllowed || (!isNamed && this.#allowIfNone)
  }

  /**
   * Whether there can be any resource of the type with which the operation is allowed (Java's `authorizeByResourceType`):
   * who may write to some topic may have a producer id (KIP-679).
   */
  allowsAny(subject: Subject, operation: AclOperation, type: ResourceType): boolean {
    // As in Java: a name that nobody has tells super users, and whether all is allowed where no rule is.
    if (this.allows(subject, operation, type, 'hardcode')) return true
    const rules = [...this.#acls.values()].filter(
      (acl) =>
        acl.resourceType === type &&
        isAbout(acl, subject) &&
        (acl.operation === operation || acl.operation === 'ALL'),
    )
    const denied = rules.filter(({ permissionType }) => permissionType === 'DENY')
    if (denied.some((acl) => acl.patternType === 'LITERAL' && acl.resourceName === '*')) return false
    return rules.some((rule) => {
      if (rule.permissionType !== 'ALLOW') return false
      if (rule.patternType === 'LITERAL' && rule.resourceName === '*') return true
      return !denied.some((acl) =>
        acl.patternType === 'PREFIXED'
          ? rule.resourceName.startsWith(acl.resourceName)
          : rule.patternType === 'LITERAL' && acl.resourceName === rule.resourceName,
      )
    })
  }

  add(acl: Acl): void {
    this.#acls.set(aclId(acl), acl)
  }

  delete(acl: Acl): void {
    this.#acls.delete(aclId(acl))
  }

  find(filter: AclFilter): Acl[] {
    return [...this.#acls.values()].filter((acl) => matchesFilter(filter, acl))
  }
}

function isAbout(acl: Acl, { principal, host }: Subject): boolean {
  // `User:*` is everybody of that type, and all types here are User.
  return (
    (acl.principal === principal || acl.principal === 'User:*') && (acl.host === '*' || acl.host === host)
  )
}

/** To be allowed something tells also that it is there; to be denied it does not hide it. */
function covers(acl: Acl, operation: AclOperation): boolean {
  if (acl.operation === 'ALL' || acl.operation === operation) return true
  if (acl.permissionType === 'DENY') return false
  if (operation === 'DESCRIBE') return describing.has(acl.operation)
  return operation === 'DESCRIBE_CONFIGS' && describingConfigs.has(acl.operation)
}
