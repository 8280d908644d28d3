/** The part of `node:zlib` for zstd, which came with Node 22.15 and 23.8. */
export interface ZstdOfNode {
  zstdCompress(
    bytes: Uint8Array,
    options: { params: Record<number, number> },
    done: (error: Error | null, compressed: Uint8Array) => void,
  ): void
  zstdCompressSync(bytes: Uint8Array, options: { params: Record<number, number> }): Uint8Array
  constants: { ZSTD_c_compressionLevel: number }
}

/** Not a static import: most clients never compress, and loading zlib costs each of them a cold start. */
export function zlib() {
  return process.getBuiltinModule('node:zlib')
}

/** Null where this Node has no zstd. */
export function zstdOfNode(): ZstdOfNode | null {
  const module = zlib() as unknown as Partial<ZstdOfNode>
  return typeof module.zstdCompressSync === 'function' ? (module as ZstdOfNode) : null
}
