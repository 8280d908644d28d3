import { uuidToString } from '../../protocol/uuid.ts'
import type { KafkaCluster } from '../cluster/kafka-cluster.ts'
import type { ErrorName } from '../error-codes.ts'
import { credentialOf, type ScramCredential, type ScramMechanismName, saltPassword } from './scram.ts'
import { leastIterations } from './scram-users.ts'

/** Principals are as `User:alice`; times are milliseconds since 1970. */
export interface DelegationToken {
  readonly tokenId: string
  readonly owner: string
  readonly requester: string
  readonly renewers: readonly string[]
  readonly issuedMs: number
  readonly maxTimestampMs: number
  readonly hmac: Uint8Array
  expiryMs: number
}

export interface NewToken {
  readonly owner: string
  readonly requester: string
  readonly renewers: readonly string[]
  /** Milliseconds; up to 0: as the broker has it. */
  readonly maxLifetimeMs: number
}

/**
 * Tokens by which clients log in for somebody else (KIP-48), with the rules of Java's `DelegationTokenControlManager`. There
 * are none until the config `delegation.token.secret.key` is set.
 */
export class DelegationTokens {
  readonly #cluster: KafkaCluster
  readonly #tokens = new Map<string, DelegationToken>()
  readonly #startedMs: number

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
    this.#startedMs = cluster.clock.now()
  }

  get enabled(): boolean {
    return this.#cluster.config.getString('delegation.token.secret.key') !== null
  }

  create({ owner, requester, renewers, maxLifetimeMs }: NewToken): DelegationToken {
    const now = this.#cluster.clock.now()
    const longest = this.#cluster.config.getNumber('delegation.token.max.lifetime.ms')
    const lifetime = maxLifetimeMs > 0 ? Math.min(longest, maxLifetimeMs) : longest
    const tokenId = uuidToString(this.#cluster.random.bytes(16), 0)
    const secret = this.#cluster.config.getString('delegation.token.secret.key')!
    const { createHmac } = process.getBuiltinModule('node:crypto')
    const token: DelegationToken = {
      tokenId,
      owner,
      requester,
      renewers,
      issuedMs: now,
      maxTimestampMs: now + lifetime,
      expiryMs: Math.min(now + lifetime, now + this.#renewPeriodMs),
      hmac: createHmac('sha512', secret).update(tokenId).digest(),
    }
    this.#tokens.set(tokenId, token)
    return token
  }

  /** @param periodMs up to 0: as the broker has it. */
  renew(hmac: Uint8Array, periodMs: number, principal: string): DelegationToken | ErrorName {
    const token = this.#find(hmac)
    if (token === undefined) return 'DELEGATION_TOKEN_NOT_FOUND'
    const now = this.#cluster.clock.now()
    if (this.#isOver(token, now)) return 'DELEGATION_TOKEN_EXPIRED'
    if (!belongsTo(token, principal)) return 'DELEGATION_TOKEN_OWNER_MISMATCH'
    const period = periodMs > 0 ? Math.min(this.#renewPeriodMs, periodMs) : this.#renewPeriodMs
    token.expiryMs = Math.min(token.maxTimestampMs, now + period)
    return token
  }

  /**
   * Says when a token ends.
   *
   * @param periodMs from now on; negative: at once.
   * @returns when that is.
   */
  expire(hmac: Uint8Array, periodMs: number, principal: string): number | ErrorName {
    const token = this.#find(hmac)
    if (token === undefined) return 'DELEGATION_TOKEN_NOT_FOUND'
    if (!belongsTo(token, principal)) return 'DELEGATION_TOKEN_OWNER_MISMATCH'
    const now = this.#cluster.clock.now()
    if (periodMs < 0) {
      this.#tokens.delete(token.tokenId)
      return now
    }
    if (this.#isOver(token, now)) return 'DELEGATION_TOKEN_EXPIRED'
    token.expiryMs = Math.min(token.maxTimestampMs, now + periodMs)
    return token.expiryMs
  }

  all(): DelegationToken[] {
    this.#sweep()
    return [...this.#tokens.values()]
  }

  /** What a client that logs in with the token has to prove: the password is the base64 of its HMAC. */
  async credential(
    tokenId: string,
    mechanism: ScramMechanismName,
  ): Promise<{ credential: ScramCredential; owner: string; expiryMs: number } | null> {
    this.#sweep()
    const token = this.#tokens.get(tokenId)
    if (token === undefined) return null
    const salt = this.#cluster.random.bytes(20)
    const password = Buffer.from(token.hmac).toString('base64')
    const salted = await saltPassword(mechanism, password, salt, leastIterations)
    return {
      credential: credentialOf(mechanism, salted, salt, leastIterations),
      owner: token.owner.slice(token.owner.indexOf(':') + 1),
      expiryMs: token.expiryMs,
    }
  }

  get #renewPeriodMs(): number {
    return this.#cluster.config.getNumber('delegation.token.expiry.time.ms')
  }

  #find(hmac: Uint8Array): DelegationToken | undefined {
    this.#sweep()
    return [...this.#tokens.values()].find((token) => Buffer.compare(token.hmac, hmac) === 0)
  }

  #isOver({ maxTimestampMs, expiryMs }: DelegationToken, now: number): boolean {
    return maxTimestampMs < now || expiryMs < now
  }

  /** Kafka looks for those that have ended every so often. Done at each use instead, which nobody can tell apart. */
  #sweep(): void {
    const interval = this.#cluster.config.getNumber('delegation.token.expiry.check.interval.ms')
    const since = this.#cluster.clock.now() - this.#startedMs
    const last = this.#startedMs + Math.floor(since / interval) * interval
    for (const token of this.#tokens.values()) {
      if (this.#isOver(token, last)) this.#tokens.delete(token.tokenId)
    }
  }
}

/** Whether somebody is its owner or may renew it. */
export function belongsTo({ owner, requester, renewers }: DelegationToken, principal: string): boolean {
  return owner === principal || requester === principal || renewers.includes(principal)
}
