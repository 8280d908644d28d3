/**
 * Damages the vectors of all messages, record batches and frames, and decodes them: only typed errors may come of it.
 *
 *   npm run fuzz                                 60 seconds with a seed of the day
 *   npm run fuzz -- --seconds 600
 *   npm run fuzz -- --count 1000000 --seed 42    the same inputs each time
 *
 * Exit code 1 when an input made a decoder fail; the report has its bytes and the seed.
 */
import { parseArgs } from 'node:util'
import { fuzz } from '../test/support/fuzz.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, count: { type: 'string' }, seed: { type: 'string' } },
})

function positive(name: 'seconds' | 'count' | 'seed'): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  console.error(`--${name} must be an integer above 0, not ${text}`)
  process.exit(2)
}

const count = positive('count')
const seconds = positive('seconds') ?? (count === undefined ? 60 : undefined)
const seed = positive('seed') ?? Math.floor(Date.now() / 1000)
console.log(`seed ${seed}, ${count === undefined ? `${seconds} seconds` : `${count} inputs`}`)

const report = await fuzz({
  seed,
  ...(count === undefined ? {} : { count }),
  ...(seconds === undefined ? {} : { seconds }),
  onProgress: (tried, failures) => {
    if (process.stdout.isTTY) process.stdout.write(`\r${tried} inputs, ${failures} failures `)
  },
})

const { tried, ms } = report
console.log(`\n${tried} inputs over ${report.targets} vectors in ${(ms / 1000).toFixed(1)} s`)
console.log(`${Math.round(tried / (ms / 1000))} a second; the slowest: ${report.slowest.ms.toFixed(1)} ms`)
console.log(`  (${report.slowest.target})`)
console.log(`accepted ${report.accepted}, refused ${JSON.stringify(report.refused)}`)
console.log(`memory held at the end: ${(report.grownBytes / 1e6).toFixed(2)} MB more than after the warm-up`)
for (const { target, hex, error } of report.failures) {
  console.error(`\n${target}\n  ${hex}\n  ${error instanceof Error ? error.stack : String(error)}`)
}
if (report.failures.length > 0) process.exitCode = 1
else console.log('no failures')
