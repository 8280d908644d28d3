import { InvalidArgumentError } from '../errors.ts'

/**
 * Topics by a regular expression that the broker evaluates (Java's class of this name, KIP-848): in the syntax of RE2/J,
 * matched with whole names. Topics that come to match are found by the broker, without all topics being listed here. It
 * needs `groupProtocol: 'consumer'`; a RegExp is matched by the client, in both protocols.
 */
export class SubscriptionPattern {
  readonly pattern: string

  /** Throws InvalidArgumentError for what is no text, or empty. What it means is checked by the broker. */
  constructor(pattern: string) {
    if (typeof pattern !== 'string' || pattern === '') {
      throw new InvalidArgumentError(`a SubscriptionPattern must be a text, not ${JSON.stringify(pattern)}`)
    }
    this.pattern = pattern
  }

  toString(): string {
    return this.pattern
  }
}
