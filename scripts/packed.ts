import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What `npm pack` says of the package. */
export interface Packed {
  /** Full path of the tarball. */
  readonly tarball: string
  /** Paths in the package. */
  readonly files: readonly string[]
  readonly unpackedSize: number
}

const root = join(import.meta.dirname, '..')

/** Packs the package as it would be published, for as long as `use` runs. Build first. */
export async function withPackage(
  use: (packed: Packed, folder: string) => void | Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'kafkawire-pack-'))
  try {
    const json = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
    })
    const [{ filename, files, unpackedSize }] = JSON.parse(json) as [
      { filename: string; files: { path: string }[]; unpackedSize: number },
    ]
    await use({ tarball: join(folder, filename), files: files.map(({ path }) => path), unpackedSize }, folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
