import { existsIn, type Field, type FieldMap } from '../../../src/protocol/schema.ts'

/** `value` without the fields that the version does not have, so that one body does for all of them. */
export function fitted(fields: FieldMap, version: number, value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => {
        const field = fields[name]
        if (field === undefined) throw new Error(`there is no field ${name}`)
        return existsIn(field, version)
      })
      .map(([name, inner]) => [name, fittedField(fields[name]!, version, inner)]),
  )
}

function fittedField(field: Field, version: number, value: unknown): unknown {
  if (value === null || value === undefined) return value
  if (field.type === 'struct') return fitted(field.fields!, version, value as object)
  if (field.type === 'array') {
    return (value as unknown[]).map((element) => fittedField(field.element!, version, element))
  }
  return value
}
