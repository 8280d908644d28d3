import zlib from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { InvalidOptionError } from '../../src/errors.ts'
import { Producer } from '../../src/producer/producer.ts'
import { compressionLevel, type ParsedProducerOptions } from '../../src/producer/producer-options.ts'

function refusal(options: Readonly<Record<string, unknown>>): string {
  try {
    new Producer({ bootstrapServers: 'localhost:9092', ...options })
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError)
    return (error as Error).message
  }
  throw new Error(`taken: ${JSON.stringify(options)}`)
}

describe('options of a producer', () => {
  test.each<[Readonly<Record<string, unknown>>, RegExp]>([
    [{ acks: 2 }, /^producer options: acks is 2; allowed: "all", or -1, or 0, or 1$/],
    [{ batchSize: -1 }, /batchSize is -1; allowed: at least 0$/],
    [{ lingerMs: 1.5 }, /lingerMs is 1\.5; allowed: an integer$/],
    [{ lingerMs: '5' }, /lingerMs is "5"; allowed: a/],
    [{ bufferMemory: 0 }, /bufferMemory is 0; allowed: at least 1$/],
    [{ maxRequestSize: 2 ** 31 }, /maxRequestSize is 2147483648; allowed: at most 2147483647$/],
    [{ maxBlockMs: -5 }, /maxBlockMs is -5; allowed: at least 0$/],
    [
      { compressionType: 'lz5' },
      /compressionType is "lz5"; allowed: "none", "gzip", "snappy", "lz4", "zstd"$/,
    ],
    [{ compressionGzipLevel: 10 }, /compressionGzipLevel is 10; allowed: at most 9$/],
    [{ compressionLz4Level: 0 }, /compressionLz4Level is 0; allowed: at least 1$/],
    [{ compressionLz4Level: 18 }, /compressionLz4Level is 18; allowed: at most 17$/],
    [{ compressionZstdLevel: 23 }, /compressionZstdLevel is 23; allowed: at most 22$/],
    [{ compressionZstdLevel: -131_073 }, /compressionZstdLevel is -131073; allowed: at least -131072$/],
    [
      { partitioner: 'random' },
      /partitioner is "random"; allowed: "default", "roundRobin", "consistent", "consistentRandom", or a function$/,
    ],
    [{ valueSerializer: {} }, /valueSerializer is \{\}; allowed: an object with serialize\(\)$/],
    [{ linger: 5 }, /linger is not an option; allowed: .*lingerMs/],
    [{ linger_ms: 5 }, /linger_ms is not an option; did you mean lingerMs\?$/],
    [{ enableIdempotence: true, acks: 1 }, /with enableIdempotence, acks is 1; allowed: "all"$/],
    [
      { enableIdempotence: true, maxInFlightRequestsPerConnection: 6 },
      /with enableIdempotence, maxInFlightRequestsPerConnection is 6; allowed: at most 5$/,
    ],
    [{ enableIdempotence: true, retries: 0 }, /with enableIdempotence, retries is 0; allowed: at least 1$/],
    [
      { deliveryTimeoutMs: 1_000, requestTimeoutMs: 1_000 },
      /deliveryTimeoutMs is 1000; allowed: at least lingerMs \+ requestTimeoutMs, 1005$/,
    ],
  ])('%j is refused with its name, its value and what is allowed', (options, message) => {
    expect(refusal(options)).toMatch(message)
  })

  test('zstd is refused where Node has none, with what is there and what it takes', () => {
    const { zstdCompressSync: _, ...without } = zlib as typeof zlib & { zstdCompressSync?: unknown }
    const getModule = vi.spyOn(process, 'getBuiltinModule')
    getModule.mockImplementation(((name: string) => {
      expect(name).toBe('node:zlib')
      return without
    }) as typeof process.getBuiltinModule)
    try {
      expect(refusal({ compressionType: 'zstd' })).toBe(
        'producer options: compressionType is "zstd"; allowed: "none", "gzip", "snappy", "lz4"; ' +
          `"zstd" needs Node 22.15, 23.8 or newer, and this is ${process.version}`,
      )
    } finally {
      getModule.mockRestore()
    }
  })

  test('zstd is taken where Node has it', async () => {
    const withIt = {
      ...zlib,
      zstdCompressSync: () => Buffer.alloc(0),
      constants: { ZSTD_c_compressionLevel: 100 },
    }
    const getModule = vi.spyOn(process, 'getBuiltinModule')
    getModule.mockReturnValue(withIt as never)
    try {
      await new Producer({ bootstrapServers: 'localhost:9092', compressionType: 'zstd' }).close()
    } finally {
      getModule.mockRestore()
    }
  })

  test('what is not idempotent is fine as long as idempotence is not asked for by name', async () => {
    await new Producer({ bootstrapServers: 'localhost:9092', acks: 0 }).close()
    await new Producer({ bootstrapServers: 'localhost:9092', requestTimeoutMs: 600_000 }).close()
  })
})

test('the level is the one of the compression that is set', () => {
  const levels = { compressionGzipLevel: 1, compressionLz4Level: 2, compressionZstdLevel: 3 }
  const levelOf = (compressionType: ParsedProducerOptions['compressionType']) =>
    compressionLevel({ ...levels, compressionType })
  expect(levelOf('gzip')).toEqual({ level: 1 })
  expect(levelOf('lz4')).toEqual({ level: 2 })
  expect(levelOf('zstd')).toEqual({ level: 3 })
  expect([levelOf('snappy'), levelOf('none')]).toEqual([{}, {}])
})
