import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { saslAuthenticate } from '../../src/protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import { responseFrame, type ScriptedBroker, startScriptedBroker } from '../support/scripted-broker.ts'
import { protocol } from './run-cli.ts'

const brokers: ScriptedBroker[] = []

afterEach(async () => {
  await Promise.all(brokers.splice(0).map((broker) => broker.stop()))
})

async function start(onConnection?: (socket: Socket) => void): Promise<ScriptedBroker> {
  const broker = await startScriptedBroker(onConnection === undefined ? {} : { onConnection })
  brokers.push(broker)
  return broker
}

const to = (broker: ScriptedBroker) => ['--bootstrap-server', broker.address]

describe('send', () => {
  it('sends the request as it is, at once, and prints the answer as JSON', async () => {
    const broker = await start()
    const about = ['--client-id', 'me', '--correlation-id', '9']
    const body = '{"topics":[{"name":"orders"}]}'
    const { code, out, err } = await protocol('send', 'Metadata', 'v9', body, ...about, ...to(broker))
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out)).toMatchObject({ brokers: [broker.node()] })
    expect(out).toContain('\n  "brokers"')
    expect(broker.requests).toHaveLength(1)
    expect(broker.requests[0]).toMatchObject({
      api: 'Metadata',
      version: 9,
      clientId: 'me',
      correlationId: 9,
      body: { topics: [{ name: 'orders' }] },
    })
    await broker.until(() => broker.openConnections === 0)
  })

  it('--compact prints one line, --dump each byte', async () => {
    const broker = await start()
    const compact = await protocol('send', 'Metadata', 'v9', '--compact', ...to(broker))
    expect(compact.out.split('\n')).toHaveLength(2)
    const dump = await protocol('send', 'Metadata', 'v9', '--dump', ...to(broker))
    expect(dump.code).toBe(0)
    expect(dump.out).toMatch(/^000000 {2}00 00 00 00 +header\.correlationId +int32 +0\n/)
  })

  it('--hex sends any bytes, and reads the answer as what the header says', async () => {
    const broker = await start()
    const { out: hex } = await protocol('encode', 'Metadata', 'v9', '--correlation-id', '3')
    const { code, out, err } = await protocol('send', '--hex', hex, '--compact', ...to(broker))
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(JSON.parse(out)).toMatchObject({ controllerId: 1 })
    const named = await protocol('send', 'Metadata', 'v9', '--hex', hex, '--compact', ...to(broker))
    expect(named).toEqual({ code, out, err })
  })

  it('--hex prints the hex of an answer to what nobody knows', async () => {
    const broker = await start((socket) => socket.write(Buffer.from('00000002cafe', 'hex')))
    const { code, out } = await protocol('send', '--hex', '00000001ff', ...to(broker))
    expect({ code, out }).toEqual({ code: 0, out: 'cafe\n' })
  })

  it('exits with 1 when the answer has an errorCode at its top, and names it', async () => {
    const broker = await start()
    broker.on(apiVersions, () => ({ errorCode: 42 }))
    const { code, out, err } = await protocol('send', 'ApiVersions', 'v0', '--compact', ...to(broker))
    expect(code).toBe(1)
    expect(JSON.parse(out)).toEqual({ errorCode: 42, apiKeys: [] })
    expect(err).toMatch(/^error: the broker answers 42 INVALID_REQUEST: /)
  })

  it('exits with 1 when the answer does not decode, or is that of another request', async () => {
    const broken = await start()
    broken.on(metadata, () => Buffer.from('00000006000000000001', 'hex'))
    const first = await protocol('send', 'Metadata', 'v0', ...to(broken))
    expect(first).toMatchObject({ code: 1, out: '' })
    expect(first.err).toMatch(/^error: the answer does not decode: brokers: /)
    const dump = await protocol('send', 'Metadata', 'v0', '--dump', ...to(broken))
    expect(dump.code).toBe(1)
    expect(dump.out).toContain('error at byte 4: brokers')

    const confused = await start()
    confused.on(apiVersions, (request) => responseFrame(apiVersions, { ...request, correlationId: 5 }, {}))
    const second = await protocol('send', 'ApiVersions', 'v0', ...to(confused))
    expect(second.code).toBe(1)
    expect(second.err).toBe('error: the answer has correlation id 5, the request has 0\n')
  })

  it('warns of bytes after the answer, and exits with 1 only with --strict', async () => {
    const broker = await start()
    broker.on(apiVersions, () => Buffer.from('0000000c00000000000000000000beef', 'hex'))
    const tolerant = await protocol('send', 'ApiVersions', 'v0', ...to(broker))
    expect(tolerant).toMatchObject({ code: 0, err: 'warning: 2 bytes after the end of the answer\n' })
    const strict = await protocol('send', 'ApiVersions', 'v0', '--strict', ...to(broker))
    expect(strict.code).toBe(1)
    expect(strict.err).toMatch(/^error: .*2 bytes after the end of the message$/m)
  })

  it('waits for no answer with --no-response, nor to a Produce with acks=0', async () => {
    const broker = await start()
    broker.on(produce, () => null)
    const asked = await protocol('send', 'Metadata', 'v0', '--no-response', ...to(broker))
    expect(asked).toEqual({ code: 0, out: '', err: '' })
    await broker.received(metadata)
    const sent = await protocol('send', 'Produce', 'v9', '{"acks":0}', ...to(broker))
    expect(sent).toEqual({ code: 0, out: '', err: '' })
    await broker.received(produce)
  })

  it('takes the first of several brokers that can be reached', async () => {
    const broker = await start()
    const servers = `127.0.0.1:1,${broker.address}`
    const { code } = await protocol('send', 'Metadata', 'v0', '--bootstrap-server', servers)
    expect(code).toBe(0)
  })
})

