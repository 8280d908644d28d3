import { type SaslIdentity, SaslRefusal, type SaslServer } from './sasl-server.ts'

/** PLAIN (RFC 4616), with the words of Java's `PlainSaslServer`. */
export class PlainServer implements SaslServer {
  readonly #users: Readonly<Record<string, string>>

  constructor(users: Readonly<Record<string, string>>) {
    this.#users = users
  }

  async next(message: Uint8Array): Promise<{ answer: Uint8Array; identity: SaslIdentity }> {
    const parts = new TextDecoder().decode(message).split('\0')
    if (parts.length !== 3) {
      throw new SaslRefusal(`Invalid SASL/PLAIN response: expected 3 tokens, got ${parts.length}`)
    }
    const [authorizationId, user, password] = parts as [string, string, string]
    if (user === '') throw new SaslRefusal('Authentication failed: username not specified')
    if (password === '') throw new SaslRefusal('Authentication failed: password not specified')
    if (!Object.hasOwn(this.#users, user) || this.#users[user] !== password) {
      throw new SaslRefusal('Authentication failed: Invalid username or password')
    }
    if (authorizationId !== '' && authorizationId !== user) {
      throw new SaslRefusal(
        'Authentication failed: Client requested an authorization id that is different from username',
      )
    }
    return { answer: new Uint8Array(0), identity: { user, tokenExpiryMs: null } }
  }
}
