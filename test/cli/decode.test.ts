import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { ndjson, protocol, runCli } from './run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'kafkawire-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const body = `02${'00'.repeat(16)}076f726465727300010000`
const header = '0003000c000000070006746f6f6c2d3100'
const frame = `0000002d${header}${body}`
const bytes = Buffer.from(frame, 'hex')

test('a request tells by itself what it is: each byte is explained', async () => {
  const { code, out, err } = await protocol('decode', frame)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const lines = out.split('\n')
  expect(lines[0]).toBe('MetadataRequest v12, 49 bytes')
  expect(lines[1]).toMatch(/^000000 {2}00 00 00 2d +#size +int32 +45$/)
  expect(lines).toContainEqual(
    expect.stringMatching(/^00000e {2}74 6f .* header\.clientId +string +"tool-1"$/),
  )
  expect(lines).toContainEqual(expect.stringMatching(/topics\[0\]\.name +compact string +"orders"$/))
})

describe('bytes are taken', () => {
  const spaced = frame.replace(/../g, '$& ')
  const forms: readonly [name: string, args: string[], stdin?: string | Uint8Array][] = [
    ['as hex', [frame]],
    ['as hex in capitals', [frame.toUpperCase()]],
    ['as hex with blanks', [spaced]],
    ['as hex in many words', spaced.trim().split(' ')],
    ['as hex with colons and line ends', [frame.replace(/..(?=.)/g, '$&:').replace(/(.{48})/g, '$1\n')]],
    ['as hex with 0x', [`0x${frame}`]],
    ['as hex with 0x before each byte', [frame.replace(/../g, '0x$&, ')]],
    ['from a file', [file('frame.bin', bytes)]],
    ['from a file of hex', [file('frame.txt', `${spaced}\n`)]],
    ['from stdin', ['-'], bytes],
    ['from stdin as hex', ['-'], `${frame}\n`],
    ['from stdin as hex that is called hex', ['-', '--input-format', 'hex'], frame],
    ['from a file that is called raw', [file('raw.bin', bytes), '--input-format', 'raw']],
  ]
  it.each(forms)('%s', async (_, args, stdin = '') => {
    const { code, out } = await runCli(['protocol', 'decode', ...args, '--json'], { stdin })
    expect(code).toBe(0)
    expect(ndjson(out)).toMatchObject([{ api: 'Metadata', body: { topics: [{ name: 'orders' }] } }])
  })

  it('as bytes where a text of digits is meant as bytes', async () => {
    const path = file('digits', '0006')
    const args = ['--message', 'RequestHeader', '--version', '1', '--json']
    const { code } = await protocol('decode', path, '--input-format', 'raw', ...args)
    expect(code).toBe(1)
    expect(
      (
        await protocol(
          'decode',
          '--message',
          'EndTxnMarker',
          '--version',
          '0',
          '--json',
          path,
          '--input-format',
          'raw',
        )
      ).out,
    ).toBe(
      `${JSON.stringify({ message: 'EndTxnMarker', version: 0, body: { coordinatorEpoch: 0x30303036 } })}\n`,
    )
  })
})

describe('where frames begin', () => {
  const expected = [{ api: 'Metadata', version: 12, body: { topics: [{ name: 'orders' }] } }]

  it('--no-size: with the header', async () => {
    const { code, out } = await protocol('decode', '--no-size', '--json', header + body)
    expect(code).toBe(0)
    expect(ndjson(out)).toMatchObject(expected)
  })

  it('--body: with the body, which somebody has to name', async () => {
    const about = ['--api', 'Metadata', '--version', 'v12', '--direction', 'request']
    const { code, out } = await protocol('decode', '--body', ...about, '--json', body)
    expect(code).toBe(0)
    expect(ndjson(out)).toEqual([expect.objectContaining({ direction: 'request', version: 12 })])
    expect(out).not.toContain('header')
    const { out: dump } = await protocol('decode', '--body', ...about, body)
    expect(dump).toContain('topics[0].name')
    expect(dump).not.toContain('header')
  })

  it('--frames: several, each told with its place', async () => {
    const { code, out } = await protocol('decode', '--frames', '--json', frame + frame)
    expect(code).toBe(0)
    expect(ndjson(out).map(({ offset }) => offset)).toEqual([0, 49])
    const dump = await protocol('decode', '--frames', frame + frame)
    expect(dump.out).toContain('byte 49: MetadataRequest v12, 49 bytes\n')
  })

  it('a frame that is cut, or is followed by more, is exit code 1', async () => {
    for (const cut of [frame.slice(0, -2), `${frame}00`]) {
      const { code, err } = await protocol('decode', cut)
      expect(code).toBe(1)
      expect(err).toMatch(/^error: the size says 45, but (44|46) bytes follow; with --frames/)
    }
    const { code, out, err } = await protocol('decode', '--frames', '--json', frame + frame.slice(0, 60))
    expect(code).toBe(1)
    expect(ndjson(out)).toHaveLength(1)
    expect(err).toBe('error: at byte 49: the end comes 30 bytes into a frame\n')
  })

  it('a stream whose sizes cannot be is exit code 1', async () => {
    const { code, err } = await protocol('decode', '--frames', `${frame}ffffffff00`)
    expect(code).toBe(1)
    expect(err).toMatch(/^error: at byte 49: frame of -1 bytes, allowed are 0 to /)
  })
})

it('a header that begins like a capture is none', async () => {
  const args = ['--no-size', '--api', 'Heartbeat', '--version', '0', '--json', 'a1b2c3d4 001b']
  const { code, out } = await protocol('decode', ...args)
  expect(code).toBe(0)
  expect(ndjson(out)).toMatchObject([{ header: { correlationId: 0xa1b2c3d4 | 0 }, body: { errorCode: 27 } }])
})

describe('answers', () => {
  const answer = '0000001000000007000000000001001200000004'

  it('are read as what --api and --version say', async () => {
    const { code, out } = await protocol('decode', '--api', '18', '--version', '0', '--json', answer)
    expect(code).toBe(0)
    expect(ndjson(out)).toEqual([
      {
        direction: 'response',
        api: 'ApiVersions',
        apiKey: 18,
        version: 0,
        header: { correlationId: 7 },
        body: { errorCode: 0, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] },
      },
    ])
  })

  it('can be named by their message', async () => {
    const { code, out } = await protocol('decode', '--api', 'ApiVersionsResponse', '--version', '0', answer)
    expect(code).toBe(0)
    expect(out).toContain('ApiVersionsResponse v0, 20 bytes')
  })

  it('that refuse a version of ApiVersions are read as version 0', async () => {
    const refusal = '0000000e00000007002300000001001200000004'.replace('0000000e', '00000010')
    const { code, out } = await protocol(
      'decode',
      '--api',
      'ApiVersions',
      '--version',
      '4',
      '--json',
      refusal,
    )
    expect(code).toBe(0)
    expect(ndjson(out)).toMatchObject([{ version: 0, body: { errorCode: 35 } }])
  })
})

