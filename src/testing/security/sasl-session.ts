import { saslAuthenticate } from '../../protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../protocol/apis/sasl-handshake.ts'
import { HangUp } from '../broker/api-handler.ts'
import type { BrokerConnection } from '../broker/broker-connection.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { SaslMechanismName, SaslOption } from '../options.ts'
import { PlainServer } from './plain-server.ts'
import { SaslRefusal, type SaslServer } from './sasl-server.ts'
import { ScramServer } from './scram-server.ts'

/** Keys of ApiVersions, and of Java's `MIN_REAUTH_INTERVAL_ONE_SECOND`. */
const apiVersionsKey = 18
const leastReauthenticationMs = 1000

export const allMechanisms: readonly SaslMechanismName[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']

/** What may be done with a request: carry it out, answer ILLEGAL_SASL_STATE and hang up, or hang up. */
export type Admission = 'yes' | 'illegal' | 'no'

/** What is told of a token: Java's words, and how long the session may last in milliseconds, 0 for no end. */
export type TokenOutcome =
  | { readonly answer: Uint8Array; readonly lifetimeMs: number }
  | { readonly refusal: string }

type Stage =
  /** Nothing has come yet but ApiVersions in versions that are not offered. */
  | 'begin'
  /** After ApiVersions, which comes but once. */
  | 'handshake'
  | 'tokens'
  | 'complete'
  | 'failed'

/** Where a connection stands with its authentication: Java's `SaslServerAuthenticator`. */
export class SaslSession {
  readonly mechanisms: readonly SaslMechanismName[]
  readonly #cluster: KafkaCluster
  readonly #option: SaslOption
  #stage: Stage = 'begin'
  #rawTokens = false
  #mechanism: SaslMechanismName | null = null
  #server: SaslServer | null = null
  /** Before a re-authentication (KIP-368): who may only come back as the same. */
  #known: { readonly mechanism: SaslMechanismName; readonly principal: string } | null = null
  #mechanismChanged = false
  /** Null: the session has no end. */
  #endsMs: number | null = null
  #reauthenticatedMs = 0
  /** Whether the client came with a delegation token: it may not ask for more of them. */
  tokenAuthenticated = false

  constructor(cluster: KafkaCluster, option: SaslOption) {
    this.#cluster = cluster
    this.#option = option
    this.mechanisms = option.mechanisms ?? allMechanisms
  }

  /** Between SaslHandshake v0 and the end of the exchange tokens come without a header (KIP-152). */
  get takesRawTokens(): boolean {
    return this.#rawTokens && this.#stage === 'tokens'
  }

  /** Whether a request of this API may come now. */
  admits(apiKey: number): Admission {
    switch (this.#stage) {
      case 'begin':
        if (apiKey !== apiVersionsKey && apiKey !== saslHandshake.key) return 'no'
        return 'yes'
      case 'handshake':
        return apiKey === saslHandshake.key ? 'yes' : 'no'
      case 'tokens':
        if (this.#mechanismChanged) return 'no'
        return apiKey === saslAuthenticate.key ? 'yes' : 'illegal'
      case 'complete':
        return this.#isOver && !(apiKey === saslHandshake.key && this.#mayReauthenticate) ? 'no' : 'yes'
      case 'failed':
        return 'no'
    }
  }

  /** ApiVersions was answered with what is offered. */
  versionsTold(): void {
    if (this.#stage === 'begin') this.#stage = 'handshake'
  }

  /** Takes SaslHandshake. `later`: the client is in already, and it is too soon, or not the time, to come again. */
  handshake(mechanism: string, version: number): 'accepted' | 'unsupported' | 'later' {
    if (this.#stage === 'complete') {
      if (!this.#mayReauthenticate) return 'later'
      this.#reauthenticatedMs = this.#cluster.clock.now()
    }
    const offered = this.mechanisms.find((one) => one === mechanism)
    if (offered === undefined) {
      this.#stage = 'failed'
      return 'unsupported'
    }
    this.#mechanismChanged = this.#known !== null && this.#known.mechanism !== offered
    this.#mechanism = offered
    this.#server = this.#serverOf(offered)
    this.#rawTokens = version === 0
    this.#stage = 'tokens'
    return 'accepted'
  }

  /** Null: no token is waited for, the client is in already. */
  async token(message: Uint8Array, connection: BrokerConnection): Promise<TokenOutcome | null> {
    if (this.#stage !== 'tokens') return null
    try {
      const { answer, identity } = await this.#server!.next(message)
      if (identity === null) return { answer, lifetimeMs: 0 }
      const principal = `User:${identity.user}`
      if (this.#known !== null && this.#known.principal !== principal) {
        const from = this.#known.principal.replace(':', '.')
        throw new SaslRefusal(
          `Cannot change principals during re-authentication from ${from}: User.${identity.user}`,
        )
      }
      this.#known = { mechanism: this.#mechanism!, principal }
      this.tokenAuthenticated = identity.tokenExpiryMs !== null
      connection.principal = principal
      this.#stage = 'complete'
      this.#server = null
      return { answer, lifetimeMs: this.#begin(identity.tokenExpiryMs) }
    } catch (error) {
      if (!(error instanceof SaslRefusal)) throw error
      const what = this.#known === null ? 'authentication' : 're-authentication'
      this.#stage = 'failed'
      return {
        refusal:
          error.told ??
          `Authentication failed during ${what} due to invalid credentials with SASL mechanism ${this.#mechanism}`,
      }
    }
  }

  /** The answer to a token that came without a header. @throws HangUp, which is how a refusal is told there. */
  async rawToken(token: Uint8Array, connection: BrokerConnection): Promise<Uint8Array> {
    const outcome = await this.token(token, connection)
    if (outcome === null || 'refusal' in outcome) throw new HangUp('authentication failed')
    return outcome.answer
  }

  get #isOver(): boolean {
    return this.#endsMs !== null && this.#cluster.clock.now() > this.#endsMs
  }

  get #mayReauthenticate(): boolean {
    if (this.#endsMs === null) return false
    const last = this.#reauthenticatedMs
    return last === 0 || this.#cluster.clock.now() - last >= leastReauthenticationMs
  }

  /** Gives the session its end, and how far off that is. */
  #begin(tokenExpiryMs: number | null): number {
    const now = this.#cluster.clock.now()
    const longest = this.#cluster.config.getNumber('connections.max.reauth.ms')
    const ends = [
      ...(longest > 0 ? [longest] : []),
      ...(tokenExpiryMs === null ? [] : [Math.max(0, tokenExpiryMs - now)]),
    ]
    if (ends.length === 0) {
      this.#endsMs = null
      return 0
    }
    const lifetime = Math.min(...ends)
    this.#endsMs = now + lifetime
    return lifetime
  }

  #serverOf(mechanism: SaslMechanismName): SaslServer {
    if (mechanism === 'PLAIN') return new PlainServer(this.#option.users)
    const { scramUsers, delegationTokens, random } = this.#cluster
    const nonce = Buffer.from(random.bytes(18)).toString('base64url')
    const source = {
      ofUser: (user: string) => scramUsers.credential(user, mechanism),
      ofToken: (tokenId: string) => delegationTokens.credential(tokenId, mechanism),
    }
    return new ScramServer(mechanism, source, nonce)
  }
}

export function createSaslSession(cluster: KafkaCluster, option: SaslOption): SaslSession {
  return new SaslSession(cluster, option)
}
