import * as z from 'zod/mini'
import {
  type ClientOptions,
  clientFields,
  functionOption,
  objectWith,
  positiveInt32,
  shortMilliseconds,
} from '../../options/client-options.ts'
import { parseOptions } from '../../options/parse-options.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import type { Deserializer } from '../../serializers.ts'
import type { AcknowledgementResult } from './share-types.ts'

/** Options of a share consumer; those of `Kafka` may be given again to change them for this one. */
export interface ShareConsumerOptions<K = Buffer | null, V = Buffer | null> extends Partial<ClientOptions> {
  /** Share group to be a member of. What it holds for its members is set on the group itself: `share.*` configs. */
  groupId: string
  /** Topics to subscribe to, by name. Default: none. */
  topics?: readonly string[] | undefined
  /**
   * `implicit`: what was handed out is accepted when more is asked for, and by `commit()`. `explicit`: each record has to
   * be acknowledged by `acknowledge()`. Default `implicit`.
   */
  shareAcknowledgementMode?: 'implicit' | 'explicit' | undefined
  /**
   * `batch_optimized`: whole batches are acquired, so that it may be more than `maxPollRecords`. `record_limit`: never more,
   * of one broker at a time (KIP-1206); needs Kafka 4.2. Default `batch_optimized`.
   */
  shareAcquireMode?: 'batch_optimized' | 'record_limit' | undefined
  /** Most records that one `poll` gives; about as many are acquired at a time. Default 500. */
  maxPollRecords?: number | undefined
  /** Longest time between two asks for records before the member leaves the group, in milliseconds. Default 300000. */
  maxPollIntervalMs?: number | undefined
  /** A broker answers when it has so many bytes, or after `fetchMaxWaitMs`. Default 1. */
  fetchMinBytes?: number | undefined
  /** Longest wait of a broker for `fetchMinBytes`, in milliseconds. Default 500. */
  fetchMaxWaitMs?: number | undefined
  /** Most bytes in one answer. A first batch that is larger comes all the same. Default 52428800. */
  fetchMaxBytes?: number | undefined
  /** Whether checksums of batches are compared. A batch with a wrong one is rejected. Default true. */
  checkCrcs?: boolean | undefined
  /** Whether subscribing to a topic creates it where the broker is set up to do so. Default true. */
  allowAutoCreateTopics?: boolean | undefined
  /** Turns keys back, when a record's `key` is read. Null stays null. Default: keys are bytes. */
  keyDeserializer?: Deserializer<K> | undefined
  /** Turns values back, when a record's `value` is read. Null stays null. Default: values are bytes. */
  valueDeserializer?: Deserializer<V> | undefined
  /** Length of one window over which `metrics()` takes averages and rates, in milliseconds. Default 30000. */
  metricsSampleWindowMs?: number | undefined
  /** How many such windows count. Default 2. */
  metricsNumSamples?: number | undefined
  /** Told what came of acknowledgements, by partition: Java's acknowledgement commit callback. Default: nobody is. */
  onAcknowledgementCommit?: ((result: AcknowledgementResult) => void) | undefined
  /** Told of trouble in the background from which the consumer recovers by itself. Default: nobody is. */
  onError?: ((error: KafkaError) => void) | undefined
}

/** The options as given, those of `Kafka` included. */
export type ShareConsumerConfig<K = Buffer | null, V = Buffer | null> = ShareConsumerOptions<K, V> &
  ClientOptions

const name = z.string().check(z.minLength(1))

export const shareConsumerOptions = z.strictObject({
  ...clientFields,
  groupId: name,
  topics: z.optional(z.readonly(z.array(name))),
  shareAcknowledgementMode: z._default(z.enum(['implicit', 'explicit']), 'implicit'),
  shareAcquireMode: z._default(z.enum(['batch_optimized', 'record_limit']), 'batch_optimized'),
  maxPollRecords: z._default(positiveInt32, 500),
  maxPollIntervalMs: z._default(positiveInt32, 300_000),
  fetchMinBytes: z._default(z.int().check(z.minimum(0), z.maximum(0x7fffffff)), 1),
  fetchMaxWaitMs: z._default(shortMilliseconds, 500),
  fetchMaxBytes: z._default(positiveInt32, 52_428_800),
  checkCrcs: z._default(z.boolean(), true),
  allowAutoCreateTopics: z._default(z.boolean(), true),
  keyDeserializer: z.optional(objectWith<Deserializer<unknown>>('deserialize')),
  valueDeserializer: z.optional(objectWith<Deserializer<unknown>>('deserialize')),
  metricsSampleWindowMs: z._default(shortMilliseconds.check(z.minimum(1)), 30_000),
  metricsNumSamples: z._default(z.int().check(z.minimum(1), z.maximum(1000)), 2),
  onAcknowledgementCommit: z.optional(functionOption<(result: AcknowledgementResult) => void>()),
  onError: z.optional(functionOption<(error: KafkaError) => void>()),
})

export type ParsedShareConsumerOptions = z.output<typeof shareConsumerOptions>

/** @throws InvalidOptionError that names the option, the value and what is allowed. */
export function parseShareConsumerOptions(given: unknown): ParsedShareConsumerOptions {
  return parseOptions('share consumer', shareConsumerOptions, given)
}
