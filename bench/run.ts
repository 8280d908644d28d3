/**
 * Runs the measurements of this folder one after the other, each in a process of its own:
 *
 *   npm run bench                   all
 *   npm run bench -- records codec  these
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length))
  .sort()
const given = process.argv.slice(2)
const unknown = given.filter((name) => !existsSync(join(import.meta.dirname, `${name}.ts`)))
if (unknown.length > 0) {
  console.error(`there is no ${unknown.join(', ')}; there are ${known.join(', ')}`)
  process.exit(1)
}

for (const name of given.length > 0 ? given : known) {
  console.log(`\n${name}`)
  const { status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, `${name}.ts`)],
    { stdio: 'inherit' },
  )
  if (status !== 0) {
    console.error(`${name} ended with exit code ${status}`)
    process.exitCode = 1
  }
}
