import { alterUserScramCredentials } from '../../../../src/protocol/apis/alter-user-scram-credentials.ts'
import { createAcls } from '../../../../src/protocol/apis/create-acls.ts'
import { createDelegationToken } from '../../../../src/protocol/apis/create-delegation-token.ts'
import { deleteAcls } from '../../../../src/protocol/apis/delete-acls.ts'
import { describeAcls } from '../../../../src/protocol/apis/describe-acls.ts'
import { describeDelegationToken } from '../../../../src/protocol/apis/describe-delegation-token.ts'
import { describeUserScramCredentials } from '../../../../src/protocol/apis/describe-user-scram-credentials.ts'
import { expireDelegationToken } from '../../../../src/protocol/apis/expire-delegation-token.ts'
import { renewDelegationToken } from '../../../../src/protocol/apis/renew-delegation-token.ts'
import { saslAuthenticate } from '../../../../src/protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../../../src/protocol/apis/sasl-handshake.ts'
import { casesOf } from '../differential-case.ts'

const salt = Buffer.from('some salt of enough bytes')
const saltedPassword = Buffer.alloc(32, 7)

export const securityCases = [
  ...casesOf(createAcls, {
    'made, described and deleted': async (kafka) => {
      const name = kafka.named('topic')
      const rule = {
        resourceType: 2,
        resourceName: name,
        resourcePatternType: 3,
        principal: `User:${kafka.named('alice')}`,
        host: '*',
        operation: 3,
        permissionType: 3,
      }
      const create = (...more: object[]) =>
        kafka.ask(createAcls, { creations: more.map((one) => ({ ...rule, ...one })) })
      await create({}, { operation: 4 })
      await create({})
      await create({ resourceType: 0 })
      await create({ resourceType: 1 })
      await create({ resourceType: 99 })
      await create({ resourcePatternType: 1 })
      await create({ resourceName: '' })
      await create({ principal: 'alice' })
      await create({ principal: '' })
      await create({ host: '' })
      await create({ operation: 0 })
      await create({ operation: 1 })
      await create({ permissionType: 0 })
      await create({ permissionType: 1 })
      await create({ resourceType: 4, resourceName: 'not-the-cluster' })
      await create()
      const filter = {
        resourceTypeFilter: 2,
        resourceNameFilter: name,
        patternTypeFilter: 3,
        principalFilter: null,
        hostFilter: null,
        operation: 1,
        permissionType: 1,
      }
      await kafka.askUntil(describeAcls, filter, ({ resources }) => resources[0]?.acls.length === 3)
      await kafka.ask(describeAcls, { ...filter, operation: 4 })
      await kafka.ask(describeAcls, { ...filter, resourceTypeFilter: 0 })
      await kafka.ask(describeAcls, { ...filter, operation: 0 })
      await kafka.ask(describeAcls, { ...filter, permissionType: 0 })
      await kafka.ask(describeAcls, { ...filter, patternTypeFilter: 0 })
      await kafka.ask(describeAcls, { ...filter, resourceNameFilter: kafka.named('none') })
      const { resourceTypeFilter, resourceNameFilter, patternTypeFilter, ...others } = filter
      const one = { resourceTypeFilter, resourceNameFilter, patternTypeFilter, ...others }
      await kafka.ask(deleteAcls, { filters: [{ ...one, operation: 0 }] })
      await kafka.ask(deleteAcls, {
        filters: [
          { ...one, operation: 4 },
          { ...one, operation: 9 },
        ],
      })
      await kafka.ask(deleteAcls, { filters: [one] })
      await kafka.ask(deleteAcls, { filters: [] })
    },
  }),
  ...casesOf(alterUserScramCredentials, {
    'made, described and deleted': async (kafka) => {
      const name = kafka.named('alice')
      const good = { name, mechanism: 1, iterations: 4096, salt, saltedPassword }
      const alter = (...upsertions: object[]) =>
        kafka.ask(alterUserScramCredentials, {
          deletions: [],
          upsertions: upsertions.map((one) => ({ ...good, ...one })),
        })
      await alter({})
      await alter({ mechanism: 2, saltedPassword: Buffer.alloc(64, 7) })
      await alter({ mechanism: 0 })
      await alter({ mechanism: 7 })
      await alter({ iterations: 4095 })
      await alter({ iterations: 16_385 })
      await alter({ name: '' })
      await alter({}, {})
      await kafka.askUntil(
        describeUserScramCredentials,
        { users: [{ name }] },
        ({ results }) => results[0]?.credentialInfos.length === 2,
      )
      await kafka.ask(describeUserScramCredentials, { users: [{ name: kafka.named('none') }] })
      await kafka.ask(describeUserScramCredentials, { users: [{ name }, { name }] })
      await kafka.ask(describeUserScramCredentials, { users: [{ name: '' }] })
      const remove = (...deletions: { name: string; mechanism: number }[]) =>
        kafka.ask(alterUserScramCredentials, { deletions, upsertions: [] })
      await remove({ name, mechanism: 1 })
      await remove({ name, mechanism: 9 })
      await remove({ name: kafka.named('none'), mechanism: 1 })
      await remove({ name, mechanism: 2 })
      await kafka.ask(alterUserScramCredentials, { deletions: [], upsertions: [] })
    },
  }),
  ...casesOf(createDelegationToken, {
    'over plain text': async (kafka) => {
      await kafka.ask(createDelegationToken, {
        ownerPrincipalType: null,
        ownerPrincipalName: null,
        renewers: [],
        maxLifetimeMs: -1n,
      })
      await kafka.ask(renewDelegationToken, { hmac: Buffer.from('nothing'), renewPeriodMs: -1n })
      await kafka.ask(expireDelegationToken, { hmac: Buffer.from('nothing'), expiryTimePeriodMs: -1n })
      await kafka.ask(describeDelegationToken, { owners: null })
      await kafka.ask(describeDelegationToken, { owners: [] })
    },
  }),
  ...casesOf(renewDelegationToken, {
    'over plain text': async (kafka) => {
      await kafka.ask(renewDelegationToken, { hmac: Buffer.from('nothing'), renewPeriodMs: -1n })
    },
  }),
  ...casesOf(expireDelegationToken, {
    'over plain text': async (kafka) => {
      await kafka.ask(expireDelegationToken, { hmac: Buffer.from('nothing'), expiryTimePeriodMs: -1n })
    },
  }),
  ...casesOf(describeDelegationToken, {
    'over plain text': async (kafka) => {
      await kafka.ask(describeDelegationToken, { owners: null })
    },
  }),
  ...casesOf(saslHandshake, {
    'where nobody is asked who they are': async (kafka) => {
      await kafka.ask(saslHandshake, { mechanism: 'PLAIN' })
      await kafka.ask(saslHandshake, { mechanism: 'NO-SUCH' })
      await kafka.ask(saslHandshake, { mechanism: '' })
    },
  }),
  ...casesOf(saslAuthenticate, {
    'where nobody is asked who they are': async (kafka) => {
      await kafka.ask(saslAuthenticate, { authBytes: Buffer.from('\0alice\0alice-secret') })
      await kafka.ask(saslAuthenticate, { authBytes: new Uint8Array(0) })
    },
  }),
]
