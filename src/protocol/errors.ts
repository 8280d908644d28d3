/** Where an error happened and what it was about. Only what is known is set. */
export interface ErrorContext {
  /** `host:port` of the broker. */
  broker?: string
  topic?: string
  partition?: number
  /** Kafka's name of the API, for instance `Fetch`. */
  api?: string
  groupId?: string
}

export interface KafkaErrorOptions extends ErrorContext {
  cause?: unknown
  retriable?: boolean
  fatal?: boolean
  abortable?: boolean
}

/**
 * Base of everything that this package throws on purpose.
 *
 * `code` is Kafka's own error name for what a broker answered (`TOPIC_AUTHORIZATION_FAILED`), or a code of this
 * client for what it found by itself (`REQUEST_TIMEOUT`, `CONNECTION_REFUSED`, ...).
 * `retriable`, `fatal` and `abortable` are the categories of KIP-1050.
 */
export class KafkaError extends Error {
  readonly code: string
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retriable: boolean
  /** The client that threw it is of no more use: close it. */
  readonly fatal: boolean
  /** The current transaction must be aborted; the producer then goes on. */
  readonly abortable: boolean
  declare readonly broker?: string
  declare readonly topic?: string
  declare readonly partition?: number
  declare readonly api?: string
  declare readonly groupId?: string

  constructor(code: string, message: string, options: KafkaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retriable = options.retriable ?? false
    this.fatal = options.fatal ?? false
    this.abortable = options.abortable ?? false
    if (options.broker !== undefined) this.broker = options.broker
    if (options.topic !== undefined) this.topic = options.topic
    if (options.partition !== undefined) this.partition = options.partition
    if (options.api !== undefined) this.api = options.api
    if (options.groupId !== undefined) this.groupId = options.groupId
  }

  override get name(): string {
    return this.constructor.name
  }
}

export type ProtocolErrorCode =
  /** The bytes end before the value does. */
  | 'TRUNCATED'
  /** A length, a count or a varint that no such message can have. */
  | 'MALFORMED'
  /** A stored checksum that differs from the computed one. */
  | 'CORRUPT_CHECKSUM'
  /** A value that this version of the message cannot carry, or of the wrong type or range. */
  | 'UNENCODABLE'
  /** A message, API, version, magic or compression that is not spoken here. */
  | 'UNSUPPORTED'

/** Bytes that are not what they should be, or values that cannot become bytes. Never retriable. */
export class ProtocolError extends KafkaError {
  declare readonly code: ProtocolErrorCode
  /**
   * Bytes from the start of what was decoded at which it went wrong: of the message, the records, the compressed data or
   * the stream. -1 when encoding, and where an API or version is not known at all.
   */
  offset: number
  /** The field, for instance `topics[3].partitions[0].records`; empty at the top. */
  path = ''
  /** What went wrong, without path and offset. */
  readonly reason: string

  constructor(code: ProtocolErrorCode, reason: string, offset = -1) {
    super(code, reason)
    this.offset = offset
    this.reason = reason
    this.#describe()
  }

  /** Puts a step before the path. Called on the way up by each structure that the error passes through. */
  within(step: string): this {
    this.path =
      this.path === '' ? step : this.path.startsWith('[') ? step + this.path : `${step}.${this.path}`
    this.#describe()
    return this
  }

  /** Counts the offset from `bytes` bytes earlier: for whoever handed over a part of his own bytes. */
  shiftedBy(bytes: number): this {
    if (this.offset >= 0) this.offset += bytes
    this.#describe()
    return this
  }

  #describe(): void {
    const at = this.offset < 0 ? '' : ` at byte ${this.offset}`
    this.message = `${this.path === '' ? '' : `${this.path}: `}${this.reason}${at}`
  }
}
