import { AuthenticationError, InvalidOptionError } from '../../errors.ts'
import { connectRaw, type RawAnswer, type RawConnection } from '../../network/raw-connection.ts'
import type { SaslMechanism } from '../../network/sasl/mechanism.ts'
import { plain } from '../../network/sasl/plain.ts'
import type { TlsOptions } from '../../network/transport.ts'
import { type Address, clientOptions, parseAddresses } from '../../options/client-options.ts'
import { parseOptions } from '../../options/parse-options.ts'
import { saslAuthenticate } from '../../protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../protocol/apis/sasl-handshake.ts'
import { brokerErrorInfo, errorCodes } from '../../protocol/broker-errors.ts'
import type { FieldMap } from '../../protocol/schema.ts'
import { readText, readTextFile } from '../input.ts'
import type { Io } from '../output.ts'
import { UsageError } from '../usage-error.ts'

export interface BrokerOptions {
  readonly bootstrapServer: string
  /** Milliseconds for connecting, and for each answer. */
  readonly timeout: number
  readonly tls?: boolean
  /** A file of certificates (PEM) to trust; TLS is then on. */
  readonly tlsCa?: string
  /** `user:password`, or `@file` with that in it. */
  readonly saslPlain?: string
  readonly clientId: string
}

/**
 * A connection to the first of the addresses that takes one, authenticated where that is asked for. The one who calls
 * closes it. Throws what `connectRaw` throws, AuthenticationError, and UsageError.
 */
export async function connectTo(options: BrokerOptions, io: Io): Promise<RawConnection> {
  const addresses = addressesOf(options.bootstrapServer)
  const tls = await tlsOf(options)
  const mechanism = options.saslPlain === undefined ? null : await plainOf(options.saslPlain, io)
  let failure: unknown
  for (const address of addresses) {
    let connection: RawConnection
    try {
      connection = await connectRaw({
        ...address,
        tls,
        clientId: options.clientId,
        timeoutMs: options.timeout,
      })
    } catch (error) {
      failure = error
      continue
    }
    try {
      if (mechanism !== null) await authenticate(connection, address, mechanism)
      return connection
    } catch (error) {
      await connection.close()
      throw error
    }
  }
  throw failure
}

function addressesOf(servers: string): Address[] {
  try {
    parseOptions('bootstrap server', clientOptions, { bootstrapServers: servers })
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error
    const allowed = 'host:port, several with commas between'
    throw new UsageError(`--bootstrap-server is ${JSON.stringify(servers)}; allowed: ${allowed}`)
  }
  return parseAddresses(servers)
}

async function tlsOf({ tls, tlsCa }: BrokerOptions): Promise<TlsOptions | null> {
  if (tlsCa !== undefined) return { ca: await readTextFile(tlsCa) }
  return tls ? true : null
}

async function plainOf(argument: string, io: Io): Promise<SaslMechanism> {
  const text = (await readText(argument, io)).replace(/\r?\n$/, '')
  const colon = text.indexOf(':')
  if (colon < 1) throw new UsageError('--sasl-plain: allowed are user:password, and @file with that in it')
  return plain(text.slice(0, colon), text.slice(colon + 1))
}

async function authenticate(
  connection: RawConnection,
  address: Address,
  mechanism: SaslMechanism,
): Promise<void> {
  const offered = decodedOf(await connection.send(saslHandshake, 1, { mechanism: mechanism.name }))
  if (offered.errorCode !== errorCodes.none) {
    const info = brokerErrorInfo(offered.errorCode)
    const others = offered.mechanisms.join(', ') || 'none'
    const message = `${connection.broker}: ${mechanism.name} is refused (${info.name}), offered are: ${others}`
    throw new AuthenticationError(info.name, message)
  }
  await mechanism.authenticate({
    ...address,
    async send(authBytes) {
      // Version 0, which every broker has that knows this API.
      const answer = decodedOf(await connection.send(saslAuthenticate, 0, { authBytes }))
      if (answer.errorCode === errorCodes.none) return answer.authBytes
      const info = brokerErrorInfo(answer.errorCode)
      const message = `${connection.broker}: ${mechanism.name}: ${answer.errorMessage || info.meaning}`
      throw new AuthenticationError(info.name, message)
    },
  })
}

/** Throws ProtocolError for an answer that does not decode. */
export function decodedOf<S extends FieldMap>(answer: RawAnswer<S>): NonNullable<RawAnswer<S>['decoded']> {
  if (answer.decoded === null) throw answer.error
  return answer.decoded
}