describe('a broker that is not there, or not really', () => {
  it('cannot be reached: exit code 3', async () => {
    const { code, out, err } = await protocol('send', 'Metadata', 'v0', '--bootstrap-server', '127.0.0.1:1')
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err).toMatch(/^error: 127\.0\.0\.1:1: /)
  })

  it('hangs up: exit code 3', async () => {
    const broker = await start((socket) => socket.once('data', () => socket.destroy()))
    for (const command of [['send', 'Metadata', 'v0'], ['versions']]) {
      const { code, err } = await protocol(...command, ...to(broker))
      expect(code).toBe(3)
      expect(err).toMatch(/^error: 127\.0\.0\.1:\d+: /)
    }
  })

  it('says nothing until the time is over: exit code 3', async () => {
    const broker = await start((socket) => socket.resume())
    for (const command of [['send', 'Metadata', 'v0'], ['versions']]) {
      const { code, err } = await protocol(...command, '--timeout', '50', ...to(broker))
      expect(code).toBe(3)
      expect(err).toMatch(/did not end within 50 ms\n$/)
    }
    await broker.until(() => broker.openConnections === 0)
  })

  it('speaks no TLS: exit code 3', async () => {
    const broker = await start()
    const { code, err } = await protocol('send', 'Metadata', 'v0', '--tls', ...to(broker))
    expect(code).toBe(3)
    expect(err).toMatch(/TLS/)
  })
})

describe('--sasl-plain', () => {
  it('says who it is before the request', async () => {
    const broker = await start()
    broker.on(saslHandshake, () => ({ mechanisms: ['PLAIN'] }))
    broker.on(saslAuthenticate, () => ({}))
    const { code } = await protocol('send', 'Metadata', 'v0', '--sasl-plain', 'alice:a:b', ...to(broker))
    expect(code).toBe(0)
    expect(broker.requests.map(({ api }) => api)).toEqual(['SaslHandshake', 'SaslAuthenticate', 'Metadata'])
    const [{ body } = { body: null }] = broker.seen(saslAuthenticate)
    expect(Buffer.from(body!.authBytes).toString()).toBe('\0alice\0a:b')
  })

  it('exits with 1 when the broker refuses mechanism or password, and does not print the latter', async () => {
    const broker = await start()
    broker.on(saslHandshake, () => ({ errorCode: 33, mechanisms: ['SCRAM-SHA-512'] }))
    const user = ['--sasl-plain', 'alice:secret']
    const mechanism = await protocol('versions', ...user, ...to(broker))
    expect(mechanism.code).toBe(1)
    expect(mechanism.err).toMatch(
      /PLAIN is refused \(UNSUPPORTED_SASL_MECHANISM\), offered are: SCRAM-SHA-512/,
    )
    broker.on(saslHandshake, () => ({ mechanisms: ['PLAIN'] }))
    broker.on(saslAuthenticate, () => ({ errorCode: 58, errorMessage: 'no such user' }))
    const password = await protocol('versions', ...user, ...to(broker))
    expect(password.code).toBe(1)
    expect(password.err).toMatch(/PLAIN: no such user\n$/)
    expect(mechanism.err + password.err).not.toContain('secret')
    await broker.until(() => broker.openConnections === 0)
  })
})

