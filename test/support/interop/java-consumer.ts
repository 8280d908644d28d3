import { createInterface } from 'node:readline'
import { JavaProcess, type ProcessExit } from '../real-kafka/java-process.ts'
import { kafkaJars } from '../real-kafka/kafka-jars.ts'
import { assignmentLoggers, JavaAssignmentLog } from './java-assignment-log.ts'
import { consoleOptions, kafkaTools, toolJvmOptions } from './kafka-tool.ts'

export interface JavaConsumerOptions {
  bootstrapServers: string
  groupId: string
  topics: readonly string[]
  /**
   * The consumer's own configuration, for instance `partition.assignment.strategy` or `group.protocol`. Set unless given
   * here: `auto.offset.reset` to earliest and, for the classic protocol, `heartbeat.interval.ms` to 300.
   */
  properties?: Readonly<Record<string, string>>
}

/** What a Java consumer printed of a record. Texts are UTF-8; null is null, and bytes that are no text are lost. */
export interface JavaConsumerRecord {
  partition: number
  offset: number
  /** Milliseconds since 1970. */
  timestamp: number
  timestampType: 'CreateTime' | 'LogAppendTime' | 'NoTimestampType'
  key: string | null
  value: string | null
  headers: { key: string; value: string | null }[]
}

// Characters that no test puts into a record, so that keys and values may hold tabs, colons and line ends.
const fieldSeparator = '\u001f'
const headerSeparator = '\u001d'
const lineSeparator = '\u001e'
const nullText = '\u001a'

/** A Java console consumer that runs until it is stopped. Iterating gives its records, and ends with it. */
export class JavaConsumer implements AsyncIterable<JavaConsumerRecord>, AsyncDisposable {
  /** All records so far. */
  readonly records: JavaConsumerRecord[] = []
  readonly #process: JavaProcess
  readonly #assignment = new JavaAssignmentLog()
  #partialLine = ''
  #log = ''
  #waiters = new Set<() => void>()
  #isOver = false

  constructor(process: JavaProcess) {
    this.#process = process
    process.stdout.setEncoding('utf8').on('data', (chunk: string) => this.#readOutput(chunk))
    createInterface({ input: process.stderr }).on('line', (line) => this.#readLog(line))
    process.exited
      .catch((error: unknown) => {
        this.#log += String(error)
      })
      .finally(() => {
        this.#isOver = true
        this.#wake()
      })
  }

  /** Partitions that it holds now as `topic-partition`, sorted. */
  get assignment(): string[] {
    return [...this.#assignment.partitions].sort()
  }

  /** How many assignments it was given so far, empty ones included. */
  get rebalances(): number {
    return this.#assignment.rebalances
  }

  /** Its log: warnings and rebalances. */
  get log(): string {
    return this.#log
  }

  /**
   * Resolves when `condition` holds. It is looked at after each record and each rebalance.
   *
   * @throws with the log if the consumer ends before, or `timeoutMs` (30000) pass.
   */
  async waitUntil(condition: (consumer: this) => boolean, timeoutMs = 30_000): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while (!condition(this)) {
      const left = deadline - performance.now()
      if (this.#isOver || left <= 0) {
        const what = this.#isOver ? 'ended' : `did not get there in ${timeoutMs} ms`
        const state = `${this.records.length} records, assignment [${this.assignment.join(', ')}]`
        throw new Error(`the Java consumer ${what}, with ${state}:\n${this.#log.slice(-4_000)}`)
      }
      await this.#change(left)
    }
  }

  /** Resolves when it holds exactly these partitions, given as `topic-partition`. */
  async assigned(partitions: readonly string[], timeoutMs?: number): Promise<void> {
    const wanted = [...partitions].sort().join(' ')
    await this.waitUntil(
      ({ assignment, rebalances }) => rebalances > 0 && assignment.join(' ') === wanted,
      timeoutMs,
    )
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<JavaConsumerRecord, void, undefined> {
    for (let at = 0; ; ) {
      const record = this.records[at]
      if (record !== undefined) {
        at++
        yield record
      } else if (this.#isOver) return
      else await this.#change()
    }
  }

  /** SIGTERM: it commits and leaves the group. Resolves when it is gone. */
  async stop(): Promise<ProcessExit> {
    this.#process.signal('SIGTERM')
    return await this.#process.whenExited()
  }

  /** kill -9: the group finds out by the session timeout. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#process.kill()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  #readOutput(chunk: string): void {
    const lines = (this.#partialLine + chunk).split(lineSeparator)
    this.#partialLine = lines.pop() ?? ''
    try {
      for (const line of lines) this.records.push(parseJavaConsumerLine(line))
    } catch (error) {
      // Thrown from here nobody could catch it: whoever waits gets it with the log.
      this.#log += `${error}\n`
      this.#process.signalGroup('SIGKILL')
    }
    this.#wake()
  }

  #readLog(line: string): void {
    this.#log += `${line}\n`
    if (this.#assignment.read(line)) this.#wake()
  }

  /** Resolves at the next record, rebalance or end, at the latest after `timeoutMs`. */
  #change(timeoutMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiters.delete(done)
        resolve()
      }
      const timer = timeoutMs === undefined ? undefined : setTimeout(done, timeoutMs)
      this.#waiters.add(done)
    })
  }

