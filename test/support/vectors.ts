import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const cache = new Map<string, unknown[]>()

/** The lines of `test/vectors/<file>.ndjson.gz`: golden bytes written by Apache Kafka's own Java client. */
export function vectors<T>(file: string): T[] {
  let lines = cache.get(file)
  if (lines === undefined) {
    const text = gunzipSync(readFileSync(new URL(`../vectors/${file}.ndjson.gz`, import.meta.url))).toString('utf8')
    lines = text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as unknown)
    cache.set(file, lines)
  }
  return lines as T[]
}
