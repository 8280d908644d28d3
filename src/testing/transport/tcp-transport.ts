import { createServer, type Server, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Listening } from '../broker/listener.ts'
import type { ListenerOption } from '../options.ts'
import { distinguishedName } from '../security/distinguished-name.ts'
import type { Accept, Transport } from './transport.ts'

/** Real sockets. */
export class TcpTransport implements Transport {
  async listen(host: string, port: number, { tls }: ListenerOption, accept: Accept): Promise<Listening> {
    const onSocket = (socket: Socket, principal: string | null) => {
      socket.setNoDelay(true)
      accept(socket, `/${socket.remoteAddress ?? host}`, principal)
    }
    let server: Server
    if (tls === undefined) server = createServer((socket) => onSocket(socket, null))
    else {
      const tlsServer = (await import('node:tls')).createServer(tls, (socket) =>
        onSocket(socket, principalOf(socket)),
      )
      // Clients that do not trust the certificate: the connection is gone, and that is all.
      tlsServer.on('tlsClientError', () => {})
      server = createServer((socket) => beginTls(socket, () => tlsServer.emit('connection', socket)))
    }
    // Also those that are still at their TLS handshake.
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error(`no port at ${host}:${port}`)
    return {
      port: address.port,
      close: () =>
        new Promise((resolve) => {
          server.close(() => resolve())
          for (const socket of sockets) socket.destroy()
        }),
    }
  }
}

/** First byte of a TLS handshake. */
const handshakeRecord = 0x16

/** What Java answers to a peer that speaks plain text: a fatal alert, `unexpected_message`. Node would just hang up. */
const plainTextAlert = Uint8Array.of(0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x0a)

/** Looks at the first byte of a connection, and begins TLS if it is meant to be that. */
function beginTls(socket: Socket, begin: () => void): void {
  const onError = () => socket.destroy()
  socket.once('error', onError)
  socket.once('data', (chunk: Buffer) => {
    socket.off('error', onError)
    if (chunk[0] !== handshakeRecord) {
      socket.on('error', onError)
      socket.end(plainTextAlert)
      return
    }
    socket.pause()
    socket.unshift(chunk)
    begin()
  })
}

/** Who the certificate says that the client is: where none is asked for (`requestCert`), nobody. */
function principalOf(socket: TLSSocket): string | null {
  const certificate = socket.getPeerX509Certificate()
  return certificate === undefined ? null : `User:${distinguishedName(certificate.subject)}`
}