describe('versions', () => {
  it('marks what only one side has, and what has no version in common', async () => {
    const broker = await start()
    broker.on(apiVersions, () => ({
      apiKeys: [
        { apiKey: 0, minVersion: 3, maxVersion: 7 },
        { apiKey: 3, minVersion: 90, maxVersion: 91 },
        { apiKey: 18, minVersion: 0, maxVersion: 4 },
        { apiKey: 9999, minVersion: 0, maxVersion: 0 },
      ],
    }))
    const { code, out, err } = await protocol('versions', ...to(broker))
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const lines = out.split('\n').map((line) => line.split(/ {2,}/))
    expect(lines[0]).toEqual(['KEY', 'API', 'BROKER', 'KAFKAWIRE', 'USED', 'NOTE'])
    expect(lines).toContainEqual(['0', 'Produce', '3-7', '0-13', '7'])
    expect(lines).toContainEqual(['1', 'Fetch', '-', '0-18', '-', 'kafkawire only'])
    expect(lines).toContainEqual(['3', 'Metadata', '90-91', '0-13', '-', 'no common version'])
    expect(lines).toContainEqual(['9999', '?', '0', '-', '-', 'broker only'])
    const json = await protocol('versions', '--json', ...to(broker))
    expect(JSON.parse(json.out)).toContainEqual({
      key: 0,
      api: 'Produce',
      broker: { min: 3, max: 7 },
      client: { min: 0, max: 13 },
      used: 7,
    })
  })

  it('asks an older broker again, in the version that it names, or in the oldest', async () => {
    for (const named of [[{ apiKey: 18, minVersion: 0, maxVersion: 2 }], []]) {
      const broker = await start()
      const refusal = { errorCode: 35, apiKeys: named }
      broker.on(apiVersions, (request) =>
        request.version > 2
          ? responseFrame(apiVersions, { ...request, version: 0 }, refusal)
          : { apiKeys: [{ apiKey: 0, minVersion: 0, maxVersion: 2 }] },
      )
      const { code, out } = await protocol('versions', ...to(broker))
      expect(code).toBe(0)
      expect(out).toMatch(/^0 +Produce +0-2 +0-13 +2$/m)
      expect(broker.seen(apiVersions).map(({ version }) => version)).toEqual([4, named.length === 0 ? 0 : 2])
    }
  })

  it('exits with 1 when the broker answers with an error, in whatever version', async () => {
    for (const [errorCode, name] of [
      [35, 'UNSUPPORTED_VERSION'],
      [58, 'SASL_AUTHENTICATION_FAILED'],
    ] as const) {
      const broker = await start()
      broker.on(apiVersions, () => ({ errorCode }))
      const { code, err } = await protocol('versions', ...to(broker))
      expect(code).toBe(1)
      expect(err).toMatch(new RegExp(`^error: the broker answers ${errorCode} ${name}: `))
    }
  })

  it('exits with 1 when the answer does not decode', async () => {
    for (const answer of ['00000000', '0000000400000000', '00000007000000000000ff']) {
      const broker = await start()
      broker.on(apiVersions, () => Buffer.from(answer, 'hex'))
      const { code, err } = await protocol('versions', ...to(broker))
      expect(code).toBe(1)
      expect(err).toMatch(/^error: /)
    }
  })
})
