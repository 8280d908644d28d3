import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { projectRoot } from '../support/source-files.ts'

const run = promisify(execFile)

it('reads each message once, with one thread and with two, and tells how fast', async () => {
  const main = join(projectRoot, 'examples', 'worker-threads', 'main.ts')
  const args = ['--workers', '2', '--partitions', '3', '--records', '3000']
  const env = { ...process.env, NODE_OPTIONS: '', KAFKAWIRE_BOOTSTRAP: '' }
  const { stdout } = await run(process.execPath, ['--import', import.meta.resolve('tsx'), main, ...args], {
    env,
    timeout: 50_000,
  })
  expect(stdout).toMatch(/1 thread: 3000 messages \(3000\), 4498500 cents\n +[\d,]+ messages\/s/)
  expect(stdout).toMatch(/2 threads: 3000 messages \(2000 \+ 1000\), 4498500 cents\n +[\d,]+ messages\/s/)
}, 60_000)
