import { afterEach, expect, it } from 'vitest'
import { Cluster, type ClusterOptions } from '../../src/cluster/cluster.ts'
import { Deadline } from '../../src/deadline.ts'
import { dial } from '../../src/network/dial.ts'
import { plain } from '../../src/network/sasl/plain.ts'
import type { Connect, TlsOptions } from '../../src/network/transport.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { describeAnyKafka } from '../support/any-kafka/index.ts'
import { clusterOptions } from '../support/network-options.ts'
import { failureOf } from '../support/promises.ts'

const clusters: Cluster[] = []

afterEach(() => {
  for (const cluster of clusters.splice(0)) cluster.close()
})

const user = plain('alice', 'alice-secret')

describeAnyKafka(
  'a broker',
  (kafka) => {
    /** Connects and asks for something; gives how many connections that took. */
    async function ask(
      address: string | undefined,
      options: Partial<ClusterOptions>,
      forMs = 10_000,
    ): Promise<number> {
      let dials = 0
      const connect: Connect = (target) => {
        dials++
        return dial(target)
      }
      const addresses = [address?.split(',')[0] ?? '']
      const cluster = new Cluster(clusterOptions(addresses, { connect, ...options }))
      clusters.push(cluster)
      const deadline = new Deadline(forMs)
      try {
        await cluster.request(metadata, { topics: [] }, { to: 'any', deadline })
      } catch (error) {
        throw Object.assign(error as Error, { dials })
      }
      return dials
    }

    const ca = (): Exclude<TlsOptions, true> => ({ ca: kafka.ca! })

    it('lets in whom it should, in one connection', async () => {
      const certificate = { ...ca(), cert: kafka.clientCertificate!, key: kafka.clientKey! }
      expect(await ask(kafka.bootstrapServers, {})).toBe(1)
      expect(await ask(kafka.tlsBootstrapServers, { tls: ca() })).toBe(1)
      expect(await ask(kafka.mutualTlsBootstrapServers, { tls: certificate })).toBe(1)
      expect(await ask(kafka.saslBootstrapServers, { sasl: user })).toBe(1)
      expect(await ask(kafka.saslTlsBootstrapServers, { tls: ca(), sasl: user })).toBe(1)
    })

    it('by its address checks the certificate for that address', async () => {
      const address = kafka.tlsBootstrapServers!.replace('localhost', '127.0.0.1')
      expect(await ask(address, { tls: ca() })).toBe(1)
    })

    it('with a certificate for another host is not trusted', async () => {
      const error = await failureOf(ask(kafka.wrongHostTlsBootstrapServers, { tls: ca() }))
      expect(error).toMatchObject({
        name: 'TlsError',
        code: 'TLS_CERTIFICATE_INVALID',
        retriable: false,
        broker: kafka.wrongHostTlsBootstrapServers,
        message: expect.stringContaining('wrong-host.invalid'),
        dials: 1,
      })
      const tls = { ...ca(), servername: 'wrong-host.invalid' }
      expect(await ask(kafka.wrongHostTlsBootstrapServers, { tls })).toBe(1)
    })

    it('with a certificate of an authority that is not known is not trusted', async () => {
      expect(await failureOf(ask(kafka.tlsBootstrapServers, { tls: true }))).toMatchObject({
        name: 'TlsError',
        code: 'TLS_CERTIFICATE_INVALID',
        retriable: false,
        dials: 1,
      })
      expect(await ask(kafka.tlsBootstrapServers, { tls: { rejectUnauthorized: false } })).toBe(1)
    })

    it('that wants a certificate of the client says so', async () => {
      const error = await failureOf(ask(kafka.mutualTlsBootstrapServers, { tls: ca() }, 1_000))
      expect(error).toMatchObject({
        name: 'TlsError',
        code: 'TLS_HANDSHAKE_FAILED',
        retriable: false,
        message: expect.stringContaining('does this listener want a certificate of the client?'),
        dials: 1,
      })
    })

    it('without TLS, asked with it', async () => {
      expect(await failureOf(ask(kafka.bootstrapServers, { tls: ca() }, 500))).toMatchObject({
        name: 'TlsError',
        code: 'TLS_HANDSHAKE_FAILED',
        message: expect.stringContaining('does this port speak TLS?'),
      })
    })

    it('with TLS, asked without', async () => {
      const error = await failureOf(ask(kafka.tlsBootstrapServers, {}, 500))
      expect(error).toMatchObject({
        name: 'TlsError',
        code: 'TLS_REQUIRED',
        retriable: false,
        dials: 1,
      })
    })

    it('refuses a wrong password, and is asked once', async () => {
      expect(
        await failureOf(ask(kafka.saslBootstrapServers, { sasl: plain('alice', 'guess') })),
      ).toMatchObject({
        name: 'AuthenticationError',
        code: 'SASL_AUTHENTICATION_FAILED',
        message: expect.stringContaining('Invalid username or password'),
        retriable: false,
        fatal: true,
        dials: 1,
      })
    })

    it('refuses a mechanism that it has not, and names those that it has', async () => {
      const sasl = { name: 'GSSAPI', authenticate: () => Promise.resolve() }
      const error = await failureOf(ask(kafka.saslBootstrapServers, { sasl }))
      expect(error).toMatchObject({
        name: 'AuthenticationError',
        code: 'UNSUPPORTED_SASL_MECHANISM',
        dials: 1,
      })
      expect((error as Error).message).toMatch(/mechanism GSSAPI is refused .* offered are: .*PLAIN/)
    })

    it('with SASL, asked without, hangs up; the error guesses why', async () => {
      expect(await failureOf(ask(kafka.saslBootstrapServers, {}, 500))).toMatchObject({
        name: 'ConnectionError',
        code: 'CONNECTION_CLOSED',
        message: expect.stringContaining('does this listener expect SASL?'),
      })
    })

    it('without SASL, asked with it, says so', async () => {
      expect(await failureOf(ask(kafka.bootstrapServers, { sasl: user }))).toMatchObject({
        name: 'AuthenticationError',
        code: 'ILLEGAL_SASL_STATE',
        message: expect.stringContaining('this listener is one without SASL'),
        dials: 1,
      })
    })
  },
  { needs: 'listeners' },
)
