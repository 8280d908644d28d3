import { Readable, Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { run } from '../../src/cli/program.ts'
import { Collector } from './run-cli.ts'

/** A reader that takes so many texts and then is gone in the way of `code`. */
function leaving(after: number, code: string): Writable & { taken: number } {
  const stream = new Writable({
    write(_chunk, _encoding, done) {
      if (taken.taken++ < after) done()
      else done(Object.assign(new Error(`write ${code}`), { code }))
    },
  })
  const taken = Object.assign(stream, { taken: 0 })
  return taken
}

const stdin = () => Readable.from([])

it('a reader that has enough ends the command quietly', async () => {
  const stderr = new Collector()
  const stdout = leaving(2, 'EPIPE')
  expect(await run(['protocol', 'describe', 'Fetch'], { stdin: stdin(), stdout, stderr })).toBe(0)
  expect(stderr.text).toBe('')
  // The one that failed was the last: nothing more is made for nobody.
  expect(stdout.taken).toBe(3)
})

it('a full disk is an error, with exit code 2', async () => {
  const stderr = new Collector()
  const stdout = leaving(0, 'ENOSPC')
  expect(await run(['protocol', 'describe'], { stdin: stdin(), stdout, stderr })).toBe(2)
  expect(stderr.text).toBe('error: cannot write: write ENOSPC\n')
})

it('with nobody to tell, an error still has its exit code', async () => {
  const streams = { stdin: stdin(), stdout: leaving(0, 'EPIPE'), stderr: leaving(0, 'EPIPE') }
  expect(await run(['protocol', 'decode', 'xyz'], streams)).toBe(2)
})

it('a slow reader is waited for: nothing is made before the last text is taken', async () => {
  const waiting: number[] = []
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      setImmediate(() => {
        waiting.push(stdout.writableLength - chunk.length)
        done()
      })
    },
  })
  const streams = { stdin: stdin(), stdout, stderr: new Collector() }
  expect(await run(['protocol', 'describe', 'Fetch'], streams)).toBe(0)
  expect(waiting.length).toBeGreaterThan(10)
  expect(Math.max(...waiting)).toBe(0)
})
