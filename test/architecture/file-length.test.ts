import { expect, it } from 'vitest'
import { sourceFiles } from '../support/source-files.ts'

const most = 500

/** A table of Kafka's, an entry for each of its errors. */
const tables = ['src/protocol/broker-errors.ts']

it(`no file of the sources has more than ${most} lines`, () => {
  const long = sourceFiles().filter(({ path, lines }) => lines > most && !tables.includes(path))
  expect(long.map(({ path, lines }) => `${path}: ${lines}`)).toEqual([])
})
