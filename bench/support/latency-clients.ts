import { Kafka, string } from '../../src/index.ts'
import { imported, type PeerPackage, required, titleOf } from './peer-packages.ts'

/** Milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

interface Job {
  readonly bootstrapServers: string
  readonly topic: string
  readonly groupId: string
  readonly onValue: (value: string) => void
}

interface Running {
  /** Sends one message, without waiting for it. */
  readonly send: (value: string) => void
  readonly close: () => Promise<void>
}

export interface LatencyClient {
  readonly name: string
  readonly isOurs: boolean
  /** Resolves when messages flow: a first one has been there and back. */
  readonly start: (job: Job) => Promise<Running>
}

/** What says that the consumer reads: it is sent until it has arrived. */
const hello = '-1 hello'

function failed(error: unknown): never {
  console.error(error)
  process.exit(1)
}

/** Sends hellos until one has come. */
async function greet(send: (value: string) => unknown, came: () => boolean): Promise<void> {
  while (!came()) {
    send(hello)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function listener(job: Job) {
  let hasCome = false
  return {
    onValue: (value: string) => {
      hasCome = true
      job.onValue(value)
    },
    came: () => hasCome,
  }
}

/** @param read ends when the consumer is closed. */
function ours(name: string, read: 'for await' | 'run'): LatencyClient {
  return {
    name,
    isOurs: true,
    start: async (job) => {
      const { topic, groupId, bootstrapServers } = job
      const { onValue, came } = listener(job)
      const kafka = new Kafka({ bootstrapServers })
      const producer = kafka.producer({ valueSerializer: string })
      const consumer = kafka.consumer({
        groupId,
        topics: [topic],
        autoOffsetReset: 'earliest',
        valueDeserializer: string,
      })
      const reading = async () => {
        if (read === 'run') return consumer.run({ eachMessage: ({ value }) => onValue(value!) })
        for await (const { value } of consumer) onValue(value!)
      }
      const ended = reading().catch(failed)
      const send = (value: string) => void producer.send({ topic, value }).catch(failed)
      await greet(send, came)
      const close = async () => {
        await producer.close()
        await consumer.close()
        await ended
      }
      return { send, close }
    },
  }
}

function withResolvers() {
  let resolve!: (value: unknown) => void
  let reject!: (error: unknown) => void
  const promise = new Promise((one, two) => {
    resolve = one
    reject = two
  })
  return { promise, resolve, reject }
}

function peer(name: PeerPackage, start: LatencyClient['start']): LatencyClient {
  return { name: titleOf(name), isOurs: false, start }
}

const kafkaJs = peer('kafkajs', async (job) => {
  interface KafkaJs {
    producer(): {
      connect(): Promise<void>
      disconnect(): Promise<void>
      send(records: { topic: string; acks: number; messages: { value: string }[] }): Promise<unknown>
    }
    consumer(options: { groupId: string }): {
      connect(): Promise<void>
      disconnect(): Promise<void>
      subscribe(options: { topic: string; fromBeginning: boolean }): Promise<void>
      run(options: { eachMessage(about: { message: { value: Buffer } }): Promise<void> }): Promise<void>
    }
  }
  const { Kafka: Client } = required<{
    Kafka: new (options: { brokers: string[]; logLevel: number }) => KafkaJs
  }>('kafkajs')
  const { topic, groupId, bootstrapServers } = job
  const { onValue, came } = listener(job)
  const client = new Client({ brokers: [bootstrapServers], logLevel: 1 })
  const producer = client.producer()
  const consumer = client.consumer({ groupId })
  await producer.connect()
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => onValue(message.value.toString()) })
  const send = (value: string) => void producer.send({ topic, acks: -1, messages: [{ value }] }).catch(failed)
  await greet(send, came)
  const close = async () => {
    await producer.disconnect()
    await consumer.disconnect()
  }
  return { send, close }
})

const kafkaTs = peer('kafka-ts', async (job) => {
  interface Closable {
    close(): Promise<void>
  }
  interface KafkaTs {
    createProducer(options: object): Closable & {
      send(messages: { topic: string; value: string }[]): Promise<unknown>
    }
    startConsumer(options: {
      groupId: string
      topics: string[]
      fromBeginning: boolean
      onBatch(messages: { value: string }[]): void
    }): Promise<Closable>
  }
  const { createKafkaClient } = required<{
    createKafkaClient(options: { bootstrapServers: { host: string; port: number }[] }): KafkaTs
  }>('kafka-ts')
  const { topic, groupId, bootstrapServers } = job
  const { onValue, came } = listener(job)
  const [host, port] = bootstrapServers.split(':') as [string, string]
  const client = createKafkaClient({ bootstrapServers: [{ host, port: Number(port) }] })
  const producer = client.createProducer({})
  const consumer = await client.startConsumer({
    groupId,
    topics: [topic],
    fromBeginning: true,
    onBatch: (messages) => {
      for (const { value } of messages) onValue(String(value))
    },
  })
  const send = (value: string) => void producer.send([{ topic, value }]).catch(failed)
  await greet(send, came)
  const close = async () => {
    await producer.close()
    await consumer.close()
  }
  return { send, close }
})

const platformatic = peer('@platformatic/kafka', async (job) => {
  interface Closable {
    close(force?: boolean): Promise<void>
  }
  type Options = Record<string, unknown>
  type Stream = AsyncIterable<{ value: string }> & Closable
  // It needs this of Node 22.
  ;(Promise as { withResolvers?: unknown }).withResolvers ??= withResolvers
  const { Producer, Consumer, stringSerializers, stringDeserializers } = await imported<{
    Producer: new (
      options: Options,
    ) => Closable & {
      send(options: { acks: number; messages: { topic: string; value: string }[] }): Promise<unknown>
    }
    Consumer: new (options: Options) => Closable & { consume(options: Options): Promise<Stream> }
    stringSerializers: unknown
    stringDeserializers: unknown
  }>('@platformatic', 'kafka', 'dist', 'index.js')
  const { topic, groupId, bootstrapServers } = job
  const { onValue, came } = listener(job)
  const about = { clientId: 'bench', bootstrapBrokers: [bootstrapServers] }
  const producer = new Producer({ ...about, serializers: stringSerializers })
  const consumer = new Consumer({ ...about, groupId, deserializers: stringDeserializers })
  const stream = await consumer.consume({ autocommit: true, topics: [topic], mode: 'earliest' })
  const reading = async () => {
    for await (const { value } of stream) onValue(value)
  }
  const ended = reading().catch(failed)
  const send = (value: string) => void producer.send({ acks: -1, messages: [{ topic, value }] }).catch(failed)
  await greet(send, came)
  const close = async () => {
    await producer.close()
    await stream.close()
    await ended
    await consumer.close(true)
  }
  return { send, close }
})

export const latencyClients: readonly LatencyClient[] = [
  ours('kafkawire, for await', 'for await'),
  ours('kafkawire, run', 'run'),
  kafkaTs,
  platformatic,
  kafkaJs,
]
