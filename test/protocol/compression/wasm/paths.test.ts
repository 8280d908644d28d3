import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { lz4Compress, lz4CompressWithoutWasm } from '../../../../src/protocol/compression/lz4-compressor.ts'
import {
  lz4Decompress,
  lz4DecompressWithoutWasm,
} from '../../../../src/protocol/compression/lz4-decompress.ts'
import {
  snappyCompress,
  snappyCompressWithoutWasm,
} from '../../../../src/protocol/compression/snappy-compressor.ts'
import {
  snappyDecompress,
  snappyDecompressWithoutWasm,
} from '../../../../src/protocol/compression/snappy-decompress.ts'
import { Expander, openExpander } from '../../../../src/protocol/compression/wasm/expander.ts'
import { xxhash32 } from '../../../../src/protocol/compression/xxhash32.ts'
import { sample, samples } from '../samples.ts'

const codecs = [
  {
    name: 'snappy',
    compress: snappyCompress,
    compressWithoutWasm: snappyCompressWithoutWasm,
    decompress: snappyDecompress,
    decompressWithoutWasm: snappyDecompressWithoutWasm,
  },
  {
    name: 'lz4',
    compress: lz4Compress,
    compressWithoutWasm: lz4CompressWithoutWasm,
    decompress: lz4Decompress,
    decompressWithoutWasm: lz4DecompressWithoutWasm,
  },
] as const

const contents = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 400 })), {
    minLength: 1,
    maxLength: 8,
  })
  .map((pieces) => Buffer.concat(pieces.map(([piece, times]) => Buffer.alloc(piece.length * times, piece))))
  .map((bytes) => bytes.subarray(0, 200_000))

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  vi.resetModules()
})

describe.each(codecs)(
  '$name',
  ({ name, compress, compressWithoutWasm, decompress, decompressWithoutWasm }) => {
    test('is compressed to the same bytes by WebAssembly and by JavaScript', () => {
      for (const { name: about, bytes } of samples) {
        expect(Buffer.compare(compress(bytes), compressWithoutWasm(bytes)), about).toBe(0)
      }
      fc.assert(
        fc.property(contents, (bytes) => Buffer.compare(compress(bytes), compressWithoutWasm(bytes)) === 0),
        { numRuns: 60 },
      )
    })

    test('is so at every short length, and around the end of a block', () => {
      const bytes = Buffer.concat([sample('json lines'), sample('zeros')])
      const lengths = Array.from({ length: 600 }, (_, i) => (i < 540 ? i : 65_536 - 30 + (i - 540)))
      for (const length of lengths) {
        for (const start of [3, 139_990]) {
          const part = bytes.subarray(start, start + length)
          const packed = compress(part)
          expect(Buffer.compare(packed, compressWithoutWasm(part)), `${length} from ${start}`).toBe(0)
          expect(Buffer.compare(decompress(packed, length), part), `${length} from ${start}`).toBe(0)
        }
      }
    })

    test('is expanded by WebAssembly alone when it is right', () => {
      const expand = vi.spyOn(Expander.prototype, name)
      for (const { bytes } of samples) {
        expect(Buffer.compare(decompress(compress(bytes), bytes.length), bytes)).toBe(0)
      }
      const results = expand.mock.results.map(({ value }) => value as number | boolean)
      expect(results.length).toBeGreaterThan(samples.length)
      expect(results.filter((value) => value === false || value === -1)).toEqual([])
    })

    test('gives what the JavaScript gives when it is wrong: the same error, at the same place', () => {
      const packed = compress(sample('few json lines'))
      let thrown = 0
      for (let at = 0; at < packed.length; at++) {
        for (const value of [0, 1, 0x0f, 0x7f, 0x80, 0xf0, 0xff]) {
          const changed = Uint8Array.from(packed)
          changed[at] = value
          const expected = outcome(() => decompressWithoutWasm(changed, 2000))
          expect(outcome(() => decompress(changed, 2000))).toBe(expected)
          if (expected.startsWith('MALFORMED')) thrown++
        }
      }
      expect(thrown).toBeGreaterThan(300)
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
      [
        'has no memory left',
        {
          Module: class {},
          Instance: class {
            constructor() {
              throw new RangeError('WebAssembly.Instance(): Out of memory')
            }
          },
        },
      ],
    ])('goes by JavaScript where WebAssembly %s', async (_, stub) => {
      vi.stubGlobal('WebAssembly', stub)
      vi.resetModules()
      const folder = '../../../../src/protocol/compression'
      const writer = (await import(`${folder}/${name}-compressor.ts`)) as Record<string, typeof compress>
      const reader = (await import(`${folder}/${name}-decompress.ts`)) as Record<string, typeof decompress>
      const { bytes } = samples.find(({ name: about }) => about === 'json lines')!
      const packed = writer[`${name}Compress`]!(bytes)
      expect(Buffer.compare(packed, compressWithoutWasm(bytes))).toBe(0)
      expect(Buffer.compare(reader[`${name}Decompress`]!(packed, bytes.length), bytes)).toBe(0)
    })

    test('compiles each module once, when first needed', async () => {
      const { Module, Instance } = Reflect.get(globalThis, 'WebAssembly') as Record<string, new () => object>
      const compile = vi.fn(Module!)
      vi.stubGlobal('WebAssembly', { Module: compile, Instance })
      vi.resetModules()
      const folder = '../../../../src/protocol/compression'
      const writer = (await import(`${folder}/${name}-compressor.ts`)) as Record<string, typeof compress>
      const reader = (await import(`${folder}/${name}-decompress.ts`)) as Record<string, typeof decompress>
      const bytes = sample('json lines')
      expect(compile).not.toHaveBeenCalled()
      const packed = writer[`${name}Compress`]!(bytes)
      writer[`${name}Compress`]!(bytes)
      expect(compile).toHaveBeenCalledTimes(1)
      reader[`${name}Decompress`]!(packed, bytes.length)
      reader[`${name}Decompress`]!(packed, bytes.length)
      expect(compile).toHaveBeenCalledTimes(2)
    })

    test('is read though the memory may not grow', () => {
      const { bytes } = samples.find(({ name: about }) => about === 'far repeats')!
      vi.spyOn(Expander.prototype, 'load').mockReturnValue(false)
      expect(Buffer.compare(decompress(compress(bytes), bytes.length), bytes)).toBe(0)
    })
  },
)

