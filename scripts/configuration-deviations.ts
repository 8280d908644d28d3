/** Java's name of an option where it is not the camelCase one with dots; null where Java has no such option. */
export const javaNames: Readonly<Record<string, string | null>> = {
  tls: 'ssl.*',
  sasl: 'sasl.*',
  connect: null,
  receiveMessageMaxBytes: null,
  partitioner: 'partitioner.class',
  interceptors: 'interceptor.classes',
  topics: null,
  fetchBufferBytes: null,
  enableAutoOffsetStore: null,
  atMostOnce: null,
  onPartitionsAssigned: null,
  onPartitionsRevoked: null,
  onPartitionsLost: null,
  stallWarningMs: null,
  onStall: null,
  onAcknowledgementCommit: null,
  onError: null,
}

/** What a Java user would not expect, with the reason: a title and a text each. */
export const deviations: readonly (readonly [string, string])[] = [
  [
    '`tls` and `sasl` are objects.',
    "`security.protocol` follows from which of the two are set. `tls` takes what Node's `tls.connect` takes: PEM texts in `ca`, `cert` and `key` in place of key stores. `sasl` has user name and password in place of `sasl.jaas.config`, or is a mechanism of your own.",
  ],
  [
    'Functions and objects in place of class names.',
    '`partitioner`, `partitionAssignmentStrategy`, `keySerializer` and their like take them; there is nothing to load by name.',
  ],
  ['`bootstrapServers` may be an array,', 'and a listener name before `://` is dropped.'],
  ['`clientId` is `kafkawire`', 'when none is given. Java makes up one for each client.'],
  [
    '`receiveMessageMaxBytes`',
    'bounds what is taken into memory for one answer, as in librdkafka. A peer that is not Kafka fails at once by it, where Java waits for gigabytes. Raise it along with `fetchMaxBytes`.',
  ],
  [
    '`connectionsMaxIdleMs` is looked at when a connection is used,',
    'not by a timer alone: timers of a process that was frozen have not run.',
  ],
  [
    '`lingerMs` counts only while the broker is busy.',
    'A batch leaves at the end of the microtasks when nothing is in flight to its broker. An awaited single send pays no linger, and a busy producer fills its batches all the same.',
  ],
  [
    '`batchSize` is the size from which a batch may leave, not its bound.',
    'While all request slots of its broker are taken, the open batch goes on growing, up to `maxRequestSize`: more records to a request when it matters.',
  ],
  [
    '`bufferMemory` is felt in two ways.',
    '`send` and `sendMany` wait for room up to `maxBlockMs`, as in Java. `produce` has no promise to wait with: it returns `false` when enough is waiting, and `await producer.drained()` waits.',
  ],
  [
    '`partitioner` has two names of librdkafka,',
    '`consistent` and `consistentRandom`, for topics that its clients write to as well. It takes an empty key for none; the others go by the CRC-32 of the key.',
  ],
  [
    '`partitionerAdaptivePartitioningEnable` counts a large batch as several',
    "of `batchSize`: Java's batches never grow beyond it, and its weights are the numbers of batches that wait.",
  ],
  [
    'What `interceptors` throw is told to `onError`,',
    'where Java writes it to its log. The record goes on as it was. An `onAcknowledgement` also gets the record.',
  ],
  [
    '`enableIdempotence` gives way to options that go against it',
    '(`acks`, `retries: 0`, more than five in flight) unless it was set by name, as in Java; and to brokers before 0.11, which do not know it.',
  ],
  [
    "`compressionType: 'zstd'` needs Node 22.15, 23.8 or newer",
    'to write; reading works on every Node. Any other refuses it with an error that says so.',
  ],
  [
    '`partitionAssignmentStrategy` takes names and objects:',
    "Java's protocol names (`range`, `roundrobin`, `sticky`, `cooperative-sticky`) in place of classes, or an assignor of one's own.",
  ],
  ['`topics` subscribes at once,', 'in place of a call of `subscribe`, which exists too.'],
  [
    'The hooks are options',
    'in place of a `ConsumerRebalanceListener`. They may be async; what they return is awaited.',
  ],
  [
    '`fetchBufferBytes`',
    'bounds what is fetched and not read yet, over all brokers. Java has no bound over all of them.',
  ],
  [
    '`enableAutoOffsetStore: false`',
    'has automatic commits go by `consumer.storeOffset(...)` and not by what is done, as in librdkafka. Java has no such option.',
  ],
  [
    '`atMostOnce`',
    'commits before records are handed out, in place of automatic commits. In Java that is a `commitSync` before the work.',
  ],
  [
    "An interceptor's `onConsume` gets the records of one partition at a time,",
    'as they are handed out; Java has it see all that one `poll` gives.',
  ],
  [
    '`stallWarningMs` and `onStall`',
    'tell of a partition that has something to read and gets no further, and what it waits for. Java has nothing like it.',
  ],
  [
    'The consumer has no option `retries`,',
    'as in Java: what can be retried is, until the deadline of the call; in the background, for as long as the consumer is open, and `onError` is told.',
  ],
  [
    "`groupProtocol: 'consumer'` with a pattern:",
    "a `SubscriptionPattern` is for the broker to match, a RegExp is matched by the client in both protocols. `topics` takes names and both together, where Java's `subscribe` takes one kind.",
  ],
]

