import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JavaProcess } from './java-process.ts'

/**
 * File of the first metadata records of a cluster: the newest feature levels, and SCRAM credentials for `users`.
 *
 * Kafka's StorageTool writes it, which takes a JVM start per node. The file depends on version and users alone, so it
 * is kept beside the jars, and a node is formatted by copying it.
 */
export async function bootstrapCheckpoint(
  jars: string,
  users: Readonly<Record<string, string>>,
): Promise<string> {
  const scram = Object.entries(users).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((mechanism) => `${mechanism}=[name=${name},password=${password}]`),
  )
  const hash = createHash('sha256').update(scram.join('\n')).digest('hex').slice(0, 16)
  const file = join(jars, `bootstrap-${hash}.checkpoint`)
  if (!existsSync(file)) await write(file, jars, scram)
  return file
}

async function write(file: string, jars: string, scram: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'kafkawire-format-'))
  try {
    const properties = join(folder, 'server.properties')
    const data = join(folder, 'data')
    await writeFile(
      properties,
      [
        'process.roles=broker,controller',
        'node.id=1',
        'controller.quorum.voters=1@127.0.0.1:9093',
        'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
        'controller.listener.names=CONTROLLER',
        'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
        `log.dirs=${data}`,
      ].join('\n'),
    )
    const add = scram.flatMap((credential) => ['--add-scram', credential])
    const format = new JavaProcess({
      jars,
      mainClass: 'kafka.tools.StorageTool',
      args: ['format', '-t', newClusterId(), '-c', properties, ...add],
    })
    let output = ''
    format.stdout.on('data', (chunk: Buffer) => {
      output += chunk
    })
    format.stderr.on('data', (chunk: Buffer) => {
      output += chunk
    })
    const { code } = await format.exited
    if (code !== 0) throw new Error(`StorageTool format exited with ${code}: ${output}`)
    // Renamed into place: another process may look for it at this moment.
    const partial = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`
    await copyFile(join(data, 'bootstrap.checkpoint'), partial)
    await rename(partial, file)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Makes `data` a formatted log folder of node `nodeId`, as `kafka-storage format` does. */
export async function formatNode(
  data: string,
  nodeId: number,
  clusterId: string,
  checkpoint: string,
): Promise<void> {
  await mkdir(data, { recursive: true })
  const meta = { version: 1, 'cluster.id': clusterId, 'node.id': nodeId, 'directory.id': newClusterId() }
  const lines = Object.entries(meta).map(([key, value]) => `${key}=${value}\n`)
  await writeFile(join(data, 'meta.properties'), lines.join(''))
  await copyFile(checkpoint, join(data, 'bootstrap.checkpoint'))
}

/** A random uuid in Kafka's text form. */
export function newClusterId(): string {
  const id = randomBytes(16)
  // Kafka does not use ids that start with a dash: they look like an option on a command line.
  id[0] = id[0]! & 0x7f
  return id.toString('base64url')
}
