/** Writes the pages that are made from the source: `npm run docs`. A test says when one is out of date. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { configurationPage } from './configuration-table.ts'
import { errorsPage } from './error-tables.ts'
import { withSupportMatrix } from './support-matrix.ts'
import { withTestingApis } from './testing-apis.ts'

const docs = join(import.meta.dirname, '..', 'docs')
await writeFile(join(docs, 'configuration.md'), configurationPage())
await writeFile(join(docs, 'errors.md'), errorsPage())
const protocol = join(docs, 'protocol.md')
await writeFile(protocol, withSupportMatrix(await readFile(protocol, 'utf8')))
const testing = join(docs, 'testing.md')
await writeFile(testing, withTestingApis(await readFile(testing, 'utf8')))
