import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Broker, type NetworkOptions } from '../../src/network/broker.ts'
import { dial } from '../../src/network/dial.ts'
import { plain } from '../../src/network/sasl/plain.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { heartbeat } from '../../src/protocol/apis/heartbeat.ts'
import { saslAuthenticate } from '../../src/protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import { errorCodes } from '../../src/protocol/broker-errors.ts'
import { networkOptions } from '../support/network-options.ts'
import { failureOf } from '../support/promises.ts'
import {
  int32,
  responseFrame,
  type ScriptedBroker,
  sized,
  startScriptedBroker,
} from '../support/scripted-broker.ts'

let peer: ScriptedBroker
const opened: Broker[] = []

beforeEach(async () => {
  peer = await startScriptedBroker()
  peer.on(heartbeat, () => ({}))
})

afterEach(async () => {
  for (const broker of opened.splice(0)) broker.close()
  await peer.stop()
})

function broker(options: Partial<NetworkOptions> = {}): Broker {
  const made = new Broker(peer.host, peer.port, networkOptions({ connect: dial, ...options }))
  opened.push(made)
  return made
}

const int16 = (value: number) => Buffer.from([(value >> 8) & 0xff, value & 0xff])

describe('ApiVersions', () => {
  const offered = { apiKey: heartbeat.key, minVersion: 0, maxVersion: 2 }

  it.each([
    ['names the version to use', [{ apiKey: apiVersions.key, minVersion: 0, maxVersion: 2 }], [4, 2]],
    [
      'offers only what was just refused',
      [{ apiKey: apiVersions.key, minVersion: 0, maxVersion: 4 }],
      [4, 3],
    ],
    ['names nothing', [], [4, 0]],
  ])('is asked again at a lower version when the refusal %s', async (_, apiKeys, versions) => {
    peer.on(apiVersions, (request) =>
      request.version > (versions[1] ?? 0)
        ? responseFrame(
            apiVersions,
            { ...request, version: 0 },
            {
              errorCode: errorCodes.unsupportedVersion,
              apiKeys,
            },
          )
        : { apiKeys: [offered] },
    )
    const connection = await broker().connection('main')
    await connection.send(heartbeat, {})
    expect(peer.seen(apiVersions).map((request) => request.version)).toEqual(versions)
    expect(peer.seen(heartbeat)[0]?.version).toBe(2)
  })

  it('does not trust the rest of a refusal', async () => {
    peer.on(apiVersions, ({ version, correlationId }) =>
      version > 0
        ? sized(Buffer.concat([int32(correlationId), int16(errorCodes.unsupportedVersion)]))
        : { apiKeys: [offered] },
    )
    const connection = await broker().connection('main')
    expect(connection.version(heartbeat)).toBe(2)
    expect(peer.seen(apiVersions).map((request) => request.version)).toEqual([4, 0])
  })

  it('is given up when even version 0 is refused', async () => {
    peer.on(apiVersions, ({ correlationId }) =>
      sized(Buffer.concat([int32(correlationId), int16(errorCodes.unsupportedVersion), int32(0)])),
    )
    expect(await failureOf(broker().connection('main'))).toMatchObject({
      name: 'UnsupportedVersionError',
      broker: peer.address,
      api: 'ApiVersions',
      retriable: false,
    })
    await peer.until(() => peer.openConnections === 0)
  })
})

describe('SASL', () => {
  beforeEach(() => {
    peer.on(saslHandshake, () => ({ mechanisms: ['PLAIN'] }))
    peer.on(saslAuthenticate, () => ({}))
  })

  it('comes before anything else', async () => {
    const connection = await broker({ sasl: plain('alice', 'secret') }).connection('main')
    await connection.send(heartbeat, {})
    expect(peer.requests.map((request) => request.api)).toEqual([
      'ApiVersions',
      'SaslHandshake',
      'SaslAuthenticate',
      'Heartbeat',
    ])
    expect(Buffer.from(peer.seen(saslAuthenticate)[0]!.body.authBytes).toString()).toBe('\0alice\0secret')
  })

  it('refused by the broker is not retriable, and says what the broker said', async () => {
    peer.on(saslAuthenticate, () => ({
      errorCode: errorCodes.saslAuthenticationFailed,
      errorMessage: 'Authentication failed: Invalid username or password',
    }))
    expect(await failureOf(broker({ sasl: plain('alice', 'wrong') }).connection('main'))).toMatchObject({
      name: 'AuthenticationError',
      code: 'SASL_AUTHENTICATION_FAILED',
      message: `${peer.address}: PLAIN: Authentication failed: Invalid username or password`,
      retriable: false,
      fatal: true,
    })
    await peer.until(() => peer.openConnections === 0)
  })

  it('with a mechanism that is not offered names those that are', async () => {
    peer.on(saslHandshake, () => ({
      errorCode: errorCodes.unsupportedSaslMechanism,
      mechanisms: ['SCRAM-SHA-256', 'OAUTHBEARER'],
    }))
    expect(await failureOf(broker({ sasl: plain('a', 'b') }).connection('main'))).toMatchObject({
      code: 'UNSUPPORTED_SASL_MECHANISM',
      message: expect.stringContaining('offered are: SCRAM-SHA-256, OAUTHBEARER'),
    })
  })

  it('with a broker that has no SASL at all is a matter of versions', async () => {
    peer.withdraw(saslHandshake)
    expect(await failureOf(broker({ sasl: plain('a', 'b') }).connection('main'))).toMatchObject({
      name: 'UnsupportedVersionError',
      api: 'SaslHandshake',
    })
  })

  it('whose own code throws is an AuthenticationError with that as its cause', async () => {
    const cause = new Error('the token service is down')
    const sasl = { name: 'OAUTHBEARER', authenticate: () => Promise.reject(cause) }
    const error = await failureOf(broker({ sasl }).connection('main'))
    expect(error).toMatchObject({ name: 'AuthenticationError', code: 'SASL_AUTHENTICATION_FAILED', cause })
  })

  it('whose own code never ends is given up with the attempt', async () => {
    const sasl = { name: 'OAUTHBEARER', authenticate: () => new Promise<void>(() => {}) }
    const slow = broker({ sasl, socketConnectionSetupTimeoutMs: 80 })
    expect(await failureOf(slow.connection('main'))).toMatchObject({ code: 'CONNECTION_TIMEOUT' })
    await peer.until(() => peer.openConnections === 0)
  })

  it('can go on for several messages', async () => {
    peer.on(saslAuthenticate, ({ body }) => ({
      authBytes: Buffer.concat([body.authBytes, Buffer.from('!')]),
    }))
    const answers: string[] = []
    const connection = await broker({
      sasl: {
        name: 'SCRAM-SHA-256',
        async authenticate({ send, host, port }) {
          for (const message of ['one', 'two']) {
            answers.push(Buffer.from(await send(new TextEncoder().encode(message))).toString())
          }
          answers.push(`${host}:${port}`)
        },
      },
    }).connection('main')
    expect(connection.state).toBe('ready')
    expect(answers).toEqual(['one!', 'two!', peer.address])
  })
})
