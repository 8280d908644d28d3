import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/protocol/errors.ts'
import { requestHeaderVersion, responseHeaderVersion } from '../../src/protocol/headers.ts'
import type { Json } from '../../src/protocol/json-form.ts'
import { api, message, messageNames } from '../../src/protocol/registry.ts'
import type { UnknownTaggedField } from '../../src/protocol/schema.ts'
import { vectors } from '../support/vectors.ts'

interface MessageVector {
  name: string
  api: string
  type: 'request' | 'response' | 'header' | 'data'
  version: number
  mode: string
  flexible: boolean
  headerVersion: number
  json: Json
  unknownTaggedFields?: { path: (string | number)[]; tag: number; hex: string }[]
  hex: string
}

interface WithUnknownTags {
  unknownTaggedFields?: UnknownTaggedField[]
}

const files = ['messages', 'messages-legacy']
const types = ['request', 'response', 'header', 'data'] as const

/** Puts the unknown tagged fields of a vector where its paths say, so that the value can be written as Java wrote it. */
function withUnknownTags(value: unknown, vector: MessageVector): unknown {
  for (const { path, tag, hex } of vector.unknownTaggedFields ?? []) {
    const at = structAt(value, path)
    at.unknownTaggedFields = [...(at.unknownTaggedFields ?? []), { tag, data: Buffer.from(hex, 'hex') }]
  }
  return value
}

function structAt(value: unknown, path: readonly (string | number)[]): WithUnknownTags {
  let at = value
  for (const step of path) at = (at as Record<string | number, unknown>)[step]
  return at as WithUnknownTags
}

for (const file of files) {
  const all = vectors<MessageVector>(file)
  const counts = types.map((type) => `${all.filter((vector) => vector.type === type).length} ${type}`)

  describe(`${file}: ${all.length} vectors (${counts.join(', ')})`, () => {
    for (const [name, group] of groupByName(all)) {
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

    const tagged = all.filter((vector) => (vector.unknownTaggedFields ?? []).length > 0)
    test(`the unknown tagged fields of ${tagged.length} vectors are kept where they stood`, () => {
      expect(tagged.length).toBeGreaterThan(100)
      for (const vector of tagged) {
        const decoded = message(vector.name).decode(vector.version, Buffer.from(vector.hex, 'hex'))
        for (const { path, tag, hex: data } of vector.unknownTaggedFields!) {
          const kept = structAt(decoded, path).unknownTaggedFields?.find((one) => one.tag === tag)
          expect(
            kept === undefined ? kept : hex(kept.data),
            `${vector.name} v${vector.version} ${path}`,
          ).toBe(data)
        }
      }
    })

    test('the headers before requests and responses have the versions that Java gives them', () => {
      for (const { api: name, type, version, headerVersion } of all) {
        if (type !== 'request' && type !== 'response') continue
        const versionOf = type === 'request' ? requestHeaderVersion : responseHeaderVersion
        expect(versionOf(api(name), version), `${name} ${type} v${version}`).toBe(headerVersion)
      }
    })

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
    }, 30_000)
  })
}

test('every message of the registry has vectors for each of its versions', () => {
  const seen = new Set(
    files.flatMap((file) => vectors<MessageVector>(file)).map((v) => `${v.name} v${v.version}`),
  )
  const declared = messageNames().flatMap((name) => {
    const { min, max } = message(name).versions
    return Array.from({ length: max - min + 1 }, (_, i) => `${name} v${min + i}`)
  })
  expect(declared.filter((one) => !seen.has(one))).toEqual([])
  expect(declared.length).toBe(seen.size)
})

function groupByName(all: readonly MessageVector[]): Map<string, MessageVector[]> {
  const groups = new Map<string, MessageVector[]>()
  for (const vector of all) {
    const group = groups.get(vector.name)
    if (group === undefined) groups.set(vector.name, [vector])
    else group.push(vector)
  }
  return groups
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
