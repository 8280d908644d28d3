import { describe, expect, test } from 'vitest'
import { InvalidOptionError } from '../../src/errors.ts'
import { Producer } from '../../src/producer/producer.ts'

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
    [{ compressionType: 'lz5' }, /compressionType is "lz5"; allowed: "none", "gzip"$/],
    [{ compressionGzipLevel: 10 }, /compressionGzipLevel is 10; allowed: at most 9$/],
    [
      { partitioner: 'random' },
      /partitioner is "random"; allowed: "default", or "roundRobin", or a function$/,
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

  test('what is not idempotent is fine as long as idempotence is not asked for by name', async () => {
    await new Producer({ bootstrapServers: 'localhost:9092', acks: 0 }).close()
    await new Producer({ bootstrapServers: 'localhost:9092', requestTimeoutMs: 600_000 }).close()
  })
})
