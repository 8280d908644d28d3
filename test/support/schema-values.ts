import fc from 'fast-check'
import { defaultValue, existsIn, type Field, type FieldMap, isNullableIn } from '../../src/protocol/schema.ts'
import { uuidToString } from '../../src/protocol/uuid.ts'

type Struct = Record<string, unknown>

/** Above any tag that a declaration has. */
const firstUnknownTag = 10_000

/**
 * Values of a structure at one version, made from its declaration: what the version lacks is at its default, as a
 * reader leaves it; flexible ones may have tagged fields that no declaration knows.
 */
export function structValues(fields: FieldMap, version: number, flexible: boolean): fc.Arbitrary<Struct> {
  const model: Record<string, fc.Arbitrary<unknown>> = {}
  for (const [name, field] of Object.entries(fields)) {
    model[name] = existsIn(field, version)
      ? fieldValues(field, version, flexible)
      : // A fresh one each time: arrays and structures must not be shared.
        fc.constant(null).map(() => defaultValue(field))
  }
  const known = fc.record(model, { noNullPrototype: true })
  if (!flexible) return known
  return fc
    .tuple(known, fc.option(unknownTaggedFields, { freq: 4 }))
    .map(([value, unknown]) => (unknown === null ? value : { ...value, unknownTaggedFields: unknown }))
}

const unknownTaggedFields = fc
  .uniqueArray(
    fc.tuple(fc.integer({ min: firstUnknownTag, max: 0x7fff_ffff }), fc.uint8Array({ maxLength: 9 })),
    {
      minLength: 1,
      maxLength: 3,
      selector: ([tag]) => tag,
    },
  )
  .map((entries) => entries.sort(([a], [b]) => a - b).map(([tag, data]) => ({ tag, data })))

function fieldValues(field: Field, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  const values = typeValues(field, version, flexible)
  return isNullableIn(field, version) ? fc.option(values, { freq: 4 }) : values
}

function typeValues(field: Field, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f })
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'uint16':
      return fc.nat(0xffff)
    case 'int32':
      return fc.integer()
    case 'uint32':
      return fc.nat(0xffff_ffff)
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    case 'float64':
      return fc.double()
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => uuidToString(bytes, 0))
    case 'string':
      // Around 32 and 64 characters the reader and the writer change their way.
      return fc.oneof(
        { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
        { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii', minLength: 28, maxLength: 70 }) },
        { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 28, maxLength: 70 }) },
      )
    case 'bytes':
    case 'records':
      // From 4,096 bytes on the writer keeps a reference instead of copying.
      return fc.oneof(
        { weight: 9, arbitrary: fc.uint8Array({ maxLength: 12 }) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(4095, 4096, 5000).map((size) => new Uint8Array(size).fill(7)),
        },
      )
    case 'array':
      return fc.array(fieldValues(field.element!, version, flexible), { maxLength: 3 })
    case 'struct':
      return structValues(field.fields!, version, flexible)
  }
}

/** The value without its unknown tagged fields, which the JSON form does not carry. */
export function withoutUnknown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUnknown)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'unknownTaggedFields')
      .map(([name, inner]) => [name, withoutUnknown(inner)]),
  )
}
