import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/protocol/errors.ts'
import type { Json } from '../../src/protocol/json-form.ts'
import { message, messageNames } from '../../src/protocol/registry.ts'
import { vectors } from '../support/vectors.ts'

interface MessageVector {
  name: string
  api: string
  type: 'request' | 'response' | 'header' | 'data'
  version: number
  mode: string
  flexible: boolean
  json: Json
  unknownTaggedFields?: { path: (string | number)[]; tag: number; hex: string }[]
  hex: string
}

const known = new Set(messageNames())
const files = ['messages', 'messages-legacy']

/** Puts the unknown tagged fields of a vector where its paths say, so that the value can be written as Java wrote it. */
function withUnknownTags(value: unknown, vector: MessageVector): unknown {
  for (const { path, tag, hex } of vector.unknownTaggedFields ?? []) {
    let at = value as Record<string | number, unknown>
    for (const step of path) at = at[step] as Record<string | number, unknown>
    const before = (at.unknownTaggedFields ?? []) as { tag: number; data: Uint8Array }[]
    at.unknownTaggedFields = [...before, { tag, data: Buffer.from(hex, 'hex') }]
  }
  return value
}

for (const file of files) {
  const all = vectors<MessageVector>(file).filter((vector) => known.has(vector.name))
  const byName = groupByName(all)

  describe(`${file}: ${all.length} vectors of ${byName.size} messages`, () => {
    for (const [name, group] of byName) {
      test(`${name}: ${group.length} vectors are read to Java's values and written to Java's bytes`, () => {
        const schema = message(name)
        for (const vector of group) {
          const label = `${name} v${vector.version} ${vector.mode}`
          const bytes = Buffer.from(vector.hex, 'hex')
          expect(schema.isFlexible(vector.version), label).toBe(vector.flexible)

          const decoded = schema.decode(vector.version, bytes)
          expect(schema.toJson(vector.version, decoded), label).toEqual(vector.json)
          expect(hex(schema.encode(vector.version, decoded)), `${label}, read and written back`).toBe(
            vector.hex,
          )

          const fromJson = withUnknownTags(schema.fromJson(vector.version, vector.json), vector)
          expect(hex(schema.encode(vector.version, fromJson as never)), `${label}, written from JSON`).toBe(
            vector.hex,
          )
        }
      })
    }

    test('every vector cut short at every byte is a ProtocolError that tells offset and field', () => {
      let cuts = 0
      for (const vector of all) {
        const bytes = Buffer.from(vector.hex, 'hex')
        const schema = message(vector.name)
        for (let length = 0; length < bytes.length; length++) {
          let error: unknown
          try {
            schema.decode(vector.version, bytes.subarray(0, length))
          } catch (thrown) {
            error = thrown
          }
          if (!(error instanceof ProtocolError) || error.offset < 0 || error.offset > length) {
            expect.fail(`${vector.name} v${vector.version} ${vector.mode} cut at ${length}: ${String(error)}`)
          }
          cuts++
        }
      }
      expect(cuts).toBe(all.reduce((sum, vector) => sum + vector.hex.length / 2, 0))
    })
  })
}

test('every message of the registry has vectors for each of its versions', () => {
  const seen = new Set(
    files.flatMap((file) => vectors<MessageVector>(file)).map((v) => `${v.name} v${v.version}`),
  )
  for (const name of known) {
    const { min, max } = message(name).versions
    for (let version = min; version <= max; version++) expect(seen).toContain(`${name} v${version}`)
  }
})

function groupByName(all: readonly MessageVector[]): Map<string, MessageVector[]> {
  const groups = new Map<string, MessageVector[]>()
  for (const vector of all) groups.set(vector.name, [...(groups.get(vector.name) ?? []), vector])
  return groups
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
