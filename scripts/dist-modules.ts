import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Sources that an entry of the build has in it or loads, as `src/kafka.ts`; by the marks that the bundler leaves. */
export function modulesOf(entry: string): string[] {
  const modules = new Set<string>()
  const files = new Set([entry])
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    for (const [, module] of text.matchAll(/^\/\/#region (src\/\S+)/gm)) modules.add(module!)
    for (const [, target] of text.matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+\.js)"/g)) {
      files.add(join(dirname(file), target!))
    }
  }
  if (modules.size === 0) throw new Error(`${entry} names no sources: has the bundler changed its marks?`)
  return [...modules]
}
