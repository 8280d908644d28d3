import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientOptions, parseAddresses } from '../../src/options/client-options.ts'
import { clusterOptions } from '../../src/options/cluster-options.ts'
import { parseOptions } from '../../src/options/parse-options.ts'
import { failureOf } from '../support/promises.ts'

const servers = { bootstrapServers: 'localhost:9092' }

const parse = (given: unknown) => parseOptions('client', clientOptions, given)

async function messageFor(given: unknown): Promise<string> {
  const error = await failureOf((async () => parse(given))())
  expect(error).toMatchObject({ name: 'InvalidOptionError', code: 'INVALID_OPTION', retriable: false })
  return (error as Error).message
}

describe('defaults', () => {
  it("are Java's", () => {
    expect(parse(servers)).toEqual({
      bootstrapServers: 'localhost:9092',
      clientId: 'kafkawire',
      tls: false,
      requestTimeoutMs: 30_000,
      defaultApiTimeoutMs: 60_000,
      retryBackoffMs: 100,
      retryBackoffMaxMs: 1_000,
      reconnectBackoffMs: 50,
      reconnectBackoffMaxMs: 1_000,
      socketConnectionSetupTimeoutMs: 10_000,
      socketConnectionSetupTimeoutMaxMs: 30_000,
      connectionsMaxIdleMs: 540_000,
      metadataMaxAgeMs: 300_000,
      metadataRecoveryStrategy: 'rebootstrap',
      clientRack: '',
      receiveMessageMaxBytes: 100_000_000,
    })
  })

  it('stand in for undefined, too', () => {
    expect(parse({ ...servers, clientId: undefined, retryBackoffMs: undefined })).toMatchObject({
      clientId: 'kafkawire',
      retryBackoffMs: 100,
    })
  })
})

describe('a wrong option', () => {
  it.each([
    [{ requestTimeoutMs: -1 }, 'client options: requestTimeoutMs is -1; allowed: at least 1'],
    [{ requestTimeoutMs: 1.5 }, 'client options: requestTimeoutMs is 1.5; allowed: an integer'],
    [{ requestTimeoutMs: '30s' }, 'client options: requestTimeoutMs is "30s"; allowed: a number'],
    [
      { requestTimeoutMs: 2 ** 31 },
      'client options: requestTimeoutMs is 2147483648; allowed: at most 2147483647',
    ],
    [
      { retryBackoffMs: 2 ** 31 },
      'client options: retryBackoffMs is 2147483648; allowed: at most 2147483647',
    ],
    [{ retryBackoffMs: Number.NaN }, 'client options: retryBackoffMs is NaN; allowed: a number'],
    [{ clientId: 7 }, 'client options: clientId is 7; allowed: a string'],
    [{ clientId: null }, 'client options: clientId is null; allowed: a string'],
    [
      { metadataRecoveryStrategy: 'always' },
      'client options: metadataRecoveryStrategy is "always"; allowed: "rebootstrap", "none"',
    ],
    [{ connect: 'tcp' }, 'client options: connect is "tcp"; allowed: a function'],
    [{ tls: 'yes' }, 'client options: tls is a string; allowed: a boolean, or options of tls.connect'],
    [
      { requestTimeoutMs: 0, clientId: 1 },
      'client options: clientId is 1; allowed: a string; requestTimeoutMs is 0; allowed: at least 1',
    ],
  ])('%o is told with its name, its value and what is allowed', async (given, message) => {
    expect(await messageFor({ ...servers, ...given })).toBe(message)
  })

  it('that is not known is told, with the one that was meant', async () => {
    expect(await messageFor({ ...servers, clientID: 'x' })).toBe(
      'client options: clientID is not an option; did you mean clientId?',
    )
    expect(await messageFor({ ...servers, 'request.timeout.ms': 1 })).toBe(
      'client options: request.timeout.ms is not an option; did you mean requestTimeoutMs?',
    )
    expect(await messageFor({ ...servers, brokers: [] })).toMatch(
      /^client options: brokers is not an option; allowed: bootstrapServers, clientId, clientRack, /,
    )
  })

  it('that is missing is told', async () => {
    expect(await messageFor({})).toMatch(/^client options: bootstrapServers is missing; allowed: host:port, /)
    expect(await messageFor(undefined)).toBe('client options: must be an object, not undefined')
    expect(await messageFor('localhost:9092')).toBe('client options: must be an object, not "localhost:9092"')
  })

  it('never shows what is secret', async () => {
    const secrets = [
      { sasl: { mechanism: 'PLAIN', username: 'alice', password: 12345678 } },
      { sasl: 'PLAIN:alice:12345678' },
      { tls: '12345678' },
    ]
    for (const given of secrets) {
      const message = await messageFor({ ...servers, ...given })
      expect(message).not.toContain('12345678')
      expect(message).toMatch(/sasl|tls/)
    }
    expect(await messageFor({ ...servers, ...secrets[0] })).toContain(
      'sasl.password is a number; allowed: a string',
    )
  })

  it('survives values that cannot be shown', async () => {
    const circular: Record<string, unknown> = {}
    circular.self = circular
    expect(await messageFor({ ...servers, clientId: circular })).toContain('clientId is an object')
    expect(await messageFor({ ...servers, clientId: 5n })).toContain('clientId is 5n')
    expect(
      await messageFor({ ...servers, clientId: 'x'.repeat(200), clientRack: ['y'.repeat(200)] }),
    ).toContain('...')
  })
})