describe('bytes that make no sense', () => {
  it('are shown as far as they go, with exit code 1', async () => {
    const broken = frame.replace('076f7264', '7f6f7264')
    const dump = await protocol('decode', broken)
    expect(dump.code).toBe(1)
    expect(dump.out).toMatch(/\nerror at byte 39: topics\[0\]\.name: .*\n$/)
    const json = await protocol('decode', '--json', broken)
    expect(json.code).toBe(1)
    expect(ndjson(json.out)).toMatchObject([
      { api: 'Metadata', header: { clientId: 'tool-1' }, error: { path: 'topics[0].name' } },
    ])
  })

  it('of an API or version that is not known show their header', async () => {
    const noApi = await protocol('decode', '0000000c 7fff 0000 00000001 0002 6869')
    expect(noApi).toMatchObject({ code: 1, err: 'error: API key 32767 is not known\n' })
    expect(noApi.out).toMatch(/clientId +string +"hi"/)
    const noVersion = await protocol('decode', '--json', '0000000c 0003 0063 00000001 0002 6869')
    expect(noVersion.code).toBe(1)
    expect(noVersion.err).toBe('error: Metadata version 99 is not known, these are: 0-13\n')
    expect(ndjson(noVersion.out)).toMatchObject([{ error: { message: expect.stringContaining('99') } }])
  })

  it('of a few bytes, too', async () => {
    for (const few of ['00', '0000', '00000000', '000000020003', '0000000400030000']) {
      for (const format of [[], ['--json']]) {
        const { code, err } = await protocol('decode', few, ...format)
        expect(code).toBe(1)
        expect(err + few).not.toContain('bug')
      }
    }
  })

  it('data behind a version that does not exist says which do', async () => {
    const { code, err } = await protocol('decode', '--message', 'ConsumerProtocolSubscription', '0009 00')
    expect(code).toBe(1)
    expect(err).toMatch(/say version 9 of ConsumerProtocolSubscription, which has 0-3/)
    expect((await protocol('decode', '--message', 'ConsumerProtocolSubscription', '00')).code).toBe(1)
  })
})

describe('--strict', () => {
  const trailing = `0000002f${header}${body}cafe`

  it('makes bytes left over exit code 1, which readers let pass', async () => {
    for (const format of [[], ['--json']]) {
      expect((await protocol('decode', trailing, ...format)).code).toBe(0)
      expect((await protocol('decode', trailing, ...format, '--strict')).code).toBe(1)
      expect((await protocol('decode', frame, ...format, '--strict')).code).toBe(0)
    }
    const { out } = await protocol('decode', trailing, '--json', '--strict')
    expect(ndjson(out)).toMatchObject([
      { trailingBytes: 2, warnings: [{ message: '2 bytes after the end of the message' }] },
    ])
  })

  it('of embedded data, too', async () => {
    const data = ['--message', 'EndTxnMarker', '--version', '0', '00000001ff']
    for (const format of [[], ['--json']]) {
      expect((await protocol('decode', ...data, ...format)).code).toBe(0)
      expect((await protocol('decode', ...data, ...format, '--strict')).code).toBe(1)
    }
  })
})
