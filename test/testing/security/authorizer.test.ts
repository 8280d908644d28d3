import { describe, expect, it } from 'vitest'
import type { AclOption } from '../../../src/testing/index.ts'
import { type AclOperation, Authorizer } from '../../../src/testing/security/authorizer.ts'

const alice = { principal: 'User:alice', host: '10.0.0.1' }
const topic = (rule: Partial<AclOption> = {}): AclOption => ({
  resourceType: 'TOPIC',
  resourceName: 'orders',
  principal: 'User:alice',
  operation: 'READ',
  ...rule,
})

function mayDo(rules: readonly AclOption[], operation: AclOperation = 'READ', name = 'orders'): boolean {
  return new Authorizer({ rules }).allows(alice, operation, 'TOPIC', name)
}

describe('an authorizer', () => {
  it('without the option allows everything to everybody', () => {
    const authorizer = new Authorizer(null)
    expect(authorizer.enabled).toBe(false)
    expect(authorizer.allows(alice, 'ALTER', 'CLUSTER', 'kafka-cluster')).toBe(true)
  })

  it('denies what no rule allows', () => {
    expect(mayDo([])).toBe(false)
    expect(mayDo([topic()])).toBe(true)
    expect(mayDo([topic()], 'WRITE')).toBe(false)
    expect(mayDo([topic()], 'READ', 'orders2')).toBe(false)
    expect(mayDo([topic({ resourceType: 'GROUP' })])).toBe(false)
    expect(mayDo([topic({ principal: 'User:bob' })])).toBe(false)
    expect(mayDo([topic({ principal: 'Group:alice' })])).toBe(false)
  })

  it('knows rules for everybody, everything, all operations and a beginning of a name', () => {
    expect(mayDo([topic({ principal: 'User:*' })])).toBe(true)
    expect(mayDo([topic({ resourceName: '*' })])).toBe(true)
    expect(mayDo([topic({ operation: 'ALL' })], 'ALTER_CONFIGS')).toBe(true)
    expect(mayDo([topic({ resourceName: 'ord', patternType: 'PREFIXED' })])).toBe(true)
    expect(mayDo([topic({ resourceName: 'ord', patternType: 'LITERAL' })])).toBe(false)
    // A star in a prefix is a star.
    expect(mayDo([topic({ resourceName: '*', patternType: 'PREFIXED' })])).toBe(false)
  })

  it('looks at where somebody comes from', () => {
    expect(mayDo([topic({ host: '10.0.0.1' })])).toBe(true)
    expect(mayDo([topic({ host: '10.0.0.2' })])).toBe(false)
  })

  it('lets a denial count before what is allowed, in whatever order', () => {
    const denial = topic({ permissionType: 'DENY', principal: 'User:*', resourceName: '*' })
    expect(mayDo([topic(), denial])).toBe(false)
    expect(mayDo([denial, topic()])).toBe(false)
    expect(mayDo([topic({ operation: 'ALL' }), denial], 'WRITE')).toBe(true)
    expect(mayDo([topic(), { ...denial, host: '1.1.1.1' }])).toBe(true)
  })

  it('lets who may use a thing know of it', () => {
    for (const operation of ['READ', 'WRITE', 'DELETE', 'ALTER'] as const) {
      expect(mayDo([topic({ operation })], 'DESCRIBE')).toBe(true)
      expect(mayDo([topic({ operation })], 'DESCRIBE_CONFIGS')).toBe(false)
    }
    expect(mayDo([topic({ operation: 'ALTER_CONFIGS' })], 'DESCRIBE_CONFIGS')).toBe(true)
    expect(mayDo([topic({ operation: 'CREATE' })], 'DESCRIBE')).toBe(false)
    // What is denied is not hidden by that.
    const rules = [topic({ operation: 'WRITE' }), topic({ operation: 'READ', permissionType: 'DENY' })]
    expect(mayDo(rules, 'DESCRIBE')).toBe(true)
  })

  it('lets super users do everything', () => {
    const denial = topic({ permissionType: 'DENY', operation: 'ALL' })
    const authorizer = new Authorizer({ superUsers: ['User:alice'], rules: [denial] })
    expect(authorizer.allows(alice, 'READ', 'TOPIC', 'orders')).toBe(true)
    expect(authorizer.allowsAny(alice, 'WRITE', 'TOPIC')).toBe(true)
  })

  it('can allow what no rule is about', () => {
    const rules = [topic({ principal: 'User:bob' })]
    const authorizer = new Authorizer({ allowEveryoneIfNoAclFound: true, rules })
    expect(authorizer.allows(alice, 'READ', 'TOPIC', 'other')).toBe(true)
    // A rule for somebody else is a rule.
    expect(authorizer.allows(alice, 'READ', 'TOPIC', 'orders')).toBe(false)
  })
})

describe('the question whether somebody may do it with any resource', () => {
  const any = (...rules: AclOption[]) => new Authorizer({ rules }).allowsAny(alice, 'WRITE', 'TOPIC')
  const write = (rule: Partial<AclOption> = {}) => topic({ operation: 'WRITE', ...rule })
  const denied = (rule: Partial<AclOption> = {}) => write({ permissionType: 'DENY', ...rule })

  it('is answered by one that is allowed', () => {
    expect(any()).toBe(false)
    expect(any(write())).toBe(true)
    expect(any(topic())).toBe(false)
    expect(any(write({ operation: 'ALL' }))).toBe(true)
    expect(any(write({ resourceType: 'GROUP' }))).toBe(false)
    expect(any(write({ host: '1.1.1.1' }))).toBe(false)
    expect(any(write({ resourceName: '*' }), denied())).toBe(true)
  })

  it('leaves out what is denied again', () => {
    expect(any(write(), denied())).toBe(false)
    expect(any(write(), denied({ resourceName: 'other' }))).toBe(true)
    expect(any(write(), denied({ resourceName: 'or', patternType: 'PREFIXED' }))).toBe(false)
    expect(any(write(), denied({ resourceName: '*' }))).toBe(false)
    expect(any(write({ resourceName: '*' }), denied({ resourceName: '*' }))).toBe(false)
    const prefix = write({ resourceName: 'ord', patternType: 'PREFIXED' })
    expect(any(prefix, denied({ resourceName: 'ord' }))).toBe(true)
    expect(any(prefix, denied({ resourceName: 'orders', patternType: 'PREFIXED' }))).toBe(true)
    expect(any(prefix, denied({ resourceName: 'o', patternType: 'PREFIXED' }))).toBe(false)
  })
})
