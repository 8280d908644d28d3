import { expect } from 'vitest'
import type { Explanation } from '../../../src/protocol/explain.ts'

/** Every byte belongs to one entry, in the message and in each run of decompressed bytes. */
export function expectEveryByteOnce({ bytes, fields, decompressed }: Explanation, label = ''): void {
  const ends = new Map<string | undefined, number>([[undefined, 0]])
  for (const { offset, length, path, inside } of fields) {
    const end = ends.get(inside) ?? 0
    if (offset !== end || length < 0) expect.fail(`${label} ${path} begins at ${offset}, not at ${end}`)
    ends.set(inside, end + length)
  }
  for (const [inside, inner] of [[undefined, bytes] as const, ...decompressed]) {
    const end = ends.get(inside) ?? 0
    // Called hundreds of thousands of times: `expect` itself would take most of it.
    if (end !== inner.length) expect.fail(`${label} ${inside ?? ''} ends at ${end} of ${inner.length} bytes`)
  }
}

/** Puts `value` to its place in `root`; `path` is that of an entry, as `topics[0].name`. */
export function put(root: Record<string, unknown>, path: string, value: unknown): void {
  const steps = [...path.matchAll(/[^.[\]]+/g)].map(([step]) => (/^\d+$/.test(step) ? Number(step) : step))
  let at = root as Record<string | number, unknown>
  for (const [i, step] of steps.slice(0, -1).entries()) {
    at[step] ??= typeof steps[i + 1] === 'number' ? [] : {}
    at = at[step] as Record<string | number, unknown>
  }
  at[steps.at(-1)!] = value
}
