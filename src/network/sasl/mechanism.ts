/**
 * One way of proving who we are (SASL). A mechanism is given the exchange of one connection and goes through it;
 * it throws an AuthenticationError when the broker's side of it is not right.
 */
export interface SaslMechanism {
  /** Name on the wire, for instance `PLAIN`, `SCRAM-SHA-512`, `OAUTHBEARER`. */
  readonly name: string
  authenticate(exchange: SaslExchange): Promise<void>
}

export interface SaslExchange {
  readonly host: string
  readonly port: number
  /** Sends one message of the client and gives the broker's answer to it. A refusal is thrown. */
  send(message: Uint8Array): Promise<Uint8Array>
}
