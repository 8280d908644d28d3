import * as z from 'zod/mini'
import {
  type ClientOptions,
  clientFields,
  functionOption,
  milliseconds,
  objectWith,
  positiveInt32,
  shortMilliseconds,
} from '../options/client-options.ts'
import { type CompressionOptions, compressionTypes } from '../protocol/compression/codec.ts'
import { zstdOfNode } from '../protocol/compression/zlib.ts'
import type { KafkaError } from '../protocol/errors.ts'
import type { Serializer } from '../serializers.ts'
import type { ProducerInterceptor } from './interceptors.ts'
import type { Partitioner } from './partitioner.ts'

/** Options of a producer; those of `Kafka` may be given again to change them for this one. */
export interface ProducerOptions<K, V> extends Partial<ClientOptions> {
  /** Who must have a batch before it counts: `all` in-sync replicas (-1), the leader (1), or nobody (0). Default `all`. */
  acks?: 'all' | -1 | 0 | 1 | undefined
  /**
   * A batch of at least so many bytes leaves as soon as its broker takes a request more; while the broker is busy it
   * goes on growing, up to `maxRequestSize`. 0: a batch for each record. Default 16384.
   */
  batchSize?: number | undefined
  /** How long a batch waits for more while its broker is busy, in milliseconds. An idle broker gets it at once. Default 5. */
  lingerMs?: number | undefined
  /** Bytes that may wait for delivery. `send` then waits, and `produce` returns false in good time. Default 33554432. */
  bufferMemory?: number | undefined
  /** Longest wait for room in the buffer and for metadata, in milliseconds. Default 60000. */
  maxBlockMs?: number | undefined
  /** Largest batch, in bytes, and so the largest record. Default 1048576. */
  maxRequestSize?: number | undefined
  /** Longest time from taking a record to the answer, retries included, in milliseconds. Default 120000. */
  deliveryTimeoutMs?: number | undefined
  /** Unanswered requests per broker. With idempotence at most 5. Default 5. */
  maxInFlightRequestsPerConnection?: number | undefined
  /** Each batch is written once and in order, whatever has to be repeated. Needs acks `all`. Default true. */
  enableIdempotence?: boolean | undefined
  /**
   * The name under which transactions are made, the same after a restart: a producer that claims it ends those of the
   * one before, which is fenced from then on (KIP-98). Needs idempotence. Default: there are no transactions.
   */
  transactionalId?: string | undefined
  /** The coordinator aborts a transaction that is open for longer, in milliseconds. Default 60000. */
  transactionTimeoutMs?: number | undefined
  /** Attempts after the first; `deliveryTimeoutMs` is the bound to set. Default 2147483647. */
  retries?: number | undefined
  /**
   * How batches are compressed. Snappy and lz4 take native packages (`snappy`, `lz4-napi`) where they are installed, and
   * `zstd` needs Node 22.15, 23.8 or newer. Default `none`.
   */
  compressionType?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd' | undefined
  /** 1 (fastest) to 9; -1 is zlib's own choice (KIP-390). Default -1. */
  compressionGzipLevel?: number | undefined
  /** 1 to 17; as in Java 9 is the quick way and any other searches longer, the higher the longer (KIP-390). Default 9. */
  compressionLz4Level?: number | undefined
  /** -131072 (fastest) to 22 (KIP-390). Default 3. */
  compressionZstdLevel?: number | undefined
  /**
   * Which partition a record without one goes to. `default`: by murmur2 of the key as Java does, and for null keys
   * one partition after the other, a batch each, more often those that are quick (KIP-794). `consistent`: by CRC-32 of
   * the key as librdkafka does, null like an empty one; `consistentRandom`, librdkafka's default, gives null and empty
   * keys to one partition after the other. Default `default`.
   */
  partitioner?: 'default' | 'roundRobin' | 'consistent' | 'consistentRandom' | Partitioner | undefined
  /** Whether the default partitioner treats keyed records as if they had none. Default false. */
  partitionerIgnoreKeys?: boolean | undefined
  /** Whether quick partitions get more of the records without a key (KIP-794). Default true. */
  partitionerAdaptivePartitioningEnable?: boolean | undefined
  /**
   * How long a broker may take nothing, while records wait for it, before its partitions get no more records without a
   * key, in milliseconds (KIP-794). 0: as long as it likes. Without effect when adaptive partitioning is off. Default 0.
   */
  partitionerAvailabilityTimeoutMs?: number | undefined
  /** Whether records without a key go to partitions that are led in `clientRack`, if there are any (KIP-1123). Default false. */
  partitionerRackAware?: boolean | undefined
  /** Told of each record before it is serialized, and of what became of it; in this order. Default: none. */
  interceptors?: readonly ProducerInterceptor<K, V>[] | undefined
  /** Told of trouble in the background that costs no record: an interceptor that threw. Default: nobody is. */
  onError?: ((error: KafkaError) => void) | undefined
  /** Length of one window over which `metrics()` takes averages and rates, in milliseconds. Default 30000. */
  metricsSampleWindowMs?: number | undefined
  /** How many such windows count. Default 2. */
  metricsNumSamples?: number | undefined
  /** Turns keys into bytes. Default: keys are strings, bytes or null. */
  keySerializer?: Serializer<K> | undefined
  /** Turns values into bytes. Default: values are strings, bytes or null. */
  valueSerializer?: Serializer<V> | undefined
}

