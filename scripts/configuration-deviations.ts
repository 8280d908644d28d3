/** Java's name of an option where it is not the camelCase one with dots; null where Java has no such option. */
export const javaNames: Readonly<Record<string, string | null>> = {
  tls: 'ssl.*',
  sasl: 'sasl.*',
  connect: null,
  receiveMessageMaxBytes: null,
  partitioner: 'partitioner.class',
  topics: null,
  fetchBufferBytes: null,
  onPartitionsAssigned: null,
  onPartitionsRevoked: null,
  onPartitionsLost: null,
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
    '`enableIdempotence` gives way to options that go against it',
    '(`acks`, `retries: 0`, more than five in flight) unless it was set by name, as in Java; and to brokers before 0.11, which do not know it.',
  ],
  [
    "`compressionType: 'zstd'` needs Node 22.15, 23.8 or newer",
    'to write; reading works on every Node. Any other refuses it with an error that says so.',
  ],
  [
    "`partitionAssignmentStrategy` is `['range']`.",
    "Java's default has `cooperative-sticky` as its second choice, which is not there yet. A group whose Java members have both goes on with `range`.",
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
    'The consumer has no option `retries`,',
    'as in Java: what can be retried is, until the deadline of the call; in the background, for as long as the consumer is open, and `onError` is told.',
  ],
  ['`group.protocol` is not there yet:', 'members are of the classic protocol.'],
]
