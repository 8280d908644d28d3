import type { ByteReader } from '../byte-reader.ts'
import { ProtocolError } from '../errors.ts'

/** int64 is a bigint. A length or count of null is that of a null value. */
export type ExplainedValue = null | boolean | number | bigint | string | Uint8Array

/** What one run of bytes means. */
export interface ExplainedField {
  /** Bytes from the start of what is explained; with `inside`, from the start of the decompressed bytes. */
  readonly offset: number
  /** In bytes. 0 where a value has none of its own: null, an empty string, records that are explained in parts. */
  readonly length: number
  /**
   * The field, as in errors of the decoder: `topics[0].partitions[3].records`. What is no value of a message but
   * belongs to its encoding has a `#`: `topics#count`, `topics[0].name#length`, `#tags`, `clusterId#tag`.
   */
  readonly path: string
  /** Kafka's name of the type (`int32`, `compact string`), or `length`, `count`, `rest` and the like. */
  readonly type: string
  readonly value: ExplainedValue
  /** Path of the compressed bytes that hold it; not set for what lies in the message itself. */
  readonly inside?: string
}

/** Something that is not as it should be. */
export interface ExplainError {
  /** Bytes from the start of what is explained; with `inside`, from the start of the decompressed bytes. */
  readonly offset: number
  readonly path: string
  readonly message: string
  readonly inside?: string
}

/** What an explanation is written into while a reader goes over the bytes. */
export class EntryList {
  readonly reader: ByteReader
  readonly strict: boolean
  readonly fields: ExplainedField[]
  readonly recordErrors: ExplainError[]
  readonly warnings: ExplainError[]
  readonly decompressed: Map<string, Uint8Array>
  /** Where the last entry ends: what comes after has not been explained. */
  end: number
  readonly #inside: string | undefined
  readonly #budget: { left: number }

  constructor(
    reader: ByteReader,
    strict: boolean,
    budget: number | { left: number },
    parent?: EntryList,
    inside?: string,
  ) {
    this.reader = reader
    this.strict = strict
    this.end = reader.offset
    this.fields = parent?.fields ?? []
    this.recordErrors = parent?.recordErrors ?? []
    this.warnings = parent?.warnings ?? []
    this.decompressed = parent?.decompressed ?? new Map()
    this.#inside = inside
    this.#budget = typeof budget === 'number' ? { left: budget } : budget
  }

  /** Whether these bytes were compressed. */
  get isInside(): boolean {
    return this.#inside !== undefined
  }

  /** Bytes that may still be decompressed. */
  get decompressible(): number {
    return this.#budget.left
  }

  /** A list for decompressed bytes: its entries go to the same place, and say where they come from. */
  within(reader: ByteReader, inside: string): EntryList {
    this.#budget.left -= reader.bytes.length
    this.decompressed.set(inside, reader.bytes)
    return new EntryList(reader, this.strict, this.#budget, this, inside)
  }

  add(offset: number, length: number, path: string, type: string, value: ExplainedValue): void {
    this.fields.push({ offset, length, path, type, value, ...this.#place() })
    this.end = offset + length
  }

  /** Reads one value and puts it down with the bytes that it took. */
  read<T extends ExplainedValue>(path: string, type: string, read: () => T, errorPath = fieldOf(path)): T {
    const at = this.reader.offset
    const value = this.place(errorPath, read)
    this.add(at, this.reader.offset - at, path, type, value)
    return value
  }

  /** An error of `read` learns where it was. */
  place<T>(path: string, read: () => T): T {
    try {
      return read()
    } catch (error) {
      if (error instanceof ProtocolError && error.path === '' && path !== '') error.path = path
      throw error
    }
  }

  /** An unsigned varint; `meaning` makes the value of it that is put down. */
  uvarint(
    path: string,
    type: string,
    meaning: (raw: number) => ExplainedValue = (raw) => raw,
    errorPath = fieldOf(path),
  ): number {
    const { reader } = this
    const at = reader.offset
    const raw = this.place(errorPath, () => reader.uvarint())
    const length = reader.offset - at
    this.add(at, length, path, type, meaning(raw))
    if (length > 1 && reader.bytes[reader.offset - 1] === 0) {
      this.warn(at, path, `a varint of ${length} bytes for ${raw}, which takes less`)
    }
    return raw
  }

  warn(offset: number, path: string, message: string): void {
    if (this.strict) this.warnings.push({ offset, path, message, ...this.#place() })
  }

  recordError(offset: number, path: string, message: string): void {
    this.recordErrors.push({ offset, path, message, ...this.#place() })
  }

  /** Runs `step`; gives what it stumbled over, null when it came to its end. */
  attempt(step: () => void): ExplainError | null {
    try {
      step()
      return null
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      const offset = error.offset < 0 ? this.end : error.offset
      return { offset, path: error.path, message: error.reason, ...this.#place() }
    }
  }

  #place(): { inside?: string } {
    return this.#inside === undefined ? {} : { inside: this.#inside }
  }
}

/** The decoder knows no paths of lengths, counts and tags: their errors are those of the field. */
function fieldOf(path: string): string {
  return path.replace(/#.*$/, '')
}
