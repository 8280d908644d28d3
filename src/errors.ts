import { KafkaError, type KafkaErrorOptions } from './protocol/errors.ts'

export { BrokerError, type BrokerErrorInfo } from './protocol/broker-errors.ts'
export { type ErrorContext, KafkaError, ProtocolError } from './protocol/errors.ts'

export type ConnectionErrorCode =
  /** The name has no address. */
  | 'DNS_LOOKUP_FAILED'
  /** Nobody listens there. */
  | 'CONNECTION_REFUSED'
  /** No connection within `socketConnectionSetupTimeoutMs`. */
  | 'CONNECTION_TIMEOUT'
  /** It was there and went away; what was in flight may or may not have happened. */
  | 'CONNECTION_CLOSED'
  /** Any other failure of the socket. */
  | 'CONNECTION_FAILED'

/** The network failed: name, address or socket. */
export class ConnectionError extends KafkaError {
  declare readonly code: ConnectionErrorCode

  constructor(code: ConnectionErrorCode, message: string, options: KafkaErrorOptions = {}) {
    super(code, message, { retriable: true, ...options })
  }
}

export type TlsErrorCode =
  /** The certificate is not trusted, has expired, or is of another name. */
  | 'TLS_CERTIFICATE_INVALID'
  /** The other side does not speak TLS, or no version and cipher that we speak. */
  | 'TLS_HANDSHAKE_FAILED'
  /** The other side speaks TLS, and `tls` is not set. */
  | 'TLS_REQUIRED'

/**
 * TLS failed. It needs another configuration, so it is not retriable; but for a peer that hung up in the handshake without
 * a word, as a broker about to stop does.
 */
export class TlsError extends KafkaError {
  declare readonly code: TlsErrorCode
}

/** The broker refused who we are. Never retried: many brokers lock an account after a few tries. */
export class AuthenticationError extends KafkaError {
  constructor(code: string, message: string, options: KafkaErrorOptions = {}) {
    super(code, message, { fatal: true, ...options })
  }
}

/** Broker and client have no version of an API in common, or a needed feature is missing. */
export class UnsupportedVersionError extends KafkaError {
  constructor(message: string, options: KafkaErrorOptions = {}) {
    super('UNSUPPORTED_VERSION', message, options)
  }
}

export type TimeoutErrorCode =
  /** No answer within `requestTimeoutMs`. */
  | 'REQUEST_TIMEOUT'
  /** A call as a whole took longer than its deadline. */
  | 'API_TIMEOUT'
  /** A record was not delivered within `deliveryTimeoutMs`. */
  | 'DELIVERY_TIMEOUT'
  /** No room in the producer's buffer, no metadata, or no answer about a transaction, within `maxBlockMs`. */
  | 'MAX_BLOCK_TIMEOUT'

/** It took longer than the caller or an option allows. The code says which limit it was. */
export class TimeoutError extends KafkaError {
  declare readonly code: TimeoutErrorCode

  constructor(code: TimeoutErrorCode, message: string, options: KafkaErrorOptions = {}) {
    super(code, message, { retriable: true, ...options })
  }
}

/** An option that does not exist, has the wrong type or is out of range. */
export class InvalidOptionError extends KafkaError {
  constructor(message: string, options: KafkaErrorOptions = {}) {
    super('INVALID_OPTION', message, options)
  }
}

/** An argument of a call that cannot be right: a partition out of range, a negative offset, a wrong type. */
export class InvalidArgumentError extends KafkaError {
  constructor(message: string, options: KafkaErrorOptions = {}) {
    super('INVALID_ARGUMENT', message, options)
  }
}

/** A call that the client cannot serve in its present state, for instance after `close()`. */
export class IllegalStateError extends KafkaError {
  constructor(message: string, options: KafkaErrorOptions = {}) {
    super('ILLEGAL_STATE', message, options)
  }
}

/** A record larger than `maxRequestSize` or `bufferMemory`. */
export class RecordTooLargeError extends KafkaError {
  constructor(message: string, options: KafkaErrorOptions = {}) {
    super('RECORD_TOO_LARGE', message, options)
  }
}

/** A serializer or deserializer threw; `cause` is what it threw. */
export class SerializationError extends KafkaError {
  constructor(message: string, options: KafkaErrorOptions = {}) {
    super('SERIALIZATION_FAILED', message, options)
  }
}

/**
 * The log ended below the position when its leader changed: what was read there is no longer in it, and other records may
 * be in their place (KIP-320, Java's `LogTruncationException`).
 */
export class LogTruncationError extends KafkaError {
  /** Offset of the next record that was to be read. */
  readonly position: number
  /** The first offset that is known to be another record than the one that was read; null when the broker cannot tell. */
  readonly divergentOffset: number | null

  constructor(
    message: string,
    position: number,
    divergentOffset: number | null,
    options: KafkaErrorOptions = {},
  ) {
    super('LOG_TRUNCATED', message, options)
    this.position = position
    this.divergentOffset = divergentOffset
  }
}

/** A serious failure inside the group: the member was fenced, or its handler was too late. */
export class GroupError extends KafkaError {}

/**
 * A transaction failed, and with it what was sent in it: `abortable`, it has to be aborted and another one may begin; or
 * `fatal`, the producer can only be closed, as a newer one has its transactional id or it may not use that. `cause` is
 * what went wrong.
 */
export class TransactionError extends KafkaError {}

/**
 * A record that was not confirmed. `persisted` says whether it can be in the log all the same: `no` when it surely is
 * not, `possibly` when an attempt went out and its answer never came, or left it open.
 */
export class DeliveryError extends KafkaError {
  readonly persisted: 'no' | 'possibly'

  constructor(code: string, message: string, persisted: 'no' | 'possibly', options: KafkaErrorOptions = {}) {
    super(code, message, options)
    this.persisted = persisted
  }
}

/** What an unknown thrown value says, for a message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
