import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { clientSoftware } from '../../src/version.ts'
import { projectRoot } from '../support/source-files.ts'

const manifest = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Record<
  string,
  unknown
>

it('brokers are told the name and version of this package', () => {
  expect(clientSoftware).toEqual({ name: manifest.name, version: manifest.version })
})

it('a name and version as brokers accept them (KIP-511)', () => {
  for (const text of Object.values(clientSoftware))
    expect(text).toMatch(/^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/)
})

it('nothing else is installed with this package', () => {
  expect(manifest.dependencies ?? {}).toEqual({})
  expect(manifest.bundledDependencies ?? []).toEqual([])
  const scripts = Object.keys(manifest.scripts as Record<string, string>)
  expect(scripts.filter((name) => /^(pre|post)?install$/.test(name))).toEqual([])
})
