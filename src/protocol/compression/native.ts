const loaded = new Map<string, unknown>()

/**
 * An optional package that does the same in native code; null where it is not installed, was built for another
 * machine, or lacks one of the functions. Looked for once, when first needed.
 */
export function nativePackage<T extends object>(
  name: string,
  functions: readonly (keyof T & string)[],
): T | null {
  let found = loaded.get(name)
  if (found === undefined) {
    found = load(name, functions)
    loaded.set(name, found)
  }
  return found as T | null
}

function load(name: string, functions: readonly string[]): unknown {
  try {
    // A bundle may have no file of its own to start from; that is like not installed.
    const found: unknown = process.getBuiltinModule('node:module').createRequire(import.meta.url)(name)
    const has = (key: string) => typeof (found as Record<string, unknown>)[key] === 'function'
    return functions.every(has) ? found : null
  } catch {
    return null
  }
}
