import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Kafka } from '../../../src/kafka.ts'
import { connectRaw } from '../../../src/network/raw-connection.ts'
import type { TlsOptions } from '../../../src/network/transport.ts'
import { metadata } from '../../../src/protocol/apis/metadata.ts'
import { type ListenerOption, startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { distinguishedName } from '../../../src/testing/security/distinguished-name.ts'
import { failureOf } from '../../support/promises.ts'
import { makeTestCertificates, type TestCertificates } from '../../support/real-kafka/test-certificates.ts'
import { loginPlain } from '../support/sasl-client.ts'

describe('a broker with TLS', () => {
  let folder: string
  let certificates: TestCertificates
  let kafka: TestKafka

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafkawire-tls-'))
    certificates = await makeTestCertificates(folder)
    const own = await readFile(certificates.brokerFile, 'utf8')
    const tls = { key: own, cert: own, ca: certificates.ca }
    const asking = { ...tls, requestCert: true }
    const listeners: ListenerOption[] = [
      { name: 'TLS', tls, advertisedHost: 'localhost' },
      { name: 'REQUESTED', tls: { ...asking, rejectUnauthorized: false } },
      { name: 'REQUIRED', tls: { ...asking, rejectUnauthorized: true }, advertisedHost: 'localhost' },
      { name: 'SASL', tls: asking, sasl: { users: { alice: 'a' } } },
    ]
    kafka = await startKafka({ listeners, topics: ['t'] })
  })

  afterAll(async () => {
    await kafka?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const trusting = (): Exclude<TlsOptions, true> => ({ ca: certificates.ca })
  const known = (): Exclude<TlsOptions, true> => ({
    ca: certificates.ca,
    cert: certificates.clientCertificate,
    key: certificates.clientKey,
  })

  async function principalAt(listener: string, tls: TlsOptions, login = false): Promise<string | undefined> {
    const port = Number(kafka.bootstrapServersOf(listener).split(':')[1])
    await using connection = await connectRaw({ host: 'localhost', port, tls, timeoutMs: 5_000 })
    if (login) await loginPlain(connection, 'alice', 'a')
    await connection.send(metadata, 12, {})
    return [...kafka.cluster.brokers.get(1)!.connections].at(-1)?.principal
  }

  it('knows nobody whose certificate it does not ask for', async () => {
    expect(await principalAt('TLS', trusting())).toBe('User:ANONYMOUS')
    expect(await principalAt('TLS', known())).toBe('User:ANONYMOUS')
  })

  it('knows clients by the name in their certificate', async () => {
    expect(await principalAt('REQUESTED', known())).toBe('User:CN=client')
    expect(await principalAt('REQUIRED', known())).toBe('User:CN=client')
  })

  it('that can do without a certificate knows who has none as nobody', async () => {
    expect(await principalAt('REQUESTED', trusting())).toBe('User:ANONYMOUS')
  })

  it('that cannot do without one refuses who has none', async () => {
    expect(await failureOf(principalAt('REQUIRED', trusting()))).toMatchObject({ code: 'CONNECTION_CLOSED' })
  })

  it('with SASL knows clients by their user name', async () => {
    expect(await principalAt('SASL', known(), true)).toBe('User:alice')
  })

  it('serves clients of ours', async () => {
    const client = new Kafka({ bootstrapServers: kafka.bootstrapServersOf('REQUIRED'), tls: known() })
    await using producer = client.producer({ enableIdempotence: false })
    expect(await producer.send({ topic: 't', value: 'x' })).toMatchObject({ offset: 0 })
  })
})

describe('the name in a certificate', () => {
  it('is written as Java writes it', () => {
    // What Node gives of a certificate made by OpenSSL, and what Java's X500Principal.getName says of the same.
    const parts = [
      'C=DE',
      'ST=Bayern',
      'OU=A\\+B + O=Big\\, Corp',
      'serialNumber=42',
      'emailAddress=a@b.c',
      'CN=j\u00fcrgen \\"x\\" \\<y\\>\\; #z\\\\q',
      'UID=u1',
      'DC=com',
    ]
    expect(distinguishedName(parts.join('\n'))).toBe(
      'DC=com,UID=u1,CN=j\u00fcrgen \\"x\\" \\<y\\>\\; \\#z\\\\q,1.2.840.113549.1.9.1=#16056140622e63,' +
        '2.5.4.5=#13023432,OU=A\\+B+O=Big\\, Corp,ST=Bayern,C=DE',
    )
  })
})
