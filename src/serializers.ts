/** Where a payload stands, for serializers that care. */
export interface PayloadContext {
  readonly topic: string
  readonly isKey: boolean
}

/** Turns keys or values into what is sent (Java's Serializer). Null is never given to it: it stays null. */
export interface Serializer<T> {
  serialize(value: T, context: PayloadContext): string | Uint8Array | null
}

/** Turns keys or values back (Java's Deserializer). Null is never given to it: it stays null. */
export interface Deserializer<T> {
  /** `bytes` is a view into the fetched frame: copy what outlives the record. */
  deserialize(bytes: Buffer, context: PayloadContext): T
}

export interface Serde<I, O = I> extends Serializer<I>, Deserializer<O> {}

/** UTF-8 text. */
export const string: Serde<string> = {
  serialize: (value) => value,
  deserialize: (bytes) => bytes.toString('utf8'),
}

/** What zod, valibot, arktype and others have in common (https://standardschema.dev, version 1). */
export interface StandardSchema<I = unknown, O = I> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<O> | Promise<StandardResult<O>>
    readonly types?: { readonly input: I; readonly output: O } | undefined
  }
}

export type StandardResult<O> =
  | { readonly value: O; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
      }[]
    }

/**
 * JSON in UTF-8, checked by a schema on the way out and in. What is written is the value as given (the schema's input);
 * what is read is the schema's output, so transformations happen on reading.
 */
export function json<I, O>(schema: StandardSchema<I, O>): Serde<I, O>
/** JSON in UTF-8, not checked. */
export function json<T = unknown>(): Serde<T>
export function json(schema?: StandardSchema): Serde<unknown> {
  if (schema === undefined) {
    return { serialize: stringify, deserialize: (bytes) => JSON.parse(bytes.toString('utf8')) }
  }
  return {
    serialize(value) {
      validate(schema, value)
      return stringify(value)
    },
    deserialize: (bytes) => validate(schema, JSON.parse(bytes.toString('utf8'))),
  }
}

function stringify(value: unknown): string {
  const text: string | undefined = JSON.stringify(value)
  if (text === undefined)
    throw new TypeError(`${value === undefined ? 'undefined' : `a ${typeof value}`} has no JSON form`)
  return text
}

function validate<O>(schema: StandardSchema<unknown, O>, value: unknown): O {
  const result = schema['~standard'].validate(value)
  // By `then`, as a promise may be of a library's own: it has no issues, and would pass for a value.
  if ('then' in result) {
    result.then(undefined, () => {})
    throw new TypeError('a schema that validates asynchronously cannot be used for messages')
  }
  if (result.issues === undefined) return result.value
  const issues = result.issues.map((issue) => {
    const path = (issue.path ?? [])
      .map((step) => String(typeof step === 'object' ? step.key : step))
      .join('.')
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  throw new TypeError(`not as the schema wants it: ${issues.join('; ')}`)
}
