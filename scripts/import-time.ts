/**
 * What `import 'kafkawire'` adds to the start of a Node process, in milliseconds; build first.
 *
 *   npm run import-time
 *
 * Bare and importing starts alternate, so that a machine that gets slower meanwhile does so for both; of the medians of
 * up to three series the smallest counts, as a busy machine can only add.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'

const rounds = 25
const series = 3
const budgetMs = 33

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

/** Milliseconds on top of a bare start, by entry. */
function measure(): Map<string, number> {
  const bare: number[] = []
  const importing = new Map(Object.keys(entries).map((name) => [name, [] as number[]]))
  for (let round = 0; round < rounds; round++) {
    bare.push(startMs(''))
    for (const [name, code] of Object.entries(entries)) importing.get(name)!.push(startMs(code))
  }
  const bareMs = median(bare)
  console.log(`Node ${process.versions.node}, bare: ${bareMs.toFixed(1)} ms (median of ${rounds})`)
  return new Map(Array.from(importing, ([name, times]) => [name, median(times) - bareMs]))
}

let isWithin = false
for (let i = 0; i < series && !isWithin; i++) {
  const added = measure()
  for (const [name, ms] of added) {
    console.log(`import '${name}': ${ms.toFixed(1)} ms more (at most ${budgetMs})`)
  }
  isWithin = [...added.values()].every((ms) => ms <= budgetMs)
}
if (!isWithin) process.exitCode = 1
