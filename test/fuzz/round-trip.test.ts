import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { message, messageNames } from '../../src/protocol/registry.ts'
import { structValues, withoutUnknown } from '../support/schema-values.ts'

/** Values tried for each version of each message. */
const numRuns = 12

const names = messageNames()

describe('any value that a declaration allows', () => {
  it.each(names)('%s comes back the same from its bytes and from its JSON form, in all versions', (name) => {
    const schema = message(name)
    for (let version = schema.versions.min; version <= schema.versions.max; version++) {
      const values = structValues(schema.fields, version, schema.isFlexible(version))
      const property = fc.property(values, (value) => {
        const bytes = schema.encode(version, value)
        assert.deepStrictEqual(schema.decode(version, bytes), value)

        const bare = withoutUnknown(value) as typeof value
        const again = schema.fromJson(version, schema.toJson(version, bare))
        assert.deepStrictEqual(schema.encode(version, again), schema.encode(version, bare))
      })
      fc.assert(property, { numRuns, seed: 20_260_921 + version })
    }
  })
})
