import { expect } from 'vitest'
import { errors } from '../../../src/testing/error-codes.ts'
import { encode } from '../support/sasl-client.ts'

export type Answer = Record<string, unknown>

interface Step {
  readonly name: string
  readonly version: number
  readonly body: Answer | ((answers: readonly Answer[]) => Answer)
}

/** Requests on one connection, and what has to come of them: of a broker in memory as of a real one. */
export interface SecurityCase {
  readonly name: string
  /** By the listener with SASL, as alice unless the case logs in itself. */
  readonly sasl: boolean
  readonly steps: readonly Step[]
  check(answers: readonly Answer[]): void
}

function send(name: string, version: number, body: Step['body']): Step {
  return { name, version, body }
}

function handshake(mechanism: string): Step {
  return send('SaslHandshake', 1, { mechanism })
}

function token(text: string): Step {
  return send('SaslAuthenticate', 2, { authBytes: encode(text) })
}

const asBob = [handshake('PLAIN'), token('\0bob\0bob-secret')]
const versions = send('ApiVersions', 3, { clientSoftwareName: 'a', clientSoftwareVersion: '1' })
const closed = { failed: 'CONNECTION_CLOSED' }
const failed = errors.SASL_AUTHENTICATION_FAILED

const acl = (rule: Answer = {}) => ({
  resourceType: 2,
  resourceName: 't1',
  resourcePatternType: 3,
  principal: 'User:zoe',
  host: '*',
  operation: 3,
  permissionType: 3,
  ...rule,
})
const filter = (rule: Answer = {}) => ({
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: 'User:zoe',
  hostFilter: null,
  operation: 1,
  permissionType: 1,
  ...rule,
})
const upsertion = (rule: Answer = {}) => ({
  name: 'one',
  mechanism: 1,
  iterations: 4096,
  salt: new Uint8Array(10),
  saltedPassword: new Uint8Array(32),
  ...rule,
})

function refusal(name: string, steps: readonly Step[], errorMessage: string): SecurityCase {
  return {
    name,
    sasl: true,
    steps: [...steps, versions],
    check: (answers) => {
      expect(answers.at(-2)).toMatchObject({ errorCode: failed, errorMessage })
      expect(answers.at(-1)).toEqual(closed)
    },
  }
}

function hangUp(name: string, steps: readonly Step[], sasl = true): SecurityCase {
  return { name, sasl, steps, check: (answers) => expect(answers.at(-1)).toEqual(closed) }
}

function codesOf(list: unknown): unknown[] {
  return (list as Answer[]).map(({ errorCode }) => errorCode)
}

