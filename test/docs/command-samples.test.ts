import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { command } from '../cli/run-process.ts'
import { describeKafka, type KafkaAddresses } from '../support/real-kafka/index.ts'
import { prepareTopics } from './prepare-topics.ts'
import { type Block, blocksOf, counted, pages } from './sample.ts'

const call = /^npx kafkawire /

/** Blocks of shell lines in which our own command is called. */
const samples = pages()
  .flatMap(blocksOf)
  .filter(({ language, text }) => language === 'sh' && /\bkafkawire /.test(text))
/** Where the lines are run: what they write is gone afterwards. */
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kafkawire-samples-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('samples of the command', () => {
  test('there are some, each says what it needs, and has nothing else in it', () => {
    expect(samples.length).toBeGreaterThan(2)
    expect(samples.filter(({ needs }) => needs === null).map(({ place }) => place)).toEqual([])
    const lines = samples.flatMap(({ place, text }) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => ({ place, line })),
    )
    expect(lines.filter(({ line }) => !call.test(line))).toEqual([])
  })
})

const needsNone = ({ needs }: Block) => needs?.get('kafka') === 'none'

describe('samples of the command that need no Kafka, run', () => {
  test.for(samples.filter(needsNone))('$place does what it says', async ({ text, needs }) => {
    for (const line of text.trimEnd().split('\n')) {
      // Its usual port may be taken on this machine.
      const { code, output } = await runUntilStopped(line.replace('--port 9092', '--port 0'), needs!)
      expect(output).toContain(needs!.get('prints'))
      expect({ code, output }).toEqual({ code: 0, output })
    }
  })
})

describeKafka('samples of the command, run', (kafka) => {
  test.for(samples.filter((sample) => !needsNone(sample)))('$place does what it says', (sample) =>
    runSample(sample, kafka),
  )
})

async function runSample({ text, needs }: Block, kafka: KafkaAddresses): Promise<void> {
  const run = randomUUID().slice(0, 8)
  const topics = counted(needs?.get('topics'))
  let script = text.replaceAll('localhost:9092', kafka.bootstrapServers)
  for (const name of topics.keys()) {
    expect(script).toContain(`"${name}"`)
    script = script.replaceAll(`"${name}"`, `"${name}-${run}"`)
  }
  await prepareTopics(kafka.bootstrapServers, run, topics, counted(needs?.get('records')))
  let output = ''
  for (const line of script.trimEnd().split('\n')) {
    const quoted = command.map((word) => `'${word}'`).join(' ')
    const { stdout } = await promisify(execFile)('sh', ['-c', line.replaceAll('npx kafkawire', quoted)], {
      cwd: folder,
      env: { ...process.env, NODE_OPTIONS: '' },
      timeout: 45_000,
    })
    output += stdout
  }
  expect(output).toContain(needs?.get('prints') ?? '')
}

/** Runs a line that does not end by itself; the signal is sent once it has printed what it is to print. */
async function runUntilStopped(line: string, needs: ReadonlyMap<string, string>) {
  const quoted = command.map((word) => `'${word}'`).join(' ')
  // Without `exec` the signal would go to the shell.
  const child = spawn('sh', ['-c', `exec ${line.replace('npx kafkawire', quoted)}`], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: 45_000,
    killSignal: 'SIGKILL',
  })
  let output = ''
  const add = (chunk: Buffer) => {
    output += chunk
    if (output.includes(needs.get('prints')!)) child.kill(needs.get('stop') as NodeJS.Signals)
  }
  child.stdout.on('data', add)
  child.stderr.on('data', add)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
