/**
 * Compiles the WebAssembly text of `src/protocol/compression/wasm` into the modules beside it that are shipped: base64 in a
 * constant, so that nothing has to be loaded or bundled. To be run after a change of the text; a test holds them together.
 *
 *   npx tsx scripts/compile-wasm.ts
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assembleWasm } from './assemble-wasm.ts'

/** Each with the text `<name>.wat` and the constant in `<name>-module.ts`. */
export const wasmModules = ['compress', 'expand'] as const

const folder = join(import.meta.dirname, '..', 'src/protocol/compression/wasm')

/** Where the constant of a module stands. */
export function wasmModuleFile(name: string): string {
  return join(folder, `${name}-module.ts`)
}

/** What stands there: of the text as it is now. */
export async function compiledWasm(name: string): Promise<string> {
  const bytes = assembleWasm(await readFile(join(folder, `${name}.wat`), 'utf8'))
  return [
    `/** ${bytes.length} bytes of WebAssembly, base64: \`${name}.wat\`, compiled by \`scripts/compile-wasm.ts\`. */`,
    `export const ${name}Module =`,
    `  '${Buffer.from(bytes).toString('base64')}'`,
    '',
  ].join('\n')
}

if (import.meta.filename === process.argv[1]) {
  for (const name of wasmModules) await writeFile(wasmModuleFile(name), await compiledWasm(name))
}
