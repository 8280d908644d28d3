import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { clientErrorCodes } from '../../scripts/client-error-codes.ts'
import { configurationPage } from '../../scripts/configuration-table.ts'
import { brokerErrorNames, codesInSource, errorClasses, errorsPage } from '../../scripts/error-tables.ts'
import { withSupportMatrix } from '../../scripts/support-matrix.ts'
import { withTestingApis } from '../../scripts/testing-apis.ts'
import * as kafkawire from '../../src/index.ts'

function page(name: string): Promise<string> {
  return readFile(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8')
}

describe('pages that are made from the source', () => {
  test('docs/configuration.md is up to date (npm run docs)', async () => {
    expect(await page('configuration.md')).toBe(configurationPage())
  })

  test('docs/errors.md is up to date (npm run docs)', async () => {
    expect(await page('errors.md')).toBe(errorsPage())
  })

  test('the table of APIs in docs/protocol.md is up to date (npm run docs)', async () => {
    const text = await page('protocol.md')
    expect(text).toBe(withSupportMatrix(text))
  })

  test('the table of APIs in docs/testing.md is up to date (npm run docs)', async () => {
    const text = await page('testing.md')
    expect(text).toBe(withTestingApis(text))
  })

  test('every code that the source gives to an error is explained', () => {
    const known = new Set([...Object.keys(clientErrorCodes), ...brokerErrorNames()])
    expect([...codesInSource()].filter((code) => !known.has(code))).toEqual([])
  })

  test('every code of the client that is explained is given somewhere', () => {
    const given = codesInSource()
    // Given with `error.code ?? 'DELIVERY_FAILED'`, which is no literal argument.
    const indirect = ['DELIVERY_FAILED']
    expect(Object.keys(clientErrorCodes).filter((code) => !given.has(code))).toEqual(indirect)
  })

  test('every error class of the package has a line, with a meaning', () => {
    const exported = Object.keys(kafkawire).filter((name) => name.endsWith('Error'))
    const classes = errorClasses()
    expect(classes.map(({ name }) => name).sort()).toEqual(exported.sort())
    expect(classes.filter(({ meaning }) => meaning === '')).toEqual([])
  })
})
