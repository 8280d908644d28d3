import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import {
  ConnectionError,
  type ConnectionErrorCode,
  InvalidOptionError,
  messageOf,
  TlsError,
} from '../errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import { DirectReads } from './direct-reads.ts'
import type { ConnectTarget } from './transport.ts'

/** Dials TCP, and TLS over it where asked for. All addresses of the name are tried (KIP-302, happy eyeballs). */
export function dial(target: ConnectTarget): Promise<Socket> {
  const { host, port, tls, signal } = target
  const broker = `${host}:${port}`
  return new Promise((resolve, reject) => {
    let socket: Socket | TLSSocket
    try {
      socket = open(target)
    } catch (error) {
      return reject(openError(error, broker))
    }
    const connected = tls === null ? 'connect' : 'secureConnect'
    const settle = () => {
      socket.off('error', onError)
      socket.off('close', onClose)
      socket.off(connected, onConnected)
      signal.removeEventListener('abort', onAbort)
    }
    const fail = (error: KafkaError) => {
      settle()
      // A destroyed socket may still tell of an error: with nobody listening that would end the process.
      socket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
    const onConnected = () => {
      settle()
      resolve(socket)
    }
    const onError = (error: Error) => fail(dialError(error, broker, tls !== null))
    const onClose = () => fail(dialError(new Error('closed by the other side'), broker, tls !== null))
    const onAbort = () =>
      fail(
        signal.reason instanceof KafkaError
          ? signal.reason
          : new ConnectionError('CONNECTION_FAILED', `${broker}: connecting was given up`, {
              broker,
              cause: signal.reason,
            }),
      )
    socket.once('error', onError)
    socket.once('close', onClose)
    socket.once(connected, onConnected)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** @throws what Node throws at once: a port that cannot be, key or certificates that cannot be read. */
function open({ host, port, tls }: ConnectTarget): Socket | TLSSocket {
  // Node goes through a name's addresses by `autoSelectFamily`, on since Node 20, one after the other. Its 250 ms for
  // each but the last are too few for a far broker whose other family leads nowhere.
  const to = { host, port, autoSelectFamilyAttemptTimeout: 1_000 }
  // Loaded when first needed: together they would be a third of what importing this package takes.
  const net = process.getBuiltinModule('node:net')
  if (tls === null) {
    const reads = new DirectReads()
    return reads.of(net.connect({ ...to, noDelay: true, keepAlive: true, onread: reads.onread }))
  }
  const given = tls === true ? {} : tls
  // An IP address is no server name (RFC 6066); Node checks the certificate against `host` all the same.
  const servername = net.isIP(host) === 0 ? { servername: host } : {}
  const socket = process.getBuiltinModule('node:tls').connect({ ...servername, ...given, ...to })
  socket.setNoDelay(true)
  socket.setKeepAlive(true)
  return socket
}

function openError(error: unknown, broker: string): KafkaError {
  const options = { broker, cause: error }
  // A broker, or somebody in its place, can tell of any port: that is no mistake in the options.
  if (error instanceof Error && 'code' in error && error.code === 'ERR_SOCKET_BAD_PORT') {
    return new ConnectionError('CONNECTION_FAILED', `${broker}: ${error.message}`, options)
  }
  return new InvalidOptionError(`the option tls cannot be used: ${messageOf(error)}`, options)
}

const dialCodes: Readonly<Record<string, ConnectionErrorCode>> = {
  ENOTFOUND: 'DNS_LOOKUP_FAILED',
  EAI_AGAIN: 'DNS_LOOKUP_FAILED',
  EAI_FAIL: 'DNS_LOOKUP_FAILED',
  EAI_NODATA: 'DNS_LOOKUP_FAILED',
  ECONNREFUSED: 'CONNECTION_REFUSED',
  ETIMEDOUT: 'CONNECTION_TIMEOUT',
  ECONNRESET: 'CONNECTION_CLOSED',
  EPIPE: 'CONNECTION_CLOSED',
}

const untrusted =
  /^(CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH|INVALID_PURPOSE)/

/** Tells DNS, TCP and TLS failures apart. */
function dialError(error: Error, broker: string, tls: boolean): KafkaError {
  const failure =
    error instanceof AggregateError && error.errors.length > 0 ? (error.errors[0] as Error) : error
  const code = (failure as NodeJS.ErrnoException).code ?? ''
  const options = { broker, cause: error }
  if (untrusted.test(code)) {
    return new TlsError(
      'TLS_CERTIFICATE_INVALID',
      `${broker}: the certificate is not accepted: ${failure.message}`,
      options,
    )
  }
  const known = dialCodes[code]
  const hungUp = known === 'CONNECTION_CLOSED'
  // What failed before TLS began (no route, say) has the name of the system call.
  if (tls && (known === undefined || hungUp) && (failure as NodeJS.ErrnoException).syscall !== 'connect') {
    return new TlsError(
      'TLS_HANDSHAKE_FAILED',
      `${broker}: no TLS handshake (${failure.message}): does this port speak TLS?`,
      // Hanging up in the handshake is what a plain port does, but also a broker or a balancer that is about to stop.
      { ...options, retriable: hungUp },
    )
  }
  return new ConnectionError(known ?? 'CONNECTION_FAILED', `${broker}: ${describe(code, failure)}`, options)
}

function describe(code: string, failure: Error): string {
  switch (dialCodes[code]) {
    case 'DNS_LOOKUP_FAILED':
      return `the name has no address (${code})`
    case 'CONNECTION_REFUSED':
      return 'connection refused: nobody listens there'
    default:
      return messageOf(failure)
  }
}
