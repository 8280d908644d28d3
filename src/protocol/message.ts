import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { compileReader, type ReadValue } from './compile-reader.ts'
import { compileWriter, type WriteValue } from './compile-writer.ts'
import { ProtocolError } from './errors.ts'
import { type Json, structFromJson, structToJson } from './json-form.ts'
import type { FieldMap, StructInput, StructOf } from './schema.ts'
import { formatVersions, includesVersion, type VersionRange, versionRange } from './version-range.ts'

/**
 * One message (a request, a response, a header or embedded data) in all its versions.
 * Codecs are built once per version, at first use.
 */
export class Message<F extends FieldMap = FieldMap> {
  /** Kafka's own name, for instance `FetchResponse`. */
  readonly name: string
  readonly versions: VersionRange
  /** Versions with compact types and tagged fields (KIP-482). */
  readonly flexibleVersions: VersionRange
  readonly fields: F
  readonly #readers: (ReadValue | undefined)[] = []
  readonly #writers: (WriteValue | undefined)[] = []

  constructor(name: string, versions: VersionRange, flexibleVersions: VersionRange, fields: F) {
    this.name = name
    this.versions = versions
    this.flexibleVersions = flexibleVersions
    this.fields = fields
  }

  isFlexible(version: number): boolean {
    return includesVersion(this.flexibleVersions, version)
  }

  /** The bytes of `value` at `version`: the body alone, without size and header. */
  encode(version: number, value: StructInput<F>): Uint8Array {
    const writer = new ByteWriter()
    this.write(writer, version, value)
    return writer.toBytes()
  }

  /** The value of `bytes` at `version`. Byte fields are views into `bytes`. Bytes after the message are ignored. */
  decode(version: number, bytes: Uint8Array): StructOf<F> {
    return this.read(new ByteReader(bytes), version)
  }

  write(writer: ByteWriter, version: number, value: StructInput<F>): void {
    let write = this.#writers[version]
    if (write === undefined) {
      this.#check(version)
      write = compileWriter(this.fields, version, this.isFlexible(version))
      this.#writers[version] = write
    }
    write(writer, value)
  }

  read(reader: ByteReader, version: number): StructOf<F> {
    let read = this.#readers[version]
    if (read === undefined) {
      this.#check(version)
      read = compileReader(this.fields, version, this.isFlexible(version))
      this.#readers[version] = read
    }
    return read(reader) as StructOf<F>
  }

  toJson(version: number, value: StructInput<F>): Json {
    this.#check(version)
    return structToJson(this.fields, version, value)
  }

  fromJson(version: number, json: Json): StructInput<F> {
    this.#check(version)
    return structFromJson(this.fields, version, json) as StructInput<F>
  }

  #check(version: number): void {
    if (!Number.isInteger(version) || !includesVersion(this.versions, version)) {
      const allowed = formatVersions(this.versions)
      throw new ProtocolError('UNSUPPORTED', `${this.name} version ${version}: versions ${allowed} exist`)
    }
  }
}

/** Which broker answers an API. */
export type Route =
  /** Any broker of the cluster. */
  | 'any'
  /** The active controller; brokers since KRaft pass it on, older ones answer NOT_CONTROLLER. */
  | 'controller'
  /** The leaders of the partitions that the request names. */
  | 'partitionLeader'
  | 'groupCoordinator'
  | 'transactionCoordinator'
  | 'shareCoordinator'
  /** The very broker that the caller has in mind (ListGroups, ApiVersions, SASL). */
  | 'broker'

export interface Api<Q extends FieldMap = FieldMap, S extends FieldMap = FieldMap> {
  /** Number of the API on the wire. */
  readonly key: number
  /** Kafka's own name, for instance `Fetch`. */
  readonly name: string
  readonly versions: VersionRange
  /** Versions that brokers serve without being told to; the latest of the others is still in the making. */
  readonly stableVersions: VersionRange
  readonly flexibleVersions: VersionRange
  readonly route: Route
  readonly request: Message<Q>
  readonly response: Message<S>
}

export interface ApiDeclaration<Q extends FieldMap, S extends FieldMap> {
  readonly key: number
  readonly name: string
  readonly versions: string
  /** First flexible version as `9+`, or `none`. */
  readonly flexible: string
  /** True: the latest version is in the making (`latestVersionUnstable`) and is never negotiated. */
  readonly latestVersionUnstable?: true
  readonly route: Route
  readonly request: Q
  readonly response: S
}

/** Declares an API: from this one declaration come types, codecs, JSON form and routing. */
export function api<const Q extends FieldMap, const S extends FieldMap>(
  declaration: ApiDeclaration<Q, S>,
): Api<Q, S> {
  const { key, name, route } = declaration
  const versions = versionRange(declaration.versions)
  const flexible = versionRange(declaration.flexible)
  return {
    key,
    name,
    versions,
    stableVersions: declaration.latestVersionUnstable
      ? { min: versions.min, max: versions.max - 1 }
      : versions,
    flexibleVersions: flexible,
    route,
    request: new Message(`${name}Request`, versions, flexible, declaration.request),
    response: new Message(`${name}Response`, versions, flexible, declaration.response),
  }
}

/** Declares a message that is no request or response: a header, or data embedded in another message. */
export function message<const F extends FieldMap>(
  name: string,
  declaration: { readonly versions: string; readonly flexible: string; readonly fields: F },
): Message<F> {
  return new Message(
    name,
    versionRange(declaration.versions),
    versionRange(declaration.flexible),
    declaration.fields,
  )
}

/** What a writer of this API's request takes: everything may be left out for Kafka's default. */
export type RequestOf<A> = A extends Api<infer Q, FieldMap> ? StructInput<Q> : never
/** What a reader of this API's response gets: everything is there. */
export type ResponseOf<A> = A extends Api<FieldMap, infer S> ? StructOf<S> : never
/** What a reader of a message gets. */
export type ValueOf<M> = M extends Message<infer F> ? StructOf<F> : never