export const cases: readonly SecurityCase[] = [
  refusal(
    'a wrong password',
    [handshake('PLAIN'), token('\0alice\0guess')],
    'Authentication failed: Invalid username or password',
  ),
  refusal(
    'no user name',
    [handshake('PLAIN'), token('\0\0guess')],
    'Authentication failed: username not specified',
  ),
  refusal(
    'no password',
    [handshake('PLAIN'), token('\0alice\0')],
    'Authentication failed: password not specified',
  ),
  refusal(
    'no PLAIN token',
    [handshake('PLAIN'), token('x')],
    'Invalid SASL/PLAIN response: expected 3 tokens, got 1',
  ),
  refusal(
    'another authorization id',
    [handshake('PLAIN'), token('bob\0alice\0alice-secret')],
    'Authentication failed: Client requested an authorization id that is different from username',
  ),
  refusal(
    'a SCRAM user that is not known',
    [handshake('SCRAM-SHA-256'), token('n,,n=ghost,r=abc')],
    'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256',
  ),
  refusal(
    'a SCRAM message that is none',
    [handshake('SCRAM-SHA-512'), token('y,,n=alice,r=abc')],
    'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512',
  ),
  refusal(
    'another SCRAM authorization id',
    [handshake('SCRAM-SHA-512'), token('n,a=bob,n=alice,r=abc')],
    'Authentication failed: Client requested an authorization id that is different from username',
  ),
  {
    name: 'a SCRAM proof of the wrong length: the connection is closed',
    sasl: true,
    steps: [
      handshake('SCRAM-SHA-256'),
      token('n,,n=alice,r=abc'),
      send('SaslAuthenticate', 2, (answers) => {
        const first = new TextDecoder().decode(answers[1]!.authBytes as Uint8Array)
        return { authBytes: encode(`c=biws,${first.split(',')[0]},p=AAAA`) }
      }),
    ],
    check: (answers) => expect(answers.at(-1)).toEqual(closed),
  },
  {
    name: 'a mechanism that is not there',
    sasl: true,
    steps: [handshake('NOPE'), versions],
    check: (answers) => {
      expect(answers[0]).toMatchObject({ errorCode: errors.UNSUPPORTED_SASL_MECHANISM })
      expect(answers[0]!.mechanisms).toEqual(
        expect.arrayContaining(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
      )
      expect(answers[1]).toEqual(closed)
    },
  },
  hangUp('a request before authentication', [send('Metadata', 9, {})]),
  hangUp('SaslAuthenticate before SaslHandshake', [token('x')]),
  hangUp('ApiVersions twice', [versions, versions]),
  {
    name: 'ApiVersions of an impossible client, and again',
    sasl: true,
    steps: [send('ApiVersions', 3, { clientSoftwareName: '', clientSoftwareVersion: '' }), versions],
    check: (answers) => expect(codesOf(answers)).toEqual([errors.INVALID_REQUEST, 0]),
  },
  ...[send('Metadata', 9, { topics: [] }), versions, handshake('PLAIN')].map(
    (step): SecurityCase => ({
      name: `${step.name} in the middle of authentication`,
      sasl: true,
      steps: [handshake('PLAIN'), step, versions],
      check: (answers) => {
        if (step.name !== 'Metadata') {
          expect(answers[1]).toMatchObject({ errorCode: errors.ILLEGAL_SASL_STATE })
        }
        expect(answers[2]).toEqual(closed)
      },
    }),
  ),
  {
    name: 'authentication once more, and without being asked for',
    sasl: true,
    steps: [...asBob, handshake('PLAIN'), token('x')],
    check: (answers) => {
      expect(codesOf(answers)).toEqual([0, 0, errors.ILLEGAL_SASL_STATE, errors.ILLEGAL_SASL_STATE])
      expect(answers[2]!.mechanisms).toEqual([])
    },
  },
  {
    name: 'authentication where there is none',
    sasl: false,
    steps: [handshake('PLAIN'), token('x')],
    check: (answers) => {
      expect(answers[0]).toMatchObject({ errorCode: errors.ILLEGAL_SASL_STATE, mechanisms: [] })
      expect(answers[1]).toMatchObject({ errorCode: errors.ILLEGAL_SASL_STATE })
    },
  },
  {
    name: 'rules that can be, and that cannot',
    sasl: false,
    steps: [
      send('CreateAcls', 3, {
        creations: [
          acl({ resourceType: 4, resourceName: 'x' }),
          acl({ resourceName: '' }),
          acl({ principal: 'nope' }),
          acl({ resourceType: 99 }),
          acl({ operation: 99 }),
          acl({ permissionType: 9 }),
          acl({ resourcePatternType: 9 }),
          acl(),
          acl({ resourcePatternType: 4, resourceName: 't' }),
        ],
      }),
      send('DeleteAcls', 3, {
        filters: [filter(), filter({ operation: 77 }), filter({ resourceTypeFilter: 77 })],
      }),
    ],
    check: ([created, deleted]) => {
      expect(created!.results).toEqual(
        [
          [42, 'The only valid name for the CLUSTER resource is kafka-cluster'],
          [42, 'Invalid empty resource name'],
          [
            42,
            'Could not parse principal from `nope` (no colon is present separating the principal type from the principal name)',
          ],
          [42, 'Invalid resourceType UNKNOWN'],
          [42, 'Invalid operation UNKNOWN'],
          [42, 'Invalid permissionType UNKNOWN'],
          [42, 'Invalid patternType UNKNOWN'],
          [0, ''],
          [0, ''],
        ].map(([errorCode, errorMessage]) => ({ errorCode, errorMessage })),
      )
      const results = deleted!.filterResults as Answer[]
      expect(results.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])).toEqual([
        [0, null],
        [42, 'Unknown entryFilter.'],
        [42, 'Unknown patternFilter.'],
      ])
      expect(results[0]!.matchingAcls).toHaveLength(2)
    },
  },
  ...[acl({ operation: 1 }), acl({ resourceType: 1 }), acl({ resourcePatternType: 2 })].map(
    (several): SecurityCase => ({
      name: `a rule that stands for several: ${JSON.stringify(several)}`,
      sasl: false,
      steps: [send('CreateAcls', 3, { creations: [several, acl({ resourceName: 'with-others' })] })],
      check: ([created]) => expect(codesOf(created!.results)).toEqual([-1, -1]),
    }),
  ),
  hangUp('a rule of unknown type', [send('CreateAcls', 3, { creations: [acl({ operation: 0 })] })], false),
  hangUp('a filter of unknown type', [send('DescribeAcls', 3, filter({ operation: 0 }))], false),
  hangUp(
    'to delete by a filter of unknown type',
    [send('DeleteAcls', 3, { filters: [filter({ permissionType: 0 })] })],
    false,
  ),
  {
    name: 'rules and credentials for who may not have them',
    sasl: true,
    steps: [
      ...asBob,
      send('DescribeAcls', 3, filter()),
      send('CreateAcls', 3, { creations: [acl()] }),
      send('DeleteAcls', 3, { filters: [filter()] }),
      send('DescribeUserScramCredentials', 0, { users: [{ name: 'alice' }] }),
      send('AlterUserScramCredentials', 0, { deletions: [], upsertions: [upsertion()] }),
    ],
    check: (answers) => {
      const code = errors.CLUSTER_AUTHORIZATION_FAILED
      const needs = (permission: string) => expect.stringContaining(` needs ${permission} permission.`)
      expect(answers[2]).toMatchObject({ errorCode: code, errorMessage: needs('DESCRIBE'), resources: [] })
      expect(answers[3]!.results).toEqual([{ errorCode: code, errorMessage: needs('ALTER') }])
      expect(answers[4]!.filterResults).toMatchObject([{ errorCode: code, errorMessage: needs('ALTER') }])
      expect(answers[5]).toMatchObject({ errorCode: code, errorMessage: null })
      expect(answers[6]!.results).toEqual([{ user: 'one', errorCode: code, errorMessage: needs('ALTER') }])
    },
  },
  {
    name: 'credentials that can be, and that cannot',
    sasl: false,
    steps: [
      send('AlterUserScramCredentials', 0, {
        deletions: [
          { name: 'nobody', mechanism: 1 },
          { name: 'unknown', mechanism: 9 },
          { name: '', mechanism: 1 },
        ],
        upsertions: [
          upsertion({ name: 'few', iterations: 4095 }),
          upsertion({ name: 'many', iterations: 16385 }),
          upsertion({ name: 'mechanism', mechanism: 7 }),
          upsertion({ name: 'both' }),
          upsertion({ name: 'both', mechanism: 2 }),
          upsertion({ name: 'nothing', saltedPassword: new Uint8Array(0) }),
        ],
      }),
      send('DescribeUserScramCredentials', 0, {
        users: ['alice', 'both', 'x', 'x'].map((name) => ({ name })),
      }),
    ],
    check: ([altered, described]) => {
      const byUser = Object.fromEntries(
        (altered!.results as Answer[]).map(({ user, errorCode, errorMessage }) => [
          user,
          [errorCode, errorMessage],
        ]),
      )
      expect(byUser).toEqual({
        '': [93, 'Username must not be empty'],
        both: [92, 'A user credential cannot be altered twice in the same request'],
        few: [93, 'Too few iterations'],
        many: [93, 'Too many iterations'],
        mechanism: [33, 'Unknown SCRAM mechanism'],
        nobody: [91, 'Attempt to delete a user credential that does not exist'],
        nothing: [-1, null],
        unknown: [33, 'Unknown SCRAM mechanism'],
      })
      const results = (described!.results as Answer[]).sort((a, b) =>
        String(a.user) < String(b.user) ? -1 : 1,
      )
      expect(results).toMatchObject([
        { user: 'alice', errorCode: 0, errorMessage: '' },
        { errorCode: 91, errorMessage: 'Attempt to describe a user credential that does not exist: both' },
        {
          errorCode: 92,
          errorMessage: 'Cannot describe SCRAM credentials for the same user twice in a single request: x',
        },
      ])
      // In no order that Java would keep to.
      const infos = results[0]!.credentialInfos as Answer[]
      expect(infos.sort((a, b) => Number(a.mechanism) - Number(b.mechanism))).toEqual([
        { mechanism: 1, iterations: 4096 },
        { mechanism: 2, iterations: 4096 },
      ])
    },
  },
  {
    name: 'delegation tokens for nobody in particular',
    sasl: false,
    steps: [
      send('CreateDelegationToken', 3, { ownerPrincipalType: null, ownerPrincipalName: null }),
      send('RenewDelegationToken', 2, {}),
      send('ExpireDelegationToken', 2, {}),
      send('DescribeDelegationToken', 3, { owners: null }),
    ],
    check: (answers) => {
      expect(new Set(codesOf(answers))).toEqual(new Set([errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED]))
      expect(answers[0]).toMatchObject({
        principalName: 'ANONYMOUS',
        issueTimestampMs: -1n,
        maxTimestampMs: -1n,
      })
      expect(answers[1]!.expiryTimestampMs).toBe(-1n)
    },
  },
  {
    name: 'delegation tokens that can be, and that cannot',
    sasl: true,
    steps: [
      ...asBob,
      send('CreateDelegationToken', 3, {
        ownerPrincipalType: null,
        ownerPrincipalName: null,
        renewers: [{ principalType: 'User', principalName: 'zoe' }],
        maxLifetimeMs: 3_600_000n,
      }),
      send('CreateDelegationToken', 3, {
        ownerPrincipalType: null,
        ownerPrincipalName: null,
        renewers: [{ principalType: 'Group', principalName: 'zoe' }],
        maxLifetimeMs: -1n,
      }),
      send('CreateDelegationToken', 3, {
        ownerPrincipalType: 'User',
        ownerPrincipalName: 'alice',
        maxLifetimeMs: -1n,
      }),
      send('RenewDelegationToken', 2, { hmac: encode('x'), renewPeriodMs: 1n }),
      send('ExpireDelegationToken', 2, { hmac: encode('x'), expiryTimePeriodMs: 1n }),
    ],
    check: (answers) => {
      const { issueTimestampMs, expiryTimestampMs, maxTimestampMs, ...made } = answers[2]!
      expect(made).toMatchObject({ errorCode: 0, principalName: 'bob', tokenRequesterPrincipalName: 'bob' })
      expect((made.hmac as Uint8Array).length).toBe(64)
      expect(Number(maxTimestampMs) - Number(issueTimestampMs)).toBe(3_600_000)
      expect(expiryTimestampMs).toBe(maxTimestampMs)
      expect(codesOf(answers.slice(3))).toEqual([
        errors.INVALID_PRINCIPAL_TYPE,
        errors.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
        errors.DELEGATION_TOKEN_NOT_FOUND,
        errors.DELEGATION_TOKEN_NOT_FOUND,
      ])
      expect(answers[5]!.expiryTimestampMs).toBe(0n)
    },
  },
]
