/** Who has come in. */
export interface SaslIdentity {
  /** As `alice`. */
  readonly user: string
  /** Milliseconds since 1970 at which a delegation token ends; null: who came with a password. */
  readonly tokenExpiryMs: number | null
}

/** One exchange of a mechanism, from the broker's side. */
export interface SaslServer {
  /** Takes the client's next message. @throws SaslRefusal */
  next(message: Uint8Array): Promise<SaslStep>
}

export interface SaslStep {
  readonly answer: Uint8Array
  /** Null: there is more to come. */
  readonly identity: SaslIdentity | null
}

/** Why somebody is not let in; the message is told to the client, null: only that it is so. */
export class SaslRefusal extends Error {
  override readonly name = 'SaslRefusal'
  readonly told: string | null

  constructor(told: string | null, reason = told ?? 'refused') {
    super(reason)
    this.told = told
  }
}
