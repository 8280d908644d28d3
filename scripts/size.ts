/**
 * Size of what an application bundles: minified and gzipped, by entry. Fails beyond the budgets below, and when the broker
 * in memory has come into what is no test; build first.
 *
 *   npm run size
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'tsdown'
import { modulesOf } from './dist-modules.ts'

/** In kB (1000 bytes) of gzip, of what is loaded at the start. The aim for a producer alone is 30. */
const budgets = [
  { name: 'producer', code: "export { Producer } from '../../dist/index.js'", budget: 57 },
  { name: 'consumer', code: "export { Consumer } from '../../dist/index.js'", budget: 72 },
  { name: 'everything', code: "export * from '../../dist/index.js'", budget: 102 },
  {
    name: 'protocol: produce codec',
    code: "export { produce } from '../../dist/protocol/index.js'",
    budget: 12,
  },
  { name: 'protocol: crc32c', code: "export { crc32c } from '../../dist/protocol/index.js'", budget: 4 },
]

const cache = join(import.meta.dirname, '..', '.cache')
await mkdir(cache, { recursive: true })
const folder = await mkdtemp(join(cache, 'size-'))
const rows: Record<string, { bytes: number; 'gzip kB': number; 'budget kB': number; 'later kB': number }> = {}
const tooLarge: string[] = []
try {
  for (const { name, code, budget } of budgets) {
    const entry = join(folder, 'entry.js')
    await writeFile(entry, `${code}\n`)
    const bundles = await build({
      entry,
      config: false,
      platform: 'node',
      format: 'esm',
      minify: true,
      dts: false,
      write: false,
      clean: false,
      logLevel: 'silent',
    })
    const chunks = bundles.flatMap(({ chunks: all }) => all.flatMap((one) => ('code' in one ? [one] : [])))
    const first = loadedAtStart(chunks)
    const text = first.map(({ code: part }) => part).join('')
    if (text === '') throw new Error(`the bundle of ${name} is empty`)
    const kilobytes = gzipped(text)
    const later = chunks.filter((one) => !first.includes(one)).map(({ code: part }) => gzipped(part))
    rows[name] = {
      bytes: text.length,
      'gzip kB': Number(kilobytes.toFixed(1)),
      'budget kB': budget,
      'later kB': Number(later.reduce((sum, one) => sum + one, 0).toFixed(1)),
    }
    if (kilobytes > budget) tooLarge.push(name)
  }
} finally {
  await rm(folder, { recursive: true })
}
console.table(rows)
if (tooLarge.length > 0) {
  console.error(`beyond the budget: ${tooLarge.join(', ')}`)
  process.exitCode = 1
}

interface Chunk {
  readonly fileName: string
  readonly code: string
  readonly isEntry: boolean
  /** Files that are loaded along with it. */
  readonly imports: readonly string[]
}

/** The entry, and what it imports: not what it loads once that is asked for, as transactions. */
function loadedAtStart<T extends Chunk>(chunks: readonly T[]): T[] {
  const found = new Set<T>()
  const waiting = chunks.filter(({ isEntry }) => isEntry)
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    if (found.has(one)) continue
    found.add(one)
    const { imports } = one
    waiting.push(...chunks.filter(({ fileName }) => imports.includes(fileName)))
  }
  return [...found]
}

/** Kilobytes. */
function gzipped(text: string): number {
  return gzipSync(text, { level: 9 }).length / 1000
}

const dist = join(import.meta.dirname, '..', 'dist')
for (const entry of ['index.js', 'protocol/index.js', 'protocol/registry.js']) {
  const strays = modulesOf(join(dist, entry)).filter((module) => module.startsWith('src/testing/'))
  if (strays.length === 0) continue
  console.error(`${entry} has parts of kafkawire/testing in it: ${strays.join(', ')}`)
  process.exitCode = 1
}
