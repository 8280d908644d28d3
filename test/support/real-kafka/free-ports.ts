import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/**
 * `count` different TCP ports on 127.0.0.1 that were free a moment ago.
 *
 * Another process can take one before its user binds it: whoever uses them must be ready to ask for others.
 */
export async function freePorts(count: number): Promise<number[]> {
  // All are held at the same time, or the system could give the same port twice.
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
