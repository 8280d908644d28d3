/** A memory that grows by pages of 64 KiB; it then has another `buffer`. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

/** The part of the WebAssembly API used here; the compiler is not given the library that declares it. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { exports: object }
}

/**
 * What a module exports, which is given in base64 and believed to be one of ours. Null where WebAssembly is missing or may
 * not be compiled (a content security policy, some edge runtimes), lacks vectors of 128 bits, or has no memory left.
 */
export function instantiateWasm<Exports extends object>(base64: string): Exports | null {
  const api = (globalThis as { WebAssembly?: WebAssemblyApi }).WebAssembly
  if (api === undefined) return null
  try {
    return new api.Instance(new api.Module(Buffer.from(base64, 'base64'))).exports as Exports
  } catch {
    return null
  }
}
