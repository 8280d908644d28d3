import * as z from 'zod/mini'
import type { TopicPartition } from '../cluster/partition-leaders.ts'
import { InvalidOptionError } from '../errors.ts'
import {
  type ClientOptions,
  clientFields,
  functionOption,
  objectWith,
  positiveInt32,
  shortMilliseconds,
} from '../options/client-options.ts'
import { parseOptions } from '../options/parse-options.ts'
import type { KafkaError } from '../protocol/errors.ts'
import type { Deserializer } from '../serializers.ts'
import type { ConsumerInterceptor } from './consumer-interceptors.ts'
import type { PartitionAssignor } from './group/assignors/assignor.ts'
import type { ConsumerStall } from './health.ts'
import { type AutoOffsetReset, resetDurationMs } from './offset-reset.ts'
import { SubscriptionPattern } from './subscription-pattern.ts'
import type { TopicOrPattern } from './topic-subscription.ts'

const assignorNames = ['range', 'roundrobin', 'sticky', 'cooperative-sticky'] as const

/** Java's protocol names of the assignors that are built in. */
export type AssignorName = (typeof assignorNames)[number]

/** What happens to partitions; a promise is awaited, but not beyond the time that the group allows. */
export type PartitionsHook = (partitions: TopicPartition[]) => void | Promise<void>

/** Options of a consumer; those of `Kafka` may be given again to change them for this one. */
export interface ConsumerOptions<K = Buffer | null, V = Buffer | null> extends Partial<ClientOptions> {
  /** Group to be a member of, or under whose name offsets are committed. Default: none. */
  groupId?: string | undefined
  /** Topics to subscribe to, by name or by pattern (RegExp, `SubscriptionPattern`); needs `groupId`. Patterns leave internal topics out. Default: none. */
  topics?: readonly TopicOrPattern[] | undefined
  /**
   * How the group works: `classic`, where one member assigns for all, or `consumer`, where the broker does, and nobody stops
   * for a rebalance that does not concern it (KIP-848; Kafka 4.0). The latter leaves `partitionAssignmentStrategy`,
   * `sessionTimeoutMs` and `heartbeatIntervalMs` to the broker. Default `classic`.
   */
  groupProtocol?: 'classic' | 'consumer' | undefined
  /** Assignor of the broker, with `groupProtocol: 'consumer'`: `uniform`, `range`, or what it has. Default: the broker's. */
  groupRemoteAssignor?: string | undefined
  /** Makes this a static member, which keeps its partitions over a restart (KIP-345). Default: a dynamic one. */
  groupInstanceId?: string | undefined
  /**
   * Where to begin without a committed offset, or when that is gone: `latest`, `earliest`, `none` for an error, or
   * `by_duration:PT1H` for what is no older than that ISO 8601 duration, else `latest` (KIP-1106). Default `latest`.
   */
  autoOffsetReset?: AutoOffsetReset | undefined
  /** Whether what is done is committed in the background, on revocation and on close; needs `groupId`. Default true. */
  enableAutoCommit?: boolean | undefined
  /**
   * Whether what is done is what an automatic commit commits. False: only what `storeOffset` was given, as in librdkafka;
   * `commit()` without offsets then means that too. Not Java's. Default true.
   */
  enableAutoOffsetStore?: boolean | undefined
  /**
   * Commits records before loops, polls, batches and `run` hand them out, so that none is handed out twice by the group;
   * what is in hand when a process dies is lost. It takes the place of automatic commits; needs `groupId`. Not Java's.
   * Default false.
   */
  atMostOnce?: boolean | undefined
  /** Between two commits in the background, in milliseconds. Default 5000. */
  autoCommitIntervalMs?: number | undefined
  /** `read_committed` leaves out records of aborted and open transactions. Default `read_uncommitted`. */
  isolationLevel?: 'read_uncommitted' | 'read_committed' | undefined
  /** Most records in one batch, and in what one `poll` gives. Default 500. */
  maxPollRecords?: number | undefined
  /** Longest time between two asks for records before the member counts as dead, in milliseconds. Default 300000. */
  maxPollIntervalMs?: number | undefined
  /** Time without a heartbeat after which the group gives our partitions to others, in milliseconds. Default 45000. */
  sessionTimeoutMs?: number | undefined
  /** Between two heartbeats, in milliseconds; less than `sessionTimeoutMs`, a third at best. Default 3000. */
  heartbeatIntervalMs?: number | undefined
  /** A broker answers when it has so many bytes, or after `fetchMaxWaitMs`. Default 1. */
  fetchMinBytes?: number | undefined
  /** Longest wait of a broker for `fetchMinBytes`, in milliseconds. Default 500. */
  fetchMaxWaitMs?: number | undefined
  /** Most bytes in one answer. A first batch that is larger comes all the same. Default 52428800. */
  fetchMaxBytes?: number | undefined
  /** Most bytes of one partition in one answer. A first batch that is larger comes all the same. Default 1048576. */
  maxPartitionFetchBytes?: number | undefined
  /**
   * Fetched bytes that may wait to be read, over all brokers; each broker has an equal share of it. Only a single batch
   * that is larger than a share goes beyond. Ours, not Java's. Default: twice `fetchMaxBytes`.
   */
  fetchBufferBytes?: number | undefined
  /** Whether checksums of batches are compared. Default true. */
  checkCrcs?: boolean | undefined
  /**
   * How the group shares out partitions, by Java's protocol names or as objects, the best first. Partitions are kept while
   * the group rebalances when all of them are cooperative. Default `['range','cooperative-sticky']`.
   */
  partitionAssignmentStrategy?: readonly (AssignorName | PartitionAssignor)[] | undefined
  /** Whether subscribing to a topic creates it where the broker is set up to do so. Default true. */
  allowAutoCreateTopics?: boolean | undefined
  /** Turns keys back, when a record's `key` is read. Null stays null. Default: keys are bytes. */
  keyDeserializer?: Deserializer<K> | undefined
  /** Turns values back, when a record's `value` is read. Null stays null. Default: values are bytes. */
  valueDeserializer?: Deserializer<V> | undefined
  /** See records before they are handed out, and commits. Default: none. */
  interceptors?: readonly ConsumerInterceptor<K, V>[] | undefined
  /** These have become ours. Nothing of them is handed out before it is over: it may `seek`. */
  onPartitionsAssigned?: PartitionsHook | undefined
  /** These go to somebody else; what is done is committed already, and more may be committed here. */
  onPartitionsRevoked?: PartitionsHook | undefined
  /** These went to somebody else; nothing can be committed any more. Default: `onPartitionsRevoked`. */
  onPartitionsLost?: PartitionsHook | undefined
  /** Length of one window over which `metrics()` takes averages and rates, in milliseconds. Default 30000. */
  metricsSampleWindowMs?: number | undefined
  /** How many such windows count. Default 2. */
  metricsNumSamples?: number | undefined
  /**
   * How long a partition with something to read may make no progress before `onStall` is told, in milliseconds; 0: it is
   * never told. Ours, not Java's. Default 60000.
   */
  stallWarningMs?: number | undefined
  /** Told what stands still, and what it waits for: once, until it goes on. Default: `onError` is, with the code STALLED. */
  onStall?: ((stall: ConsumerStall) => void) | undefined
  /** Told of trouble in the background from which the consumer recovers by itself. Default: nobody is. */
  onError?: ((error: KafkaError) => void) | undefined
}

