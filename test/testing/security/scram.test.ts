import { describe, expect, it } from 'vitest'
import { connectRaw } from '../../../src/network/raw-connection.ts'
import { alterUserScramCredentials } from '../../../src/protocol/apis/alter-user-scram-credentials.ts'
import { describeUserScramCredentials } from '../../../src/protocol/apis/describe-user-scram-credentials.ts'
import { errors } from '../../../src/testing/error-codes.ts'
import { startKafka } from '../../../src/testing/index.ts'
import { credentialOf, saltPassword } from '../../../src/testing/security/scram.ts'
import { ScramServer } from '../../../src/testing/security/scram-server.ts'
import { vectors } from '../../support/vectors.ts'
import { encode, loginScram, type ScramName } from '../support/sasl-client.ts'

interface ScramVector {
  readonly mechanism: ScramName
  readonly username: string
  readonly password: string
  readonly serverNonce: string
  readonly salt: string
  readonly iterations: number
  readonly tokenauth: boolean
  readonly clientFirst: string
  readonly serverFirst: string
  readonly clientFinal: string
  readonly serverFinal: string
  readonly saltedPassword: string
  readonly storedKey: string
  readonly serverKey: string
}

const exchanges = vectors<ScramVector>('scram')

describe('the SCRAM of a broker', () => {
  it.each(exchanges)('$mechanism of $username is that of Java', async (vector) => {
    const { mechanism, iterations } = vector
    const salt = Buffer.from(vector.salt, 'hex')
    const salted = await saltPassword(mechanism, vector.password, salt, iterations)
    expect(Buffer.from(salted).toString('hex')).toBe(vector.saltedPassword)
    const credential = credentialOf(mechanism, salted, salt, iterations)
    expect(Buffer.from(credential.storedKey).toString('hex')).toBe(vector.storedKey)
    expect(Buffer.from(credential.serverKey).toString('hex')).toBe(vector.serverKey)

    const asked: string[] = []
    const source = {
      async ofUser(user: string) {
        asked.push(`user ${user}`)
        return credential
      },
      async ofToken(tokenId: string) {
        asked.push(`token ${tokenId}`)
        return { credential, owner: 'owner', expiryMs: 1 }
      },
    }
    const server = new ScramServer(mechanism, source, vector.serverNonce)
    const first = await server.next(encode(vector.clientFirst))
    expect(new TextDecoder().decode(first.answer)).toBe(vector.serverFirst)
    expect(first.identity).toBeNull()
    const final = await server.next(encode(vector.clientFinal))
    expect(new TextDecoder().decode(final.answer)).toBe(vector.serverFinal)
    expect(final.identity).toEqual(
      vector.tokenauth ? { user: 'owner', tokenExpiryMs: 1 } : { user: vector.username, tokenExpiryMs: null },
    )
    expect(asked).toEqual([`${vector.tokenauth ? 'token' : 'user'} ${vector.username}`])
  })

  it('lets in users that were added while it runs, and nobody who was deleted', async () => {
    await using kafka = await startKafka({ sasl: { users: { admin: 'a' } } })
    const [host, port] = kafka.bootstrapServers.split(':')
    const where = { host: host!, port: Number(port), timeoutMs: 5_000 }
    await using admin = await connectRaw(where)
    await loginScram(admin, 'SCRAM-SHA-256', 'admin', 'a')
    const salt = encode('some salt')
    const saltedPassword = await saltPassword('SCRAM-SHA-512', 'new-secret', salt, 5000)
    const upsertions = [{ name: 'new', mechanism: 2, iterations: 5000, salt, saltedPassword }]
    const added = await admin.send(alterUserScramCredentials, 0, { deletions: [], upsertions })
    expect(added.decoded!.results).toEqual([{ user: 'new', errorCode: 0, errorMessage: null }])
    const described = await admin.send(describeUserScramCredentials, 0, { users: null })
    expect(described.decoded!.results).toMatchObject([
      { user: 'admin', credentialInfos: [{ mechanism: 1 }, { mechanism: 2 }] },
      { user: 'new', credentialInfos: [{ mechanism: 2, iterations: 5000 }] },
    ])

    const login = async (mechanism: ScramName) => {
      await using connection = await connectRaw(where)
      return (await loginScram(connection, mechanism, 'new', 'new-secret')).errorCode
    }
    expect(await login('SCRAM-SHA-512')).toBe(0)
    expect(await login('SCRAM-SHA-256')).toBe(errors.SASL_AUTHENTICATION_FAILED)
    const deletions = [{ name: 'new', mechanism: 2 }]
    await admin.send(alterUserScramCredentials, 0, { deletions, upsertions: [] })
    expect(await login('SCRAM-SHA-512')).toBe(errors.SASL_AUTHENTICATION_FAILED)
  })

  it('has the same salts for the same seed', async () => {
    const salts = async () => {
      await using kafka = await startKafka({ seed: 5, sasl: { users: { admin: 'a' } } })
      const credential = await kafka.cluster.scramUsers.credential('admin', 'SCRAM-SHA-256')
      return Buffer.from(credential!.salt).toString('hex')
    }
    expect(await salts()).toBe(await salts())
  })
})
