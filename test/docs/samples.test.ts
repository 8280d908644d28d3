import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeKafka, type KafkaAddresses } from '../support/real-kafka/index.ts'
import { beginShareGroup, prepareTopics } from './prepare-topics.ts'
import { type Block, blocksOf, counted, pages, root, textOf } from './sample.ts'

const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const samples = pages()
  .flatMap(blocksOf)
  .filter(({ language }) => language === 'ts')
/** It starts a Kafka of its own, in memory. */
const needsNone = (sample: Block) => sample.needs?.get('kafka') === 'none'
const needListener = (sample: Block) => sample.needs?.has('listener') ?? false

/** Samples are programs of their own, in a folder of the project so that they find its packages. */
let folder = ''

beforeAll(() => {
  mkdirSync(join(root, '.cache'), { recursive: true })
  folder = mkdtempSync(join(root, '.cache', 'samples-'))
  const compilerOptions = {
    paths: {
      kafkawire: [join(root, 'src', 'index.ts')],
      'kafkawire/protocol': [join(root, 'src', 'protocol', 'index.ts')],
      'kafkawire/protocol/registry': [join(root, 'src', 'protocol', 'registry.ts')],
      'kafkawire/testing': [join(root, 'src', 'testing', 'index.ts')],
      // The same functions: that is what the sample is checked with, compiled and run.
      '@jest/globals': [join(root, 'node_modules', 'vitest', 'dist', 'index.d.ts')],
    },
    noUnusedLocals: false,
  }
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  for (const sample of samples) writeFileSync(fileOf(sample), programOf(sample))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function fileOf({ place }: Block, suffix = ''): string {
  return join(folder, `${place.replace(/\W+/g, '-')}${suffix}.ts`)
}

/** The sample, with a `kafka` before it where it makes none. */
function programOf({ text, needs }: Block): string {
  if (needs?.get('kafka') === 'none') return text
  if (text.includes('new Kafka(') || !/\bkafka\./.test(text)) return text
  const prelude = `import { Kafka as KafkaOfTest } from 'kafkawire'
const kafka = new KafkaOfTest({ bootstrapServers: 'localhost:9092' })
`
  return prelude + text
}

describe('samples of the pages', () => {
  test('there are some, and each says what it needs', () => {
    expect(samples.length).toBeGreaterThan(5)
    expect(samples.filter(({ needs }) => needs === null).map(({ place }) => place)).toEqual([])
  })

  test('they compile under the strictest settings', async () => {
    const run = promisify(execFile)
    const output = await run(process.execPath, [compiler, '-p', folder]).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    )
    expect(output).toBe('')
  })
})

describe('other blocks and links of the pages', () => {
  test('npm scripts that are named exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
    const named = pages().flatMap((page) =>
      Array.from(textOf(page).matchAll(/\bnpm (?:run ([\w:-]+)|(start|test))\b/g), ([, script, short]) => ({
        page,
        script: script ?? short!,
      })),
    )
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter(({ script }) => !Object.hasOwn(scripts, script))).toEqual([])
  })

  test('links to files lead somewhere', () => {
    const links = pages().flatMap((page) =>
      Array.from(textOf(page).matchAll(/\]\(([^)\s]+)\)/g), ([, target]) => ({ page, target: target! })),
    )
    const files = links.filter(({ target }) => !/^(https?:|#)/.test(target))
    expect(files.length).toBeGreaterThan(3)
    const broken = files.filter(({ page, target }) => {
      const [path = ''] = target.split('#')
      return !existsSync(join(root, dirname(page), path))
    })
    expect(broken).toEqual([])
  })
})

describe('samples of the pages that need no Kafka, run', () => {
  const none = { bootstrapServers: 'localhost:9092' }
  test.for(samples.filter(needsNone))('$place does what it says', (sample) => runSample(sample, none))
})

describeKafka('samples of the pages, run', (kafka) => {
  test.for(samples.filter((sample) => !needListener(sample) && !needsNone(sample)))(
    '$place does what it says',
    (sample) => runSample(sample, kafka),
  )
})