/** The options as given, those of `Kafka` included. */
export type ConsumerConfig<K = Buffer | null, V = Buffer | null> = ConsumerOptions<K, V> & ClientOptions

const name = z.string().check(z.minLength(1))

const interceptorMethods = ['onConsume', 'onCommit', 'close'] as const

const interceptorOption = z.custom<ConsumerInterceptor<unknown, unknown>>((value) => {
  if (typeof value !== 'object' || value === null) return false
  const given = interceptorMethods.map((name) => (value as ConsumerInterceptor<unknown, unknown>)[name])
  return given.some(Boolean) && given.every((one) => one === undefined || typeof one === 'function')
}, 'an object with onConsume(), onCommit() or close()')

export const consumerOptions = z.strictObject({
  ...clientFields,
  groupId: z.optional(name),
  topics: z.optional(
    z.readonly(
      z.array(
        z.union([
          name,
          z.custom<RegExp | SubscriptionPattern>(
            (value) =>
              value instanceof SubscriptionPattern ||
              Object.prototype.toString.call(value) === '[object RegExp]',
            'a RegExp or a SubscriptionPattern',
          ),
        ]),
      ),
    ),
  ),
  groupProtocol: z._default(z.enum(['classic', 'consumer']), 'classic'),
  groupRemoteAssignor: z.optional(name),
  groupInstanceId: z.optional(name),
  autoOffsetReset: z._default(
    z.union([
      z.enum(['latest', 'earliest', 'none']),
      z.custom<`by_duration:${string}`>(
        (value) => typeof value === 'string' && resetDurationMs(value) !== null,
        '"by_duration:" with an ISO 8601 duration of days to seconds that is not negative, as "by_duration:PT1H"',
      ),
    ]),
    'latest',
  ),
  enableAutoCommit: z._default(z.boolean(), true),
  enableAutoOffsetStore: z._default(z.boolean(), true),
  atMostOnce: z._default(z.boolean(), false),
  autoCommitIntervalMs: z._default(shortMilliseconds, 5000),
  isolationLevel: z._default(z.enum(['read_uncommitted', 'read_committed']), 'read_uncommitted'),
  maxPollRecords: z._default(positiveInt32, 500),
  maxPollIntervalMs: z._default(positiveInt32, 300_000),
  sessionTimeoutMs: z._default(positiveInt32, 45_000),
  heartbeatIntervalMs: z._default(positiveInt32, 3000),
  fetchMinBytes: z._default(z.int().check(z.minimum(0), z.maximum(0x7fffffff)), 1),
  fetchMaxWaitMs: z._default(shortMilliseconds, 500),
  fetchMaxBytes: z._default(positiveInt32, 52_428_800),
  maxPartitionFetchBytes: z._default(positiveInt32, 1_048_576),
  fetchBufferBytes: z.optional(z.int().check(z.minimum(1), z.maximum(Number.MAX_SAFE_INTEGER))),
  checkCrcs: z._default(z.boolean(), true),
  partitionAssignmentStrategy: z._default(
    z
      .readonly(z.array(z.union([z.enum(assignorNames), objectWith<PartitionAssignor>('assign')])))
      .check(z.minLength(1)),
    ['range', 'cooperative-sticky'],
  ),
  allowAutoCreateTopics: z._default(z.boolean(), true),
  keyDeserializer: z.optional(objectWith<Deserializer<unknown>>('deserialize')),
  valueDeserializer: z.optional(objectWith<Deserializer<unknown>>('deserialize')),
  interceptors: z.optional(z.readonly(z.array(interceptorOption))),
  onPartitionsAssigned: z.optional(functionOption<PartitionsHook>()),
  onPartitionsRevoked: z.optional(functionOption<PartitionsHook>()),
  onPartitionsLost: z.optional(functionOption<PartitionsHook>()),
  metricsSampleWindowMs: z._default(shortMilliseconds.check(z.minimum(1)), 30_000),
  metricsNumSamples: z._default(z.int().check(z.minimum(1), z.maximum(1000)), 2),
  stallWarningMs: z._default(shortMilliseconds, 60_000),
  onStall: z.optional(functionOption<(stall: ConsumerStall) => void>()),
  onError: z.optional(functionOption<(error: KafkaError) => void>()),
})

