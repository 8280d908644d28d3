import { describe, expect, it } from 'vitest'
import { clientSoftware } from '../../src/version.ts'
import { runProcess, runShell } from './run-process.ts'

describe('the command as a process', () => {
  it.each([
    { code: 0, args: ['--version'], out: `${clientSoftware.version}\n`, err: '' },
    { code: 1, args: ['protocol', 'decode', '--json', '0000'], out: /"error"/, err: /^error: / },
    { code: 2, args: ['protocol', 'describe', 'Fetsh'], out: '', err: /did you mean Fetch/ },
    {
      code: 3,
      args: ['protocol', 'versions', '--bootstrap-server', '127.0.0.1:1'],
      out: '',
      err: /^error: 127\.0\.0\.1:1: /,
    },
  ])('ends with exit code $code for $args', async ({ code, args, out, err }) => {
    expect(await runProcess(args)).toEqual({
      code,
      out: typeof out === 'string' ? out : expect.stringMatching(out),
      err: typeof err === 'string' ? err : expect.stringMatching(err),
    })
  })

  it('reads stdin', async () => {
    const { code, out } = await runProcess(['protocol', 'encode', 'Metadata', 'v0', '-', '--body'], '{}')
    expect({ code, out }).toEqual({ code: 0, out: '00000000\n' })
  })

  it('ends without waiting for the end of a stdin that it does not need', async () => {
    expect(await runProcess(['--version'], null)).toMatchObject({
      code: 0,
      out: `${clientSoftware.version}\n`,
    })
  })

  it('ends quietly when nobody reads on', async () => {
    const { out, err } = await runShell('(kafkawire protocol describe Fetch; echo "code $?" >&2) | head -n 1')
    expect(out).toBe('Fetch: API key 1\n')
    expect(err).toBe('code 0\n')
  })

  it('is used in pipes', async () => {
    const { code, out } = await runShell(
      "kafkawire protocol encode Metadata v12 '{}' | kafkawire protocol decode - --json",
    )
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ api: 'Metadata', version: 12 })
  })
})
