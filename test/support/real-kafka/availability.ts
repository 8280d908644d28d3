import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { javaCommand } from './java-process.ts'
import { kafkaJarsAreCached } from './kafka-jars.ts'

/** What a real Kafka for tests comes from: an address that was given, Docker, Java with Maven, or nothing. */
export type KafkaAvailability = 'external' | 'docker' | 'java' | 'none'

/** What to do about 'none', for messages. */
export const howToGetKafka = 'give KAFKAWIRE_BOOTSTRAP=host:port, Docker, or Java 17 + Maven'

/** Address that was given by `KAFKAWIRE_BOOTSTRAP`. */
export function externalBootstrapServers(): string | undefined {
  const given = process.env.KAFKAWIRE_BOOTSTRAP
  return given === '' ? undefined : given
}

let java: boolean | undefined
let docker: boolean | undefined

/** Where `sharedKafka` gets its Kafka from. Found once per process. */
export function kafkaAvailability(): KafkaAvailability {
  if (externalBootstrapServers() !== undefined) return 'external'
  if (dockerIsAvailable()) return 'docker'
  return javaIsAvailable() ? 'java' : 'none'
}

/** Whether Java 17 is here, and Kafka's jars or the Maven to get them. */
export function javaIsAvailable(): boolean {
  // The launcher is a POSIX shell.
  java ??=
    process.platform !== 'win32' && javaVersion() >= 17 && (kafkaJarsAreCached() || onPath('mvn') !== null)
  return java
}

/** Whether a Docker daemon answers, not just whether its command is installed. */
export function dockerIsAvailable(): boolean {
  docker ??= dockerAnswers()
  return docker
}

/** Full path of an executable on PATH, or null. */
export function onPath(name: string): string | null {
  if (name.includes('/')) return isExecutable(name) ? name : null
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Major version; 0 without Java. */
function javaVersion(): number {
  const command = onPath(javaCommand())
  if (command === null) return 0
  // Every test file asks, and a JVM start is slow: most JDKs say it in a file.
  const release = join(dirname(realpathSync(command)), '..', 'release')
  const text = existsSync(release)
    ? readFileSync(release, 'utf8')
    : spawnSync(command, ['-version'], { encoding: 'utf8', timeout: 10_000 }).stderr
  const [, major = '0'] = /(?:JAVA_VERSION=|version )"(\d+)/.exec(text) ?? []
  return Number(major)
}

const ping = `
const [path] = process.argv.slice(1)
const url = new URL(path)
const target = url.protocol === 'unix:' ? { socketPath: url.pathname } : { host: url.hostname, port: url.port || 2375 }
require('node:http').get({ ...target, path: '/_ping', timeout: 2000 }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1))
  .on('timeout', () => process.exit(1)).on('error', () => process.exit(1))
`

function dockerAnswers(): boolean {
  const given = process.env.DOCKER_HOST
  if (given?.startsWith('tcp:') && process.env.DOCKER_TLS_VERIFY) {
    return spawnSync('docker', ['version'], { timeout: 5_000, stdio: 'ignore' }).status === 0
  }
  const sockets = [
    '/var/run/docker.sock',
    join(homedir(), '.docker', 'run', 'docker.sock'),
    join(process.env.XDG_RUNTIME_DIR ?? '/run', 'docker.sock'),
  ]
  const hosts = given ? [given] : sockets.filter((path) => existsSync(path)).map((path) => `unix://${path}`)
  // In a process of its own, as the answer is needed before the first test is declared, where nothing can wait.
  return hosts.some(
    (host) => spawnSync(process.execPath, ['-e', ping, host], { stdio: 'ignore' }).status === 0,
  )
}
