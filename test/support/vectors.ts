import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const read = new Map<string, unknown[]>()

/** The lines of `test/vectors/<file>.ndjson.gz`, parsed; read once. What they hold is told in that folder's README. */
export function vectors<T>(file: string): T[] {
  let lines = read.get(file)
  if (lines === undefined) {
    const packed = readFileSync(new URL(`../vectors/${file}.ndjson.gz`, import.meta.url))
    lines = gunzipSync(packed)
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line): unknown => JSON.parse(line))
    read.set(file, lines)
  }
  return lines as T[]
}
