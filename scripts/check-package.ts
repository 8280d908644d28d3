/**
 * Checks what would be published: nothing to install with it, all entries there, nothing of the sources.
 *
 *   npm run check:package
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { withPackage } from './packed.ts'

interface Manifest {
  readonly version: string
  readonly exports: Record<string, string | Record<string, string>>
  readonly bin: Record<string, string>
  readonly dependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
  readonly bundleDependencies?: unknown
}

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as Manifest
const problems: string[] = []

for (const kind of ['dependencies', 'optionalDependencies'] as const) {
  const names = Object.keys(manifest[kind] ?? {})
  if (names.length > 0) problems.push(`${kind} must be empty, and has ${names.join(', ')}`)
}
if (manifest.bundleDependencies !== undefined) problems.push('bundleDependencies must not be set')

await withPackage(({ files, unpackedSize }) => {
  const expected = Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )
  for (const path of [
    ...expected,
    ...Object.values(manifest.bin),
    './README.md',
    './LICENSE',
    './CHANGELOG.md',
  ]) {
    if (!files.includes(path.replace('./', ''))) problems.push(`${path} is missing`)
  }
  const strays = files.filter(
    (path) => !/^(dist\/|README\.md$|LICENSE$|CHANGELOG\.md$|package\.json$)/.test(path),
  )
  if (strays.length > 0) problems.push(`does not belong in the package: ${strays.join(', ')}`)
  console.log(`${files.length} files, ${Math.round(unpackedSize / 1000)} kB unpacked, no dependencies`)
})

for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
