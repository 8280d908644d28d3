import { expect, test } from 'vitest'
import { sourceFiles } from '../../support/source-files.ts'

const imports = new Map(sourceFiles().map(({ path, imports }) => [path, imports]))

/** All files that a bundle of this one may hold: what is imported as a type alone is gone by then. */
function reachable(from: string): Set<string> {
  const found = new Set([from])
  for (const path of found) {
    for (const { target, typeOnly } of imports.get(path) ?? []) if (!typeOnly) found.add(target)
  }
  return found
}

const folder = 'src/protocol/compression'

test('a producer carries no decompressors', () => {
  const files = reachable('src/producer/producer.ts')
  expect(files).toContain(`${folder}/compressors.ts`)
  expect([...files].filter((path) => /decompress|zstd\//.test(path))).toEqual([])
})

test('a consumer carries no compressors', () => {
  const files = reachable('src/consumer/consumer.ts')
  expect(files).toContain(`${folder}/decompressors.ts`)
  expect([...files].filter((path) => /compressor\.ts|\/compressors|block|native/.test(path))).toEqual([])
})