describe('bootstrapServers', () => {
  it.each([
    ['localhost:9092', [{ host: 'localhost', port: 9092 }]],
    [
      ' a:1 , b:2,',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    ],
    [
      ['a:1', ' b:2 '],
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    ],
    ['PLAINTEXT://broker-1.example.com:9092', [{ host: 'broker-1.example.com', port: 9092 }]],
    ['[::1]:9092', [{ host: '::1', port: 9092 }]],
    ['SASL_SSL://[fe80::1%eth0]:65535', [{ host: 'fe80::1%eth0', port: 65535 }]],
  ])('%o are addresses', (bootstrapServers, addresses) => {
    const parsed = parse({ bootstrapServers })
    expect(parseAddresses(parsed.bootstrapServers)).toEqual(addresses)
  })

  it.each([
    '',
    ',',
    'localhost',
    'localhost:',
    ':9092',
    'localhost:0',
    'localhost:65536',
    'localhost:9092/x',
    'a b:1',
    '::1:9092',
    'http://host/:80',
    'a:1;b:2',
  ])('%o are none', async (bootstrapServers) => {
    expect(await messageFor({ bootstrapServers })).toContain('host:port')
    expect(await messageFor({ bootstrapServers: [bootstrapServers] })).toContain('host:port')
  })

  it('must be at least one', async () => {
    expect(await messageFor({ bootstrapServers: [] })).toContain(
      'bootstrapServers is []; allowed: host:port, several with commas between or as an array',
    )
  })

  const host = fc.oneof(
    fc.domain(),
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
  )
  const address = fc.record({ host, port: fc.integer({ min: 1, max: 65535 }) })
  const blank = fc.constantFrom('', ' ', '\t')

  it('that are good are all found, however they are written', () => {
    fc.assert(
      fc.property(
        fc.array(address, { minLength: 1, maxLength: 5 }),
        blank,
        fc.boolean(),
        (list, space, named) => {
          const texts = list.map((one) => `${space}${named ? 'SSL://' : ''}${one.host}:${one.port}${space}`)
          const expected = list.map((one) => ({ host: one.host.replace(/^\[|\]$/g, ''), port: one.port }))
          expect(parseAddresses(parse({ bootstrapServers: texts }).bootstrapServers)).toEqual(expected)
          expect(parseAddresses(parse({ bootstrapServers: texts.join(',') }).bootstrapServers)).toEqual(
            expected,
          )
        },
      ),
    )
  })

  it('that are let through are always a host and a port that can be', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (text) => {
        let parsed: { bootstrapServers: string | readonly string[] }
        try {
          parsed = parse({ bootstrapServers: `${text}:9092` })
        } catch {
          return
        }
        for (const { host, port } of parseAddresses(parsed.bootstrapServers)) {
          expect(host).toMatch(/^[^\s/]+$/)
          expect(Number.isInteger(port) && port >= 1 && port <= 65535).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('what the cluster gets', () => {
  const from = (given: object) =>
    clusterOptions(parse({ ...servers, ...given }), { allowAutoTopicCreation: true })

  it('are addresses, a transport, and what else was given', () => {
    const options = from({ clientId: 'me', requestTimeoutMs: 5 })
    expect(options).toMatchObject({
      bootstrapServers: [{ host: 'localhost', port: 9092 }],
      clientId: 'me',
      requestTimeoutMs: 5,
      tls: null,
      sasl: null,
      allowAutoTopicCreation: true,
    })
    expect(options.connect).toBeTypeOf('function')
  })

  it('is TLS as it was asked for', () => {
    expect(from({ tls: false }).tls).toBeNull()
    expect(from({ tls: true }).tls).toBe(true)
    expect(from({ tls: { servername: 'x' } }).tls).toEqual({ servername: 'x' })
  })

  it('is a mechanism by its credentials, or one of the user', () => {
    const sasl = { mechanism: 'PLAIN', username: 'alice', password: 'secret' }
    expect(from({ sasl }).sasl?.name).toBe('PLAIN')
    const own = { name: 'MINE', authenticate: async () => {} }
    expect(from({ sasl: own }).sasl).toBe(own)
  })

  it('is the transport of the user', () => {
    const connect = () => Promise.reject(new Error('none'))
    expect(from({ connect }).connect).toBe(connect)
  })
})