export type ParsedConsumerOptions = z.output<typeof consumerOptions>

/** What the broker says with `groupProtocol: 'consumer'` (Java's `ConsumerConfig`). */
const classicOnly = ['partitionAssignmentStrategy', 'sessionTimeoutMs', 'heartbeatIntervalMs'] as const

function checkGroupProtocol(
  { groupProtocol, groupRemoteAssignor, topics }: ParsedConsumerOptions,
  given: unknown,
): void {
  if (groupProtocol === 'consumer') {
    const unfit = classicOnly.find((name) => (given as Record<string, unknown>)[name] !== undefined)
    if (unfit === undefined) return
    throw new InvalidOptionError(
      `consumer options: ${unfit} is the broker's to say with groupProtocol 'consumer'; allowed: only with 'classic'`,
    )
  }
  if (groupRemoteAssignor !== undefined) {
    throw new InvalidOptionError(
      `consumer options: groupRemoteAssignor is ${JSON.stringify(groupRemoteAssignor)}; allowed: only with groupProtocol 'consumer'`,
    )
  }
  const pattern = topics?.find((topic) => topic instanceof SubscriptionPattern)
  if (pattern === undefined) return
  throw new InvalidOptionError(
    `consumer options: topics has the SubscriptionPattern ${pattern}; allowed: only with groupProtocol 'consumer', else a RegExp`,
  )
}

/** Throws InvalidOptionError, also for options that are right each by itself and not together. */
export function parseConsumerOptions(given: unknown): ParsedConsumerOptions {
  const options = parseOptions('consumer', consumerOptions, given)
  const { groupId, topics, groupInstanceId, heartbeatIntervalMs, sessionTimeoutMs } = options
  if (groupId === undefined && topics !== undefined) {
    throw new InvalidOptionError(
      'consumer options: topics needs a groupId; without a group there is assign()',
    )
  }
  if (groupId === undefined && groupInstanceId !== undefined) {
    throw new InvalidOptionError('consumer options: groupInstanceId needs a groupId')
  }
  checkGroupProtocol(options, given)
  if (options.atMostOnce && groupId === undefined) {
    throw new InvalidOptionError(
      'consumer options: atMostOnce needs a groupId: without one nothing is committed',
    )
  }
  if (options.atMostOnce && !options.enableAutoOffsetStore) {
    throw new InvalidOptionError(
      'consumer options: atMostOnce commits by itself; with enableAutoOffsetStore: false that is up to storeOffset()',
    )
  }
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw new InvalidOptionError(
      `consumer options: heartbeatIntervalMs is ${heartbeatIntervalMs}; ` +
        `allowed: less than sessionTimeoutMs, which is ${sessionTimeoutMs}`,
    )
  }
  return options
}
