import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { clientSoftware } from '../../src/version.ts'
import { pcapFile } from '../support/capture-builder.ts'
import { protocol, runCli } from './run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'kafkawire-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))
const capture = join(folder, 'empty.pcap')
writeFileSync(capture, pcapFile([]))
const empty = join(folder, 'empty')
writeFileSync(empty, '')

// Nobody listens at port 1: whoever gets as far as to connect has not found the mistake.
const server = ['--bootstrap-server', '127.0.0.1:1']

const wrong: readonly [args: string[], message: string | RegExp][] = [
  [['decode'], "missing required argument 'input'"],
  [
    ['decode', 'xyz'],
    /"xyz": neither hex \("x" at character 1; allowed are 0-9 and a-f\) nor a file \(no such file\)/,
  ],
  [['decode', '000'], /neither hex \(3 digits, and a byte has two\)/],
  [['decode', '00', 'xy'], /"00 xy": not hex: "x" at character 4/],
  [['decode', ''], /neither hex \(no digits\)/],
  [['decode', empty], 'is empty'],
  [['decode', folder], 'nor a file (EISDIR'],
  [['decode', capture, '--input-format', 'hex'], 'not hex'],
  [['decode', '00', '--input-format', 'binary'], 'Allowed choices are auto, hex, raw'],
  [['decode', '00', '--api', 'Metadata'], 'a response needs --api and --version'],
  [['decode', '00', '--direction', 'response'], 'a response needs --api and --version'],
  [['decode', '00', '--direction', 'up'], 'Allowed choices are request, response'],
  [['decode', '00', '--version', '3'], '--version goes with --api or --message'],
  [['decode', '00', '--api', 'Metadata', '--version', '14'], 'Metadata has no version 14: allowed are 0-13'],
  [['decode', '00', '--api', 'Metadata', '--version', 'x'], 'version "x": v and a number are allowed'],
  [['decode', '00', '--api', 'MetadataRequest', '--direction', 'response'], 'is no response'],
  [['decode', '00', '--api', 'EndTxnMarker', '--version', '0'], 'EndTxnMarker is no API'],
  [['decode', '00', '--body'], '--body needs --api, --version and --direction'],
  [['decode', '00', '--body', '--api', 'Metadata', '--version', '1'], '--body needs --api, --version and'],
  [['decode', '00', '--frames', '--body'], '--frames does not go with --body'],
  [['decode', '00', '--frames', '--no-size'], '--frames does not go with --no-size'],
  [
    ['decode', '00', '--records', '--api', 'Fetch', '--version', '1'],
    '--records does not go with --version, --api',
  ],
  [['decode', '00', '--records', '--message', 'Fetch'], '--records does not go with --message'],
  [['decode', '00', '--message', 'EndTxnMarker', '--frames'], '--message does not go with --frames'],
  [['decode', '00', '--message', 'Metadata'], 'MetadataRequest and MetadataResponse are messages'],
  [
    ['decode', '00', '--message', 'MetadataRequest'],
    '--message MetadataRequest needs --version: allowed are 0-13',
  ],
  [
    ['decode', '00', '--message', 'EndTxnMarker', '--version', '1'],
    'EndTxnMarker has no version 1: allowed are 0',
  ],
  [['decode', '00', '--dump'], '--dump is for captures'],
  [['decode', '00', '--port', '9092'], '--port is for captures'],
  [['decode', '00', '--port', '0'], 'Allowed are whole numbers from 1 to 65535'],
  [['decode', capture, '--api', 'Metadata', '--version', '1'], 'a capture tells by itself what is in it'],
  [['decode', '00', '--colour'], "unknown option '--colour'"],
  [['encode', 'Metadata'], "missing required argument 'version'"],
  [
    ['encode', 'Metdata', 'v1'],
    /"Metdata" is no API .* did you mean Metadata\?; allowed are Kafka's names and keys from 0 to \d+/,
  ],
  [['encode', '999', 'v1'], /"999" is no API or message/],
  [['encode', 'Metadata', 'v14'], 'Metadata has no version 14: allowed are 0-13'],
  [['encode', 'Metadata', 'latest'], 'version "latest": v and a number are allowed, Metadata has 0-13'],
  [['encode', 'Metadata', 'v1', '{'], 'MetadataRequest v1: the body is no JSON'],
  [['encode', 'Metadata', 'v1', '[]'], 'MetadataRequest v1: an object expected, got []'],
  [['encode', 'Metadata', 'v1', '{"topic":[]}'], 'topic: unknown field, allowed are topics'],
  [['encode', 'Metadata', 'v1', '{"topics":[{"name":7}]}'], 'topics[0].name: a string expected, got 7'],
  [
    ['encode', 'Metadata', 'v1', '{"allowAutoTopicCreation":false}'],
    'version 1 does not have it, versions 4+ do',
  ],
  [['encode', 'EndTxn', 'v1', '{"producerEpoch":70000}'], 'producerEpoch: int16 expected, got 70000'],
  [['encode', 'EndTxn', 'v1', '{"producerId":9007199254740993}'], 'an int64 beyond 2^53 as a decimal string'],
  [
    ['encode', 'Produce', 'v3', '{"topicData":[{"partitionData":[{"records":"%"}]}]}'],
    'records: base64 expected',
  ],
  [['encode', 'Metadata', 'v1', '@/nowhere'], 'cannot read "/nowhere"'],
  [['encode', 'Metadata', 'v1', '{}', '--out', join(folder, 'no', 'where')], 'cannot write'],
  [['encode', 'Metadata', 'v1', '--correlation-id', '2147483648'], 'from -2147483648 to 2147483647'],
  [['encode', 'MetadataRequest', 'v1', '--response'], 'MetadataRequest is a request'],
  [['encode', 'EndTxnMarker', 'v0', '--response'], 'EndTxnMarker is no API'],
  [['send', 'Metadata', 'v1'], "required option '--bootstrap-server <host:port>' not specified"],
  [['send', 'Metadata', 'v99', ...server], 'Metadata has no version 99: allowed are 0-13'],
  [['send', 'Metadata', ...server], 'API and version are missing'],
  [['send', 'MetadataResponse', 'v1', ...server], 'MetadataResponse is no request'],
  [['send', 'EndTxnMarker', 'v0', ...server], 'EndTxnMarker is no API'],
  [['send', 'Metadata', 'v1', '{}', '--hex', '00', ...server], '--hex and a JSON body are two requests'],
  [['send', 'Metadata', '--hex', '00', ...server], 'the version of Metadata is missing'],
  [['send', 'Metadata', 'v1', '--timeout', '0', ...server], 'Allowed are whole numbers from 1'],
  [
    ['send', 'Metadata', 'v1', '--bootstrap-server', 'broker'],
    '--bootstrap-server is "broker"; allowed: host:port',
  ],
  [['send', 'Metadata', 'v1', '--bootstrap-server', 'broker:70000'], 'allowed: host:port'],
  [['send', 'Metadata', 'v1', '--tls-ca', '/nowhere', ...server], 'cannot read "/nowhere"'],
  [['send', 'Metadata', 'v1', '--sasl-plain', 'alice', ...server], '--sasl-plain: allowed are user:password'],
  [['versions'], "required option '--bootstrap-server <host:port>' not specified"],
  [['versions', '--bootstrap-server', ''], 'allowed: host:port'],
  [['describe', 'Fetsh'], 'did you mean Fetch'],
  [['describe', 'Fetch', 'v99'], 'Fetch has no version 99: allowed are 0-18'],
  [['describe', 'Fetch', 'v1', 'more'], 'too many arguments'],
  [['decrypt'], "unknown command 'decrypt'"],
  [[], 'Usage: kafkawire protocol'],
]

describe('wrong usage is exit code 2, and says what is allowed', () => {
  it.each(wrong)('%j', async (args, message) => {
    const { code, out, err } = await protocol(...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    if (typeof message === 'string') expect(err).toContain(message)
    else expect(err).toMatch(message)
    expect(err).not.toMatch(/^bug/)
  })

  it('without any argument help is printed as the error that it is', async () => {
    const { code, out, err } = await runCli([])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('Usage: kafkawire')
  })
})

describe('help', () => {
  it.each([[], ['decode'], ['encode'], ['send'], ['versions'], ['describe']])(
    'of protocol %s goes to stdout, tells the exit codes, and is exit code 0',
    async (...names) => {
      const { code, out, err } = await protocol(...names, '--help')
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toContain(`Usage: ${['kafkawire protocol', ...names].join(' ')} `)
      expect(out).toContain('Exit codes: 0 fine;')
    },
  )

  test('--version is that of the package; behind decode it is that of the bytes', async () => {
    expect(await runCli(['--version'])).toEqual({ code: 0, out: `${clientSoftware.version}\n`, err: '' })
    const { code } = await protocol('decode', '--message', 'EndTxnMarker', '--version', '0', '00000001')
    expect(code).toBe(0)
  })
})
