import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const packages = { 'kafka-ts': '1.5.0', '@platformatic/kafka': '2.12.1', kafkajs: '2.2.4' }
const folder = join(import.meta.dirname, '..', '..', '.cache', 'bench-peers')
const load = createRequire(import.meta.url)

export type PeerPackage = keyof typeof packages

/** `kafkajs 2.2.4`. */
export function titleOf(name: PeerPackage): string {
  return `${name} ${packages[name]}`
}

/** The other clients in JavaScript, installed on first use; false when npm could not. */
export function installPeers(): boolean {
  if (Object.keys(packages).every((name) => existsSync(join(folder, 'node_modules', name)))) return true
  mkdirSync(folder, { recursive: true })
  const wanted = Object.entries(packages).map(([name, version]) => `${name}@${version}`)
  const { status } = spawnSync(
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder, ...wanted],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  return status === 0
}

/** A file of one of them, by its path. */
export function required<T>(...path: string[]): T {
  return load(join(folder, 'node_modules', ...path)) as T
}

export async function imported<T>(...path: string[]): Promise<T> {
  return (await import(pathToFileURL(join(folder, 'node_modules', ...path)).href)) as T
}