describe('Expander', () => {
  const expander = openExpander()!

  test('takes what needs 6 MiB, and leaves to others what needs more', () => {
    const input = new Uint8Array(1024)
    expect(expander.load(input, 0, 1024, 6 * 1024 * 1024 - 1024 - 128)).toBe(true)
    expect(expander.load(input, 0, 1024, 6 * 1024 * 1024 - 1024 - 127)).toBe(false)
  })

  test('fails cleanly where its memory cannot grow', () => {
    const memory = {
      buffer: new ArrayBuffer(65_536),
      grow: () => {
        throw new RangeError('WebAssembly.Memory.grow(): Unable to grow instance memory')
      },
    }
    const small = new Expander({ memory, snappy: () => 0, lz4: () => -1 })
    expect(small.load(new Uint8Array(10), 0, 10, 1000)).toBe(true)
    expect(small.load(new Uint8Array(10), 0, 10, 100_000)).toBe(false)
  })

  test('expands larger frames of LZ4 block by block', () => {
    const bytes = Buffer.alloc(8_000_000, sample('json lines'))
    const expand = vi.spyOn(Expander.prototype, 'lz4')
    expect(Buffer.compare(lz4Decompress(lz4Compress(bytes), bytes.length), bytes)).toBe(0)
    expect(expand).toHaveBeenCalledTimes(Math.ceil(bytes.length / 65_536))
    expect(expand.mock.results.every(({ value }) => (value as number) > 0)).toBe(true)
  })

  test('copies out of earlier blocks of a frame where they are linked, and checks the checksum of the content', () => {
    const text = sample('few json lines')
    const literals = Buffer.concat([Buffer.of(0xf0, 255, 255, 255, text.length - 15 - 765), text])
    const again = Buffer.of(0x0f, text.length & 255, text.length >>> 8, 255, 100, 0x10, 33)
    const content = Buffer.concat([text, text.subarray(0, 374), Buffer.from('!')])
    const word = (value: number) => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32LE(value)
      return bytes
    }
    const header = Buffer.of(0x04, 0x22, 0x4d, 0x18, 0x44, 0x40, 0)
    header[6] = (xxhash32(header, 4, 6) >>> 8) & 255
    const blocks = [literals, again].flatMap((block) => [word(block.length), block])
    const frame = Buffer.concat([header, ...blocks, word(0), word(xxhash32(content))])
    const expand = vi.spyOn(Expander.prototype, 'lz4')
    expect(String(lz4Decompress(frame, content.length))).toBe(String(content))
    expect(expand.mock.results.map(({ value }) => value as number)).toEqual([text.length, content.length])
    frame[frame.length - 1]! ^= 1
    expect(outcome(() => lz4Decompress(frame, content.length))).toBe(
      outcome(() => lz4DecompressWithoutWasm(frame, content.length)),
    )
    expect(outcome(() => lz4Decompress(frame, content.length))).toContain(
      'the checksum of the content is wrong',
    )
  })
})

/** Bytes as text, or the code, message and place of an error. */
function outcome(run: () => Uint8Array): string {
  try {
    return Buffer.from(run()).toString('hex')
  } catch (error) {
    const { code, message, offset } = error as Error & { code: string; offset: number }
    return `${code} ${message} ${offset}`
  }
}