/** The options as given, those of `Kafka` included. */
export type ProducerConfig<K, V> = ProducerOptions<K, V> & ClientOptions

/** Each is written everywhere, but zstd, which is the work of Node. Zlib is loaded only for who asks for zstd. */
const writableHere = z.refine<string>((name) => name !== 'zstd' || zstdOfNode() !== null, {
  error: () => {
    const others = compressionTypes.filter((name) => name !== 'zstd').map((name) => JSON.stringify(name))
    return `${others.join(', ')}; "zstd" needs Node 22.15, 23.8 or newer, and this is ${process.version}`
  },
})

const interceptorMethods = ['onSend', 'onAcknowledgement', 'close'] as const

const interceptorOption = z.custom<ProducerInterceptor<unknown, unknown>>((value) => {
  if (typeof value !== 'object' || value === null) return false
  const given = interceptorMethods.map((name) => (value as ProducerInterceptor<unknown, unknown>)[name])
  return given.some(isFunction) && given.every((method) => method === undefined || isFunction(method))
}, 'an object with onSend(), onAcknowledgement() or close()')

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

export const producerOptions = z.strictObject({
  ...clientFields,
  acks: z._default(z.union([z.literal('all'), z.literal(-1), z.literal(0), z.literal(1)]), 'all'),
  batchSize: z._default(z.int().check(z.minimum(0), z.maximum(0x7fffffff)), 16_384),
  lingerMs: z._default(shortMilliseconds, 5),
  bufferMemory: z._default(z.int().check(z.minimum(1), z.maximum(Number.MAX_SAFE_INTEGER)), 33_554_432),
  maxBlockMs: z._default(milliseconds, 60_000),
  maxRequestSize: z._default(positiveInt32, 1_048_576),
  deliveryTimeoutMs: z._default(shortMilliseconds, 120_000),
  maxInFlightRequestsPerConnection: z._default(positiveInt32, 5),
  enableIdempotence: z.optional(z.boolean()),
  transactionalId: z.optional(z.string().check(z.minLength(1))),
  transactionTimeoutMs: z._default(positiveInt32, 60_000),
  retries: z._default(z.int().check(z.minimum(0), z.maximum(0x7fffffff)), 0x7fffffff),
  compressionType: z._default(z.enum(compressionTypes).check(writableHere), 'none'),
  compressionGzipLevel: z._default(z.int().check(z.minimum(-1), z.maximum(9)), -1),
  compressionLz4Level: z._default(z.int().check(z.minimum(1), z.maximum(17)), 9),
  compressionZstdLevel: z._default(z.int().check(z.minimum(-131_072), z.maximum(22)), 3),
  partitioner: z._default(
    z.union([
      z.enum(['default', 'roundRobin', 'consistent', 'consistentRandom']),
      functionOption<Partitioner>(),
    ]),
    'default',
  ),
  partitionerIgnoreKeys: z._default(z.boolean(), false),
  partitionerAdaptivePartitioningEnable: z._default(z.boolean(), true),
  partitionerAvailabilityTimeoutMs: z._default(milliseconds, 0),
  partitionerRackAware: z._default(z.boolean(), false),
  interceptors: z.optional(z.array(interceptorOption)),
  onError: z.optional(functionOption<(error: KafkaError) => void>()),
  metricsSampleWindowMs: z._default(shortMilliseconds.check(z.minimum(1)), 30_000),
  metricsNumSamples: z._default(z.int().check(z.minimum(1), z.maximum(1000)), 2),
  keySerializer: z.optional(objectWith<Serializer<unknown>>('serialize')),
  valueSerializer: z.optional(objectWith<Serializer<unknown>>('serialize')),
})

export type ParsedProducerOptions = z.output<typeof producerOptions>

/** The level of the compression that is set; snappy has none. */
export function compressionLevel(
  options: Pick<
    ParsedProducerOptions,
    'compressionType' | 'compressionGzipLevel' | 'compressionLz4Level' | 'compressionZstdLevel'
  >,
): CompressionOptions {
  switch (options.compressionType) {
    case 'gzip':
      return { level: options.compressionGzipLevel }
    case 'lz4':
      return { level: options.compressionLz4Level }
    case 'zstd':
      return { level: options.compressionZstdLevel }
    default:
      return {}
  }
}