export type ClientName = 'producer' | 'consumer' | 'admin'

/** An option of Java's that is not here. A name that ends with `*` stands for all that begin so. */
export interface MissingOption {
  readonly name: string
  readonly clients: readonly ClientName[]
  readonly reason: string
}

const all = ['producer', 'consumer', 'admin'] as const

/** By name. `test/docs/java-options.test.ts` holds it against the options of Java's clients. */
export const missingOptions: readonly MissingOption[] = [
  {
    name: 'bootstrap.controllers',
    clients: ['admin'],
    reason:
      'Not there yet: the admin client asks brokers, which pass on to the controllers what is for them.',
  },
  {
    name: 'bootstrap.resolve.timeout.ms',
    clients: all,
    reason:
      'Names are looked up with each connection, within the deadline of the call; nothing is looked up by the constructor.',
  },
  {
    name: 'client.dns.lookup',
    clients: all,
    reason: 'All addresses of a name are tried, as by its default. For anything else there is `connect`.',
  },
  {
    name: 'config.providers',
    clients: all,
    reason:
      'Options are code: read secrets from where they are. Mechanisms of your own in `sasl` are asked at each connection.',
  },
  {
    name: 'enable.metrics.push',
    clients: all,
    reason: 'Not there yet: nothing is pushed to brokers (KIP-714).',
  },
  {
    name: 'exclude.internal.topics',
    clients: ['consumer'],
    reason:
      'Patterns in `topics` leave internal topics out, as by its default; by name they can be subscribed to.',
  },
  {
    name: 'metadata.cluster.check.enable',
    clients: all,
    reason:
      'Not there yet: it needs version 5 of ApiVersions, which brokers have from Kafka 4.4 on (KIP-1242).',
  },
  {
    name: 'metadata.max.idle.ms',
    clients: ['producer'],
    reason:
      'Topics are asked for again only when they are used, so an idle one costs nothing that could be saved.',
  },
  {
    name: 'metadata.recovery.rebootstrap.trigger.ms',
    clients: all,
    reason:
      'There is nothing to wait for: the bootstrap servers are asked as soon as no known broker answers.',
  },
  {
    name: 'metric.reporters',
    clients: all,
    reason:
      'There is no JMX in Node: read `await client.metrics()` of a producer or consumer when it suits your monitoring.',
  },
  {
    name: 'metrics.num.samples',
    clients: ['admin'],
    reason: 'Not there yet; the other clients have it.',
  },
  {
    name: 'metrics.recording.level',
    clients: all,
    reason: 'What is measured is counted by batch and by request, and cheap enough to be always on.',
  },
  {
    name: 'metrics.sample.window.ms',
    clients: ['admin'],
    reason: 'Not there yet; the other clients have it.',
  },
  {
    name: 'receive.buffer.bytes',
    clients: all,
    reason: 'Node sets no buffer sizes of TCP sockets; those of the system grow by themselves.',
  },
  {
    name: 'retries',
    clients: ['admin'],
    reason: 'What can be retried is, until `defaultApiTimeoutMs` or the deadline of the call.',
  },
  {
    name: 'sasl.client.callback.handler.class',
    clients: all,
    reason: '`sasl` takes a mechanism of your own, an object, in place of callbacks.',
  },
  {
    name: 'sasl.kerberos.*',
    clients: all,
    reason: '`sasl` takes a mechanism of your own; GSSAPI is not built in.',
  },
  {
    name: 'sasl.login.*',
    clients: all,
    reason:
      'There is no login apart from the connection: a mechanism is asked for its credentials at each one.',
  },
  {
    name: 'sasl.oauthbearer.*',
    clients: all,
    reason: 'Not built in yet: `sasl` takes a mechanism of your own, which can fetch tokens.',
  },
  {
    name: 'security.protocol',
    clients: all,
    reason: 'It follows from whether `tls` and `sasl` are set.',
  },
  { name: 'security.providers', clients: all, reason: 'They belong to the JVM; TLS is that of Node.' },
  { name: 'send.buffer.bytes', clients: all, reason: 'As `receive.buffer.bytes`.' },
  {
    name: 'share.acknowledgement.mode',
    clients: ['consumer'],
    reason: '`kafka.shareConsumer` has it.',
  },
  { name: 'share.acquire.mode', clients: ['consumer'], reason: '`kafka.shareConsumer` has it.' },
  {
    name: 'transaction.two.phase.commit.enable',
    clients: ['producer'],
    reason: 'Not there yet: it is for coordinators of their own that prepare transactions (KIP-939).',
  },
]
