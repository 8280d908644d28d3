/** Integers of WebAssembly modules: the bytes of an unsigned 32-bit one. */
export function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)]
}

/** The bytes of a signed 32-bit one. */
export function signedLeb(value: number): number[] {
  const low = value & 127
  const rest = value >> 7
  return (rest === 0 && low < 64) || (rest === -1 && low >= 64) ? [low] : [low | 128, ...signedLeb(rest)]
}
