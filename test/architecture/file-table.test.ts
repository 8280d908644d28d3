import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..')

function sourceFiles(): string[] {
  return readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(join(root, 'src'), join(entry.parentPath, entry.name)))
    .sort()
}

/** Paths below src that the tables of the design name; `*` stands for any name. */
function namedFiles(): RegExp[] {
  const text = readFileSync(join(root, 'docs', 'design.md'), 'utf8')
  const named: RegExp[] = []
  let folder = ''
  for (const line of text.slice(text.indexOf('## Where things are')).split('\n')) {
    const heading = /^### src\/(\w+)/.exec(line)
    if (heading !== null) folder = heading[1] === 'options' ? '' : `${heading[1]}/`
    if (line.startsWith('## Beside')) break
    const cells = line.split('|')
    if (cells.length < 3) continue
    for (const [, file] of cells[1]!.matchAll(/`([^`]+\.(?:ts|wat))`/g)) {
      named.push(new RegExp(`^${folder}${file!.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}$`))
    }
  }
  return named
}

it('the table of files in the design names every file, and none that is not there', () => {
  const files = sourceFiles()
  const named = namedFiles()
  expect(files.filter((file) => !named.some((pattern) => pattern.test(file)))).toEqual([])
  expect(named.filter((pattern) => !files.some((file) => pattern.test(file))).map(String)).toEqual([])
})
