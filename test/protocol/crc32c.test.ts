import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { crc32c, crc32cWithoutWasm } from '../../src/protocol/crc32c.ts'
import { vectors } from '../support/vectors.ts'

interface ChecksumVector {
  type: string
  crc32c: number
  hex: string
}

const checksums = vectors<ChecksumVector>('primitives').filter(({ type }) => type === 'checksum')

describe('crc32c', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.resetModules()
  })

  test(`agrees with Java on ${checksums.length} vectors, by either loop`, () => {
    expect(checksums.length).toBeGreaterThan(0)
    for (const { crc32c: expected, hex } of checksums) {
      expect(crc32c(Buffer.from(hex, 'hex'))).toBe(expected)
      expect(crc32cWithoutWasm(Buffer.from(hex, 'hex'))).toBe(expected)
    }
  })

  test('is the same by both loops at every start, length and chunk border', () => {
    const bytes = Uint8Array.from({ length: 140_000 }, (_, i) => (i * 2_654_435_761) >>> 13)
    for (const length of [159, 160, 161, 175, 176, 4096, 32_767, 32_768, 32_769, 65_536, 65_537, 131_075]) {
      for (let start = 0; start < 20; start++) {
        expect(crc32c(bytes, start, start + length), `${length} bytes from ${start}`).toBe(
          crc32cWithoutWasm(bytes, start, start + length),
        )
      }
    }
  })

  test('agrees with the definition, bit by bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        let crc = -1
        for (const byte of bytes) {
          crc ^= byte
          for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
        }
        expect(crc32c(bytes)).toBe(~crc >>> 0)
      }),
    )
  })

  test.each([
    ['is missing', undefined],
    [
      'may not be compiled',
      {
        Module: class {
          constructor() {
            throw new EvalError('Wasm code generation disallowed by embedder')
          }
        },
      },
    ],
  ])('falls back to JavaScript where WebAssembly %s', async (_, stub) => {
    vi.stubGlobal('WebAssembly', stub)
    vi.resetModules()
    const fresh = await import('../../src/protocol/crc32c.ts')
    expect(fresh.crc32c(new Uint8Array(1000).fill(0x61))).toBe(
      crc32cWithoutWasm(new Uint8Array(1000).fill(0x61)),
    )
  })

  test('compiles its WebAssembly module where that is allowed', async () => {
    const { Module: compile, Instance } = Reflect.get(globalThis, 'WebAssembly') as Record<
      string,
      new () => object
    >
    const Module = vi.fn(compile!)
    vi.stubGlobal('WebAssembly', { Module, Instance })
    vi.resetModules()
    const fresh = await import('../../src/protocol/crc32c.ts')
    expect(Module).not.toHaveBeenCalled()
    fresh.crc32c(new Uint8Array(1000))
    fresh.crc32c(new Uint8Array(1000))
    expect(Module).toHaveBeenCalledTimes(1)
  })
})
