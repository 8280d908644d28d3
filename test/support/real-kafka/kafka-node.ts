import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { JavaProcess } from './java-process.ts'
import { kafkaVersion } from './kafka-jars.ts'

const startTimeoutMs = 60_000
const pollMs = 25

const jvmOptions = [
  '-Xms256m',
  '-Xmx768m',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS',
  // Says "Kafka Server started", once the broker is registered, unfenced and serving.
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
]

/** A port of this node was taken by somebody else between its choice and its use. */
export class PortTaken extends Error {}

/** One broker and controller: its folder stays, its process comes and goes. */
export class KafkaNode {
  readonly id: number
  /** Port of the PLAINTEXT listener. */
  readonly port: number
  readonly #folder: string
  readonly #jars: string
  #process: JavaProcess | null = null
  #runs = 0
  #isFrozen = false

  /** @param folder holds `server.properties` and takes the logs. */
  constructor(id: number, port: number, folder: string, jars: string) {
    this.id = id
    this.port = port
    this.#folder = folder
    this.#jars = jars
  }

  get isRunning(): boolean {
    return this.#process !== null && this.#process.exit === null
  }

  /** Whether an answer can be expected of it, once it has started. */
  get canAnswer(): boolean {
    return this.isRunning && !this.#isFrozen
  }

  /** Starts the process. Ready is another matter: see `started`. */
  start(): void {
    if (this.isRunning) throw new Error(`node ${this.id} runs already`)
    this.#runs++
    this.#isFrozen = false
    const log = openSync(this.logFile, 'w')
    try {
      this.#process = new JavaProcess({
        jvmOptions,
        jars: this.#jars,
        mainClass: 'kafka.Kafka',
        args: [join(this.#folder, 'server.properties')],
        logFile: log,
      })
    } finally {
      closeSync(log)
    }
  }

  /** Log of the present or last run, at WARN. */
  get logFile(): string {
    return join(this.#folder, `kafka-${this.#runs}.log`)
  }

  /**
   * Resolves when the broker is unfenced and serves.
   *
   * @throws with the end of the log if it exits before, or needs more than a minute; PortTaken if that is why.
   */
  async started(): Promise<void> {
    const deadline = performance.now() + startTimeoutMs
    for (;;) {
      // Looked at before the log, so that the log of a process that is gone is whole.
      const exit = this.#process?.exit ?? null
      const log = await readFile(this.logFile, 'utf8')
      if (log.includes('Kafka Server started')) return
      const name = `Kafka ${kafkaVersion}, node ${this.id} on port ${this.port},`
      if (exit !== null) {
        const taken = /Address already in use|BindException/.test(log)
        const text = `${name} exited with ${exit.signal ?? exit.code} before it served:\n${tail(log)}`
        throw taken ? new PortTaken(text) : new Error(text)
      }
      if (performance.now() > deadline) {
        throw new Error(`${name} does not serve after ${startTimeoutMs / 1000} s:\n${tail(log)}`)
      }
      await delay(pollMs)
    }
  }

  /** SIGSTOP. */
  freeze(): void {
    this.#signal('SIGSTOP')
    this.#isFrozen = true
  }

  /** SIGCONT. */
  thaw(): void {
    this.#signal('SIGCONT')
    this.#isFrozen = false
  }

  /** kill -9; resolves when the process is gone. Does nothing when it is gone already. */
  async kill(): Promise<void> {
    if (this.isRunning) await this.#process?.kill()
  }

  /** SIGTERM: a controlled shutdown, which hands its leaderships over first. Resolves when the process is gone. */
  async shutdown(): Promise<void> {
    if (this.#isFrozen) throw new Error(`node ${this.id} is frozen and cannot shut down: thaw it first`)
    this.#signal('SIGTERM')
    await this.#process?.whenExited()
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.isRunning) throw new Error(`node ${this.id} does not run`)
    this.#process?.signal(signal)
  }
}

function tail(log: string): string {
  return log.trimEnd().split('\n').slice(-40).join('\n')
}
