/**
 * What `import 'kafkawire'` adds to the start of a Node process, in milliseconds; build first.
 *
 *   npm run import-time
 *
 * Bare and importing starts alternate, so that a machine that gets slower meanwhile does so for both. Medians: the
 * first starts fill the disk cache.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'

const rounds = 41
const budgetMs = 25

const dist = join(import.meta.dirname, '..', 'dist')
const entries = {
  kafkawire: importOf('index.js'),
  'kafkawire/protocol': importOf('protocol', 'index.js'),
}

function importOf(...path: string[]): string {
  return `import ${JSON.stringify(pathToFileURL(join(dist, ...path)).href)}`
}

function startMs(code: string): number {
  const begun = performance.now()
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code])
  if (status !== 0) throw new Error(`${code}: exit code ${status}: ${stderr}`)
  return performance.now() - begun
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!
}

const bare: number[] = []
const importing: Record<string, number[]> = {}
for (let round = 0; round < rounds; round++) {
  bare.push(startMs(''))
  for (const [name, code] of Object.entries(entries)) {
    importing[name] ??= []
    importing[name].push(startMs(code))
  }
}

const bareMs = median(bare)
console.log(`Node ${process.versions.node}, bare: ${bareMs.toFixed(1)} ms (median of ${rounds})`)
for (const [name, times] of Object.entries(importing)) {
  const added = median(times) - bareMs
  console.log(`import '${name}': ${added.toFixed(1)} ms more (at most ${budgetMs})`)
  if (added > budgetMs) process.exitCode = 1
}
