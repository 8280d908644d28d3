import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Import, projectRoot, type SourceFile, sourceFiles } from '../support/source-files.ts'

const files = sourceFiles()

/** Files that everybody may use, and that use nobody but each other and the protocol. */
const leaves = [
  'src/abort-listeners.ts',
  'src/closest.ts',
  'src/errors.ts',
  'src/deadline.ts',
  'src/backoff.ts',
  'src/version.ts',
  'src/serializers.ts',
]

/** What each layer may import besides itself: `design.md`, "Layers, one direction". Types count like values. */
const layers: readonly { readonly of: string; readonly from: readonly string[] }[] = [
  { of: 'src/protocol/', from: [] },
  { of: 'src/metrics/', from: [] },
  { of: 'src/network/', from: ['src/protocol/', 'src/metrics/', ...leaves] },
  { of: 'src/cluster/', from: ['src/protocol/', 'src/metrics/', 'src/network/', ...leaves] },
  { of: 'src/options/', from: ['src/protocol/', 'src/network/', 'src/cluster/', ...leaves] },
  ...['producer', 'consumer', 'admin'].map((client) => ({
    of: `src/${client}/`,
    from: ['src/protocol/', 'src/metrics/', 'src/network/', 'src/cluster/', 'src/options/', ...leaves],
  })),
  // It is built on the protocol alone, so that a bug of the client cannot hide in it.
  { of: 'src/testing/', from: ['src/protocol/', ...leaves] },
  {
    of: 'src/cli/',
    from: [
      ...['protocol', 'network', 'cluster', 'options', 'producer', 'consumer', 'admin', 'testing'].map(
        (layer) => `src/${layer}/`,
      ),
      'src/kafka.ts',
      'src/index.ts',
      ...leaves,
    ],
  },
]

const isIn = (path: string, places: readonly string[]) =>
  places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place))

/** `importer -> imported` for each import that `isWrong`. */
function wrong(of: readonly SourceFile[], isWrong: (one: Import) => boolean): string[] {
  return of.flatMap(({ path, imports }) =>
    imports.filter(isWrong).map(({ target }) => `${path} -> ${target}`),
  )
}

describe('imports go in one direction', () => {
  it('between files that are there', () => {
    const known = new Set(files.map(({ path }) => path))
    expect(known.size).toBeGreaterThan(50)
    expect(wrong(files, ({ target }) => target.startsWith('src/') && !known.has(target))).toEqual([])
  })

  it.each(layers)('from $of only down', ({ of, from }) => {
    const mine = files.filter(({ path }) => path.startsWith(of))
    const isWrong = ({ target }: Import) => target.startsWith('src/') && !isIn(target, [of, ...from])
    expect(wrong(mine, isWrong)).toEqual([])
  })

  it('to the command from nobody', () => {
    const others = files.filter(({ path }) => !path.startsWith('src/cli/'))
    expect(others.length).toBeLessThan(files.length)
    expect(wrong(others, ({ target }) => target.startsWith('src/cli/'))).toEqual([])
  })

  it('to the broker in memory from the command alone', () => {
    const others = files.filter(({ path }) => !/^src\/(testing|cli)\//.test(path))
    expect(wrong(others, ({ target }) => target.startsWith('src/testing/'))).toEqual([])
  })

  it('from the leaves to each other and the protocol alone', () => {
    const mine = files.filter(({ path }) => isIn(path, leaves))
    expect(mine.map(({ path }) => path).sort()).toEqual([...leaves].sort())
    expect(wrong(mine, ({ target }) => !isIn(target, [...leaves, 'src/protocol/']))).toEqual([])
  })
})

describe('what is imported at the start', () => {
  it('is nothing of Node: what is needed of it is loaded when it is needed, sockets in dial.ts alone', () => {
    const isOfNode = ({ target, typeOnly }: Import) => target.startsWith('node:') && !typeOnly
    const library = files.filter(({ path }) => !/^src\/(testing|cli)\//.test(path))
    expect(wrong(library, isOfNode)).toEqual([])
    const loaded = library.flatMap(({ path }) => {
      const text = readFileSync(join(projectRoot, path), 'utf8')
      return [...text.matchAll(/getBuiltinModule\('([^']+)'\)/g)].map(([, name]) => `${path} -> ${name}`)
    })
    expect(loaded.sort()).toEqual([
      'src/consumer/consumer-streams.ts -> node:stream',
      'src/network/dial.ts -> node:net',
      'src/network/dial.ts -> node:tls',
      'src/producer/producer-streams.ts -> node:stream',
      'src/protocol/compression/native.ts -> node:module',
      'src/protocol/compression/zlib.ts -> node:zlib',
    ])
  })

  it('is never zlib or crypto, which cost a cold start', () => {
    const isCostly = ({ target, typeOnly }: Import) => /^(node:)?(zlib|crypto)$/.test(target) && !typeOnly
    expect(wrong(files, isCostly)).toEqual([])
  })

  it('is of no package but zod, which is built in', () => {
    const isForeign = ({ target }: Import) => !/^(src\/|node:|zod\/mini$)/.test(target)
    const library = files.filter(({ path }) => !path.startsWith('src/cli/'))
    expect(wrong(library, isForeign)).toEqual([])
    const isZod = ({ target }: Import) => target === 'zod/mini'
    const users = wrong(files, isZod).map((line) => line.split(' ')[0]!)
    expect(users.filter((path) => /^src\/(protocol|network|cluster)\//.test(path))).toEqual([])
  })

  it('is of the command no package but commander, which is built in', () => {
    const command = files.filter(({ path }) => path.startsWith('src/cli/'))
    const isForeign = ({ target }: Import) => !/^(src|node:)/.test(target)
    expect(new Set(wrong(command, isForeign).map((line) => line.split(' -> ')[1]))).toEqual(
      new Set(['commander']),
    )
  })
})
