import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Difference, differences } from '../../scripts/definition-differences.ts'
import { definitionReport } from '../../scripts/definition-report.ts'
import { type KafkaDefinition, readDefinitions, withoutComments } from '../../scripts/kafka-definitions.ts'
import { apis, message, messageNames } from '../../src/protocol/registry.ts'
import { formatVersions, versionRange } from '../../src/protocol/version-range.ts'

const folder = join(import.meta.dirname, '..', 'vectors')
/** Kafka 4.4.0's definitions, and 3.9.1's of the messages of which 4.0 took versions away. */
const current = byName(readDefinitions(join(folder, 'schemas.json.gz')))
const legacy = byName(readDefinitions(join(folder, 'schemas-legacy.json.gz')))
const names = [...new Set([...current.keys(), ...legacy.keys()])].sort()

function byName(definitions: readonly KafkaDefinition[]): Map<string, KafkaDefinition> {
  return new Map(definitions.map((definition) => [definition.name, definition]))
}

describe(`the declarations, against ${names.length} definitions of Kafka`, () => {
  test('every message of Kafka is declared, and no other', () => {
    expect(messageNames()).toEqual(names)
  })

  test.for([...current.keys()])('%s has the fields of 4.4.0, each as Kafka has it', (name) => {
    const old = legacy.get(name)
    // A field beyond those of 4.4.0 must be one that 3.9.1 has.
    const missingInLegacy = new Set(
      old === undefined
        ? []
        : differences(message(name), old)
            .filter(isExtra)
            .map(({ path }) => path),
    )
    const unexplained = differences(message(name), current.get(name)!).filter(
      (one) => !(isExtra(one) && old !== undefined && !missingInLegacy.has(one.path)),
    )
    expect(unexplained).toEqual([])
  })

  test.for([...legacy.keys()])('%s has the fields of 3.9.1 that 4.4.0 does not have', (name) => {
    const now = current.get(name)
    const theirs = differences(message(name), legacy.get(name)!)
    if (now === undefined) {
      expect(theirs).toEqual([])
      return
    }
    // Where both have a field, 4.4.0 has the last word: the test above compares it.
    const onlyThen = new Set(
      differences(message(name), now)
        .filter(isExtra)
        .map(({ path }) => path),
    )
    const own = theirs.filter(
      ({ path, what }) => what === 'missing' || what === 'order' || what === 'flexible' || onlyThen.has(path),
    )
    expect(own).toEqual([])
  })

  test.for(names)('%s is declared for the versions of both', (name) => {
    const ranges = [current.get(name), legacy.get(name)].flatMap((one) =>
      one === undefined ? [] : [versionRange(one.validVersions)],
    )
    const min = Math.min(...ranges.map((range) => range.min))
    const max = Math.max(...ranges.map((range) => range.max))
    expect(formatVersions(message(name).versions)).toBe(formatVersions({ min, max }))
  })

  test('an API has the key of its messages, and leaves out the version that is in the making', () => {
    const wrong = apis.flatMap(({ key, name, versions, stableVersions }) => {
      const request = current.get(`${name}Request`) ?? legacy.get(`${name}Request`)!
      const response = current.get(`${name}Response`) ?? legacy.get(`${name}Response`)!
      const max = request.latestVersionUnstable === true ? versions.max - 1 : versions.max
      const right = request.apiKey === key && response.apiKey === key && stableVersions.max === max
      return right ? [] : [name]
    })
    expect(wrong).toEqual([])
    expect(apis.filter(({ versions, stableVersions }) => versions.max !== stableVersions.max)).not.toEqual([])
  })
})

describe('the report of what other definitions would add', () => {
  test('there is nothing to report of 4.4.0 itself', () => {
    expect(definitionReport([...current.values()])).toEqual([])
  })

  test('it names new APIs, versions and fields, and what has changed, as declarations', () => {
    const fetch = structuredClone(current.get('FetchRequest')!)
    const newer: KafkaDefinition = {
      ...fetch,
      validVersions: '4-19',
      fields: fetch.fields!.map((field) => {
        if (field.name === 'RackId') return { ...field, default: 'here' }
        if (field.name !== 'Topics') return field
        const added = { name: 'Shade', type: 'int64', versions: '19+', default: '-1', ignorable: true }
        return { ...field, fields: [...field.fields!, added] }
      }),
    }
    const brew = (type: 'request' | 'response'): KafkaDefinition => ({
      apiKey: 200,
      type,
      name: `BrewCoffee${type === 'request' ? 'Request' : 'Response'}`,
      validVersions: '0-1',
      flexibleVersions: '0+',
      fields: [{ name: 'Cups', type: '[]Cup', versions: '0+', nullableVersions: '1+' }],
      commonStructs: [{ name: 'Cup', fields: [{ name: 'Size', type: 'int8', versions: '0+' }] }],
    })
    const cups = "{ cups: array({ size: int8() }, '0+', { nullable: '1+' }) }"
    expect(definitionReport([newer, brew('request'), brew('response')])).toEqual([
      'FetchRequest: version 19, here 0-18',
      "FetchRequest.topics: new field shade: int64('19+', { default: -1n, ignorable: true })",
      "FetchRequest.rackId: default is 'here' there, undefined here",
      `BrewCoffeeRequest: new message, key 200, versions 0-1, flexible 0+: ${cups}`,
      `BrewCoffeeResponse: new message, key 200, versions 0-1, flexible 0+: ${cups}`,
    ])
  })

  test('it tells when a version is in the making no longer', () => {
    const finished = { ...current.get('InitProducerIdRequest')!, latestVersionUnstable: false }
    expect(definitionReport([finished])).toEqual([
      'InitProducerIdRequest: version 6 is no longer in the making',
    ])
  })

  test("a folder of Kafka's own files is read, comments and all; what is no message is left out", () => {
    const folder = mkdtempSync(join(tmpdir(), 'definitions-'))
    try {
      const request = '{ "apiKey": 200, "type": "request", "name": "BrewCoffeeRequest",'
      const rest = '"validVersions": "0", "flexibleVersions": "none", "fields": [] }'
      writeFileSync(join(folder, 'BrewCoffeeRequest.json'), `// License\n\n${request} // "0-1" soon\n${rest}`)
      const record = '{ "type": "coordinator-key", "name": "CupKey", "validVersions": "0", "fields": [] }'
      writeFileSync(join(folder, 'CupKey.json'), record)
      writeFileSync(join(folder, 'README.md'), 'no definition')
      expect(definitionReport(readDefinitions(folder))).toEqual([
        'BrewCoffeeRequest: new message, key 200, versions 0, flexible none: {}',
      ])
      writeFileSync(join(folder, 'Wrong.json'), '{ "fields": [] }')
      expect(() => readDefinitions(folder)).toThrow(/Wrong.json: a message definition has name/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('what looks like a comment inside of a string stays', () => {
    expect(JSON.parse(withoutComments('{ "a": "http://b/*c*/", /* d */ "e": "\\"//" } // f'))).toEqual({
      a: 'http://b/*c*/',
      e: '"//',
    })
  })
})

function isExtra({ what }: Difference): boolean {
  return what === 'extra'
}