describeKafka(
  'samples of the pages that need a listener, run',
  (kafka) => {
    test.for(samples.filter(needListener))('$place does what it says', (sample) => runSample(sample, kafka))
  },
  { needs: 'listeners' },
)

async function runSample(sample: Block, kafka: KafkaAddresses): Promise<void> {
  const { needs } = sample
  const run = randomUUID().slice(0, 8)
  const topics = counted(needs?.get('topics'))
  let program = programOf(sample).replaceAll('localhost:9092', kafka.bootstrapServers)
  for (const key of ['topics', 'creates', 'groups', 'shareGroups']) {
    for (const name of counted(needs?.get(key)).keys()) {
      expect(program, `${name} of ${key}`).toContain(`'${name}'`)
      program = program.replaceAll(`'${name}'`, `'${name}-${run}'`)
    }
  }
  const user = needs?.get('user')
  if (user !== undefined) {
    expect(kafka.users).toHaveProperty(user)
    program = program.replaceAll(`${user}-secret`, kafka.users![user]!)
  }
  if (needListener(sample)) {
    const address = kafka[`${needs!.get('listener')}BootstrapServers` as keyof KafkaAddresses]
    expect(address).toBeTypeOf('string')
    program = program.replaceAll('localhost:9093', address as string)
    writeFileSync(join(folder, 'ca.pem'), kafka.ca!)
  }
  if (!needsNone(sample)) {
    await prepareTopics(kafka.bootstrapServers, run, topics, counted(needs?.get('records')))
    for (const group of counted(needs?.get('shareGroups')).keys()) {
      await beginShareGroup(kafka.bootstrapServers, `${group}-${run}`)
    }
  }
  const runner = needs?.get('runner')
  const file = fileOf(sample, runner === undefined ? `-${run}` : `-${run}.test`)
  writeFileSync(file, program)
  const args = runner === undefined ? ['--import', 'tsx', file] : vitestArguments(file)
  const { code, output } = await runProgram(args, needs?.get('prints') ?? '', needs?.get('stop'))
  expect(output).toContain(needs?.get('prints') ?? '')
  expect({ code, output }).toEqual({ code: 0, output })
}

/** For a sample that is a test file of vitest, or of jest, whose functions are the same. */
function vitestArguments(file: string): string[] {
  const source = (...path: string[]) => join(root, 'src', ...path)
  const alias = [
    { find: /^kafkawire$/.source, replacement: source('index.ts') },
    { find: /^kafkawire\/testing$/.source, replacement: source('testing', 'index.ts') },
    { find: /^@jest\/globals$/.source, replacement: 'vitest' },
  ]
  const entries = alias.map(({ find, replacement }) => `{ find: /${find}/, replacement: '${replacement}' }`)
  const config = join(folder, 'vitest.config.js')
  writeFileSync(config, `export default { resolve: { alias: [${entries.join(', ')}] } }\n`)
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  return [vitest, 'run', '--root', folder, '--config', config, file]
}

/** Runs it to its end; with `stop`, the signal is sent once `awaited` is in the output. */
async function runProgram(
  args: readonly string[],
  awaited: string,
  stop: string | undefined,
): Promise<{ code: number | null; output: string }> {
  const env = {
    ...process.env,
    TSX_TSCONFIG_PATH: join(folder, 'tsconfig.json'),
    NODE_OPTIONS: '',
    NO_COLOR: '1',
  }
  // SIGKILL: samples that end gracefully on SIGTERM would hide that they had to be ended.
  const limit = { timeout: 45_000, killSignal: 'SIGKILL' } as const
  const child = spawn(process.execPath, args, { cwd: folder, env, ...limit })
  let output = ''
  const add = (chunk: Buffer) => {
    const before = output.includes(awaited)
    output += chunk
    if (stop !== undefined && !before && output.includes(awaited)) child.kill(stop as NodeJS.Signals)
  }
  child.stdout.on('data', add)
  child.stderr.on('data', add)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}
