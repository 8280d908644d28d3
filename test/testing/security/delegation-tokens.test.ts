import { afterEach, describe, expect, it } from 'vitest'
import { connectRaw, type RawConnection } from '../../../src/network/raw-connection.ts'
import { createDelegationToken } from '../../../src/protocol/apis/create-delegation-token.ts'
import { describeDelegationToken } from '../../../src/protocol/apis/describe-delegation-token.ts'
import { expireDelegationToken } from '../../../src/protocol/apis/expire-delegation-token.ts'
import { metadata } from '../../../src/protocol/apis/metadata.ts'
import { renewDelegationToken } from '../../../src/protocol/apis/renew-delegation-token.ts'
import { errors } from '../../../src/testing/error-codes.ts'
import { startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { failureOf } from '../../support/promises.ts'
import { loginPlain, loginScram } from '../support/sasl-client.ts'

const running: AsyncDisposable[] = []

afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

const users = { alice: 'a', bob: 'b', carol: 'c' }
const secret = { 'delegation.token.secret.key': 'secret' }

async function start(configs: Record<string, string | number> = secret): Promise<TestKafka> {
  const kafka = await startKafka({ sasl: { users }, configs, acls: {} })
  running.push(kafka)
  return kafka
}

async function connect(kafka: TestKafka, user?: keyof typeof users): Promise<RawConnection> {
  const [host, port] = kafka.bootstrapServers.split(':')
  const connection = await connectRaw({ host: host!, port: Number(port), timeoutMs: 5_000 })
  running.push(connection)
  if (user !== undefined) await loginPlain(connection, user, users[user])
  return connection
}

const mine = { ownerPrincipalType: null, ownerPrincipalName: null, maxLifetimeMs: -1n }

async function create(connection: RawConnection, request: { maxLifetimeMs?: bigint } = {}) {
  const renewers = [{ principalType: 'User', principalName: 'bob' }]
  return (await connection.send(createDelegationToken, 3, { ...mine, renewers, ...request })).decoded!
}

async function tokenIds(connection: RawConnection): Promise<string[]> {
  const { decoded } = await connection.send(describeDelegationToken, 3, { owners: null })
  return decoded!.tokens.map(({ tokenId }) => tokenId)
}

const tokenauth = ',tokenauth=true'

function passwordOf({ hmac }: { hmac: Uint8Array }): string {
  return Buffer.from(hmac).toString('base64')
}

describe('a delegation token', () => {
  it('lets in as its owner', async () => {
    const kafka = await start()
    const token = await create(await connect(kafka, 'alice'))
    const connection = await connect(kafka)
    const mechanism = 'SCRAM-SHA-256'
    const end = await loginScram(connection, mechanism, token.tokenId, passwordOf(token), tokenauth)
    expect(end.errorCode).toBe(0)
    // The session ends with the token.
    expect(Number(end.sessionLifetimeMs)).toBeGreaterThan(86_000_000)
    expect(Number(end.sessionLifetimeMs)).toBeLessThanOrEqual(86_400_000)
    const names = [...kafka.cluster.brokers.get(1)!.connections].map(({ principal }) => principal)
    expect(names).toEqual(['User:alice', 'User:alice'])
    // Nobody gets a token by a token.
    expect((await create(connection)).errorCode).toBe(errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED)
    await kafka.advanceClock(86_400_001)
    expect(await failureOf(connection.send(metadata, 12, {}))).toMatchObject({ code: 'CONNECTION_CLOSED' })
  })

  it('lets in nobody without its password, or who does not say that it is one', async () => {
    const kafka = await start()
    const token = await create(await connect(kafka, 'alice'))
    for (const [password, extensions] of [
      ['guess', tokenauth],
      [passwordOf(token), ''],
    ] as const) {
      const connection = await connect(kafka)
      const end = await loginScram(connection, 'SCRAM-SHA-512', token.tokenId, password, extensions)
      expect(end.errorCode).toBe(errors.SASL_AUTHENTICATION_FAILED)
    }
  })

  it('is seen by its owner and by who may renew it', async () => {
    const kafka = await start()
    const alice = await connect(kafka, 'alice')
    const { tokenId } = await create(alice)
    expect(await tokenIds(alice)).toEqual([tokenId])
    expect(await tokenIds(await connect(kafka, 'bob'))).toEqual([tokenId])
    expect(await tokenIds(await connect(kafka, 'carol'))).toEqual([])
    const { authorizer } = kafka.cluster
    const rule = {
      principal: 'User:carol',
      host: '*',
      patternType: 'LITERAL',
      permissionType: 'ALLOW',
    } as const
    authorizer.add({
      ...rule,
      resourceType: 'DELEGATION_TOKEN',
      resourceName: tokenId,
      operation: 'DESCRIBE',
    })
    expect(await tokenIds(await connect(kafka, 'carol'))).toEqual([tokenId])
    const carols = [{ principalType: 'User', principalName: 'carol' }]
    const { decoded } = await alice.send(describeDelegationToken, 3, { owners: carols })
    expect(decoded!.tokens).toEqual([])
  })

  it('is made for somebody else by who may', async () => {
    const kafka = await start()
    const alice = await connect(kafka, 'alice')
    const forBob = { ...mine, ownerPrincipalType: 'User', ownerPrincipalName: 'bob' }
    const make = async () => (await alice.send(createDelegationToken, 3, forBob)).decoded!
    expect((await make()).errorCode).toBe(errors.DELEGATION_TOKEN_AUTHORIZATION_FAILED)
    kafka.cluster.authorizer.add({
      resourceType: 'USER',
      resourceName: 'User:bob',
      patternType: 'LITERAL',
      principal: 'User:alice',
      host: '*',
      operation: 'CREATE_TOKENS',
      permissionType: 'ALLOW',
    })
    expect(await make()).toMatchObject({
      errorCode: 0,
      principalName: 'bob',
      tokenRequesterPrincipalName: 'alice',
    })
  })

  it('lives longer when it is renewed, up to its end', async () => {
    const kafka = await start({ ...secret, 'delegation.token.expiry.time.ms': 10_000 })
    const alice = await connect(kafka, 'alice')
    const token = await create(alice, { maxLifetimeMs: 15_000n })
    expect(token.expiryTimestampMs - token.issueTimestampMs).toBe(10_000n)
    await kafka.advanceClock(8_000)
    const renew = async (user: 'alice' | 'bob' | 'carol', renewPeriodMs = -1n) => {
      const connection = await connect(kafka, user)
      return (await connection.send(renewDelegationToken, 2, { hmac: token.hmac, renewPeriodMs })).decoded!
    }
    expect((await renew('carol')).errorCode).toBe(errors.DELEGATION_TOKEN_OWNER_MISMATCH)
    expect(await renew('bob')).toMatchObject({ errorCode: 0, expiryTimestampMs: token.maxTimestampMs })
    const short = await renew('alice', 100n)
    expect(short.expiryTimestampMs).toBeLessThan(token.maxTimestampMs)
    await kafka.advanceClock(200)
    expect((await renew('alice')).errorCode).toBe(errors.DELEGATION_TOKEN_EXPIRED)
  })

  it('ends when it is told to', async () => {
    const kafka = await start()
    const alice = await connect(kafka, 'alice')
    const token = await create(alice)
    const expire = async (connection: RawConnection, expiryTimePeriodMs: bigint) =>
      (await connection.send(expireDelegationToken, 2, { hmac: token.hmac, expiryTimePeriodMs })).decoded!
    expect((await expire(await connect(kafka, 'carol'), -1n)).errorCode).toBe(
      errors.DELEGATION_TOKEN_OWNER_MISMATCH,
    )
    expect((await expire(alice, 5_000n)).expiryTimestampMs).toBeLessThan(token.expiryTimestampMs)
    expect((await expire(alice, -1n)).errorCode).toBe(0)
    expect((await expire(alice, -1n)).errorCode).toBe(errors.DELEGATION_TOKEN_NOT_FOUND)
    expect(await tokenIds(alice)).toEqual([])
  })

  it('is forgotten some time after its end', async () => {
    const kafka = await start({ ...secret, 'delegation.token.expiry.check.interval.ms': 60_000 })
    const alice = await connect(kafka, 'alice')
    const { tokenId } = await create(alice, { maxLifetimeMs: 30_000n })
    await kafka.advanceClock(40_000)
    expect(await tokenIds(alice)).toEqual([tokenId])
    await kafka.advanceClock(20_001)
    expect(await tokenIds(alice)).toEqual([])
  })

  it('does not exist where the broker has no secret for it', async () => {
    const alice = await connect(await start({}), 'alice')
    const code = errors.DELEGATION_TOKEN_AUTH_DISABLED
    expect((await create(alice)).errorCode).toBe(code)
    const hmac = new Uint8Array(1)
    expect((await alice.send(renewDelegationToken, 2, { hmac })).decoded!.errorCode).toBe(code)
    expect((await alice.send(expireDelegationToken, 2, { hmac })).decoded!.errorCode).toBe(code)
    expect((await alice.send(describeDelegationToken, 3, { owners: null })).decoded!.errorCode).toBe(code)
  })
})
