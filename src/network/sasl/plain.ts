import type { SaslMechanism } from './mechanism.ts'

/** PLAIN (RFC 4616): user name and password as they are; only over TLS are they safe from others. */
export function plain(username: string, password: string): SaslMechanism {
  return {
    name: 'PLAIN',
    async authenticate(exchange) {
      await exchange.send(new TextEncoder().encode(`\0${username}\0${password}`))
    },
  }
}