  #wake(): void {
    for (const done of this.#waiters) done()
  }
}

/** Starts a Java console consumer that reads its topics from the beginning, or from what its group committed. */
export async function startJavaConsumer(options: JavaConsumerOptions): Promise<JavaConsumer> {
  const { bootstrapServers, groupId, topics, properties = {} } = options
  const formatter = {
    'print.timestamp': 'true',
    'print.partition': 'true',
    'print.offset': 'true',
    'print.headers': 'true',
    'print.key': 'true',
    'key.separator': fieldSeparator,
    'headers.separator': headerSeparator,
    'line.separator': lineSeparator,
    'null.literal': nullText,
  }
  // A classic member hears of a rebalance by its heartbeat. With KIP-848 the broker sets the pace, and refuses this.
  const pace = properties['group.protocol'] === 'consumer' ? {} : { 'heartbeat.interval.ms': '300' }
  const all = { ...pace, 'group.id': groupId, 'auto.offset.reset': 'earliest', ...properties }
  // An empty list would be no topic at all, and one --topic takes a single name; --include takes a pattern of names.
  if (topics.length === 0) throw new RangeError('topics is empty, must name one or more')
  const pattern = topics.map((topic) => topic.replaceAll('.', '\\.')).join('|')
  const subscription = topics.length === 1 ? ['--topic', topics[0]!] : ['--include', pattern]
  const java = new JavaProcess({
    jars: await kafkaJars(),
    jvmOptions: [
      ...toolJvmOptions,
      ...assignmentLoggers.map((logger) => `-Dorg.slf4j.simpleLogger.log.${logger}=info`),
    ],
    mainClass: kafkaTools.consoleConsumer,
    args: [
      ...['--bootstrap-server', bootstrapServers, ...subscription],
      ...Object.entries(formatter).flatMap(([key, value]) => [consoleOptions.formatter, `${key}=${value}`]),
      ...Object.entries(all).flatMap(([key, value]) => [consoleOptions.client, `${key}=${value}`]),
    ],
  })
  java.stdin.end()
  return new JavaConsumer(java)
}

/** Reads a line as the formatter of `startJavaConsumer` prints it. */
export function parseJavaConsumerLine(line: string): JavaConsumerRecord {
  const fields = line.split(fieldSeparator)
  const [time = '', partition = '', offset = '', headers = '', key = '', value = ''] = fields
  const parsed = /^(CreateTime|LogAppendTime):(-?\d+)$|^NO_TIMESTAMP$/.exec(time)
  if (fields.length !== 6 || parsed === null)
    throw new Error(`not a line of the Java consumer: ${JSON.stringify(line)}`)
  return {
    partition: Number(partition.replace('Partition:', '')),
    offset: Number(offset.replace('Offset:', '')),
    timestamp: Number(parsed[2] ?? -1),
    timestampType: (parsed[1] ?? 'NoTimestampType') as JavaConsumerRecord['timestampType'],
    headers: headers === 'NO_HEADERS' ? [] : headers.split(headerSeparator).map(parseHeader),
    key: orNull(key),
    value: orNull(value),
  }
}

function parseHeader(text: string): { key: string; value: string | null } {
  const colon = text.indexOf(':')
  return { key: text.slice(0, colon), value: orNull(text.slice(colon + 1)) }
}

function orNull(text: string): string | null {
  return text === nullText ? null : text
}
