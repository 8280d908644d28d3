import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Version of the Kafka that tests run against. `KAFKAWIRE_KAFKA_VERSION` names another (3.7 or newer). */
export const kafkaVersion = process.env.KAFKAWIRE_KAFKA_VERSION ?? '4.3.1'

/** Folder that holds Kafka's jars: `KAFKAWIRE_JARS`, or one per version in the user's cache folder. */
export function kafkaJarsFolder(): string {
  const given = process.env.KAFKAWIRE_JARS
  if (given !== undefined && given !== '') return given
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  return join(cache, 'kafkawire', `kafka-${kafkaVersion}`)
}

export function kafkaJarsAreCached(): boolean {
  return existsSync(kafkaJarsFolder())
}

let resolving: Promise<string> | undefined

/**
 * Folder with the jars of the broker and its tools; made with Maven at first use.
 *
 * @throws if Maven is missing or cannot resolve them.
 */
export function kafkaJars(): Promise<string> {
  resolving ??= resolve()
  return resolving
}

async function resolve(): Promise<string> {
  const folder = kafkaJarsFolder()
  if (existsSync(folder)) return folder
  await mkdir(dirname(folder), { recursive: true })
  // Filled under another name and renamed: a folder of the final name is always whole, even if Maven is killed.
  const fresh = await mkdtemp(`${folder}-`)
  const project = await mkdtemp(`${folder}-pom-`)
  try {
    await writeFile(join(project, 'pom.xml'), pom())
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${fresh}`]
    await execute('mvn', ['-q', '-B', '-f', join(project, 'pom.xml'), ...goal], { maxBuffer: 16 << 20 })
    await rename(fresh, folder).catch((error: NodeJS.ErrnoException) => {
      // Another process was quicker; its folder is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
    return folder
  } catch (cause) {
    const { stdout = '', message } = cause as Error & { stdout?: string }
    throw new Error(`Maven could not fetch Kafka ${kafkaVersion} into ${folder}: ${message}\n${stdout}`, {
      cause,
    })
  } finally {
    await rm(fresh, { recursive: true, force: true })
    await rm(project, { recursive: true, force: true })
  }
}

function pom(): string {
  const dependencies = [
    ['org.apache.kafka', 'kafka_2.13', kafkaVersion],
    ['org.apache.kafka', 'kafka-tools', kafkaVersion],
    // Kafka names no logger of its own; this one writes to stderr and is set by system properties alone.
    ['org.slf4j', 'slf4j-simple', '1.7.36'],
  ].map(
    ([group, artifact, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  )
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>kafkawire</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>${dependencies.join('')}</dependencies>
</project>
`
}
