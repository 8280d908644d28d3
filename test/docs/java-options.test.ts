import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type * as z from 'zod/mini'
import { type ClientName, missingOptions } from '../../scripts/configuration-deviations.ts'
import { javaNameOf } from '../../scripts/configuration-table.ts'
import { adminOptions } from '../../src/admin/admin-options.ts'
import { consumerOptions } from '../../src/consumer/consumer-options.ts'
import { producerOptions } from '../../src/producer/producer-options.ts'

/** What `ProducerConfig.configDef()` and its like print, by client: each option with its default. */
const java = JSON.parse(readFileSync(new URL('java-options.json', import.meta.url), 'utf8')) as Readonly<
  Record<ClientName, Readonly<Record<string, string>>>
>

const clients: readonly (readonly [ClientName, z.ZodMiniObject])[] = [
  ['producer', producerOptions],
  ['consumer', consumerOptions],
  ['admin', adminOptions],
]

/** Defaults that are not Java's; docs/configuration.md says why. */
const otherDefaults = ['client.id']

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name
}

function oursOf(schema: z.ZodMiniObject): string[] {
  return Object.keys(schema.def.shape).flatMap((option) => javaNameOf(option) ?? [])
}

function missingOf(client: ClientName): string[] {
  return missingOptions.filter((one) => one.clients.includes(client)).map(({ name }) => name)
}

describe.each(clients)("options of Java's %s", (client, schema) => {
  const names = Object.keys(java[client])
  const ours = oursOf(schema)
  const missing = missingOf(client)

  test('are here, or in the list of those that are not', () => {
    expect(names.length).toBeGreaterThan(50)
    const known = (name: string) => [...ours, ...missing].some((pattern) => matches(pattern, name))
    expect(names.filter((name) => !known(name))).toEqual([])
  })

  test('are not in that list when they are here, or when Java has no such option', () => {
    expect(missing.filter((name) => ours.includes(name))).toEqual([])
    expect(missing.filter((pattern) => !names.some((name) => matches(pattern, name)))).toEqual([])
  })

  test('have the same default here', () => {
    const compared: string[] = []
    const different: string[] = []
    for (const [option, field] of Object.entries(schema.def.shape)) {
      const name = javaNameOf(option) ?? ''
      const theirs = java[client][name]
      const { defaultValue } = (field as unknown as { def: { defaultValue?: unknown } }).def
      if (theirs === undefined || !/^(string|number|boolean)$/.test(typeof defaultValue)) continue
      if (otherDefaults.includes(name) || (name === 'partitioner.class' && theirs === 'null')) continue
      compared.push(name)
      if (theirs.replace(/^""$/, '') !== String(defaultValue))
        different.push(`${name}: ${defaultValue}, not ${theirs}`)
    }
    expect(compared.length).toBeGreaterThan(10)
    expect(different).toEqual([])
  })
})

test('each reason says something, and the list is in order', () => {
  expect(missingOptions.filter(({ reason }) => reason.length < 20)).toEqual([])
  const names = missingOptions.map(({ name }) => name)
  expect(names).toEqual([...names].sort())
})
