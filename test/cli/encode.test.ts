import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { protocol, runCli } from './run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'kafkawire-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('encode', () => {
  it('prints a whole frame, its header first, on one line', async () => {
    const about = ['--client-id', 'me', '--correlation-id', '258']
    expect(await protocol('encode', 'ListGroups', 'v3', '{}', ...about)).toEqual({
      code: 0,
      out: '0000000e001000030000010200026d650000\n',
      err: '',
    })
  })

  it('prints an answer with --response, or by the name of its message', async () => {
    const out = '0000000a00000000002300000000\n'
    const json = '{"errorCode":35}'
    expect(await protocol('encode', 'ApiVersions', '0', json, '--response')).toEqual({
      code: 0,
      out,
      err: '',
    })
    expect(await protocol('encode', 'apiversionsresponse', 'V0', json)).toEqual({ code: 0, out, err: '' })
    expect((await protocol('encode', '18', '0', json, '--response', '--body')).out).toBe('002300000000\n')
  })

  it('takes JSON from an argument, a file or stdin; what is left out has its default', async () => {
    const json = '{"topics":[{"name":"a"}]}'
    const path = join(folder, 'body.json')
    writeFileSync(path, json)
    const args = ['protocol', 'encode', 'Metadata', 'v0', '--body']
    for (const body of [json, `@${path}`, '-']) {
      const { code, out } = await runCli([...args, body], { stdin: json })
      expect({ code, out }).toEqual({ code: 0, out: '00000001000161\n' })
    }
    expect((await runCli(args)).out).toBe('00000000\n')
  })

  it('writes bytes to a file with --out, and prints nothing', async () => {
    const path = join(folder, 'request.bin')
    expect(await protocol('encode', 'ListGroups', 'v0', '--out', path)).toEqual({ code: 0, out: '', err: '' })
    expect(readFileSync(path).toString('hex')).toBe('0000001300100000000000000009' + '6b61666b6177697265')
    expect((await protocol('decode', path)).code).toBe(0)
  })

  it('takes int64 as a decimal string, or as a number where that is exact', async () => {
    for (const value of ['"9007199254740993"', '9007199254740991', '-1']) {
      const { code } = await protocol('encode', 'EndTxn', 'v0', `{"producerId":${value}}`)
      expect(code).toBe(0)
    }
  })
})
