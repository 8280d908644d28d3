import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import { encodeRequestFrame } from '../../src/protocol/headers.ts'
import {
  type ConnectionInput,
  ipPacket,
  type PacketInput,
  pcapFile,
  pcapngFile,
  type SegmentInput,
} from '../support/capture-builder.ts'
import { responseFrame, sized } from '../support/scripted-broker.ts'
import { ndjson, protocol, runCli } from './run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'kafkawire-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function file(bytes: Uint8Array): string {
  const path = join(folder, `${files++}`)
  writeFileSync(path, bytes)
  return path
}

const request = (correlationId: number) =>
  Buffer.concat(encodeRequestFrame(metadata, 12, correlationId, 'me', { topics: null }))
const response = (correlationId: number) =>
  Buffer.from(responseFrame(metadata, { version: 12, correlationId }, { clusterId: 'c' } as never))

/** Segments of one connection that was seen from its beginning. */
function connectionOf(
  said: readonly (readonly [SegmentInput['from'], Uint8Array])[],
  connection: ConnectionInput = {},
): PacketInput[] {
  const next = { client: 1001, server: 5001 }
  const segments: SegmentInput[] = [
    { from: 'client', sequence: 1000, flags: 'S' },
    { from: 'server', sequence: 5000, acknowledgment: 1001, flags: 'S' },
  ]
  for (const [from, data] of said) {
    const other = from === 'client' ? 'server' : 'client'
    segments.push({ from, sequence: next[from], acknowledgment: next[other], data })
    next[from] += data.length
  }
  return segments.map((segment, i) => ({
    at: 1_700_000_000_000 + i * 2,
    bytes: ipPacket(segment, connection),
  }))
}

const whole = connectionOf([
  ['client', request(7)],
  ['server', response(7)],
  ['client', request(8)],
  ['server', response(8)],
])

describe('a capture', () => {
  it.each([
    ['pcap', pcapFile(whole)],
    ['pcap of the other byte order', pcapFile(whole, { littleEndian: false })],
    ['pcap in nanoseconds', pcapFile(whole, { nanoseconds: true })],
    ['pcapng', pcapngFile(whole)],
    ['pcapng of the other byte order', pcapngFile(whole, { littleEndian: false })],
  ])('as %s is printed as a conversation', async (_, bytes) => {
    const { code, out, err } = await protocol('decode', file(bytes))
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.split('\n')).toEqual([
      '10.0.0.1:50000 -> 10.0.0.2:9092',
      `       +0.000 ms  Metadata v12, correlation id 7, client id "me", ${request(7).length} bytes, ` +
        `answer of ${response(7).length} bytes after 2.000 ms`,
      `       +4.000 ms  Metadata v12, correlation id 8, client id "me", ${request(7).length} bytes, ` +
        `answer of ${response(7).length} bytes after 2.000 ms`,
      '  2 requests, 0 problems',
      '',
      '6 packets, 1 connection',
      '',
    ])
  })

  it('comes from stdin, too', async () => {
    const { code, out } = await runCli(['protocol', 'decode', '-'], { stdin: pcapFile(whole) })
    expect(code).toBe(0)
    expect(out).toContain('2 requests')
  })

  it('--dump shows each byte of requests and answers', async () => {
    const { code, out } = await protocol('decode', '--dump', file(pcapFile(whole)))
    expect(code).toBe(0)
    expect(out.match(/header\.requestApiKey/g)).toHaveLength(2)
    expect(out.match(/clusterId +compact string +"c"/g)).toHaveLength(2)
  })

  it('--json prints a line for each request, and what is in the file', async () => {
    const { code, out } = await protocol('decode', '--json', file(pcapFile(whole)))
    expect(code).toBe(0)
    const lines = ndjson(out)
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatchObject({
      connection: 0,
      client: '10.0.0.1:50000',
      server: '10.0.0.2:9092',
      api: 'Metadata',
      version: 12,
      correlationId: 7,
      at: 1_700_000_000_004,
      answeredAt: 1_700_000_000_006,
      request: { topics: null },
      response: { clusterId: 'c' },
    })
    expect(lines[2]).toEqual({
      summary: { packets: 6, connections: 1, connectionsOnOtherPorts: 0, skipped: {} },
    })
  })

  it('--port leaves other connections out, and knows by it who is the broker', async () => {
    const others = connectionOf([['client', Buffer.from('GET / HTTP/1.1\r\n\r\n')]], { serverPort: 80 })
    const path = file(pcapFile([...whole, ...others]))
    const all = await protocol('decode', path)
    expect(all.code).toBe(1)
    expect(all.out).toMatch(/notFrames at byte 0 of the client: .*this looks like HTTP/)
    const some = await protocol('decode', path, '--port', '9092')
    expect(some.code).toBe(0)
    expect(some.out).not.toContain('HTTP')
    expect(some.out).toContain('1 connection, 1 more on other ports')
    expect((await protocol('decode', path, '--port', '9092', '--port', '80')).code).toBe(1)

    // Begun before the capture, and the broker has the higher port.
    const late = connectionOf(
      [
        ['client', request(1)],
        ['server', response(1)],
      ],
      { serverPort: 60_000 },
    ).slice(2)
    const { code, out } = await protocol('decode', file(pcapFile(late)), '--port', '60000')
    expect(code).toBe(0)
    expect(out).toContain('10.0.0.1:50000 -> 10.0.0.2:60000 (begun before the capture)\n')
  })

  it('tells what is missing, with exit code 1', async () => {
    const packets = connectionOf([
      ['client', request(7)],
      ['server', response(7)],
      ['client', request(8).subarray(0, 10)],
      ['client', request(8).subarray(10)],
      ['server', response(8)],
    ])
    const { code, out } = await protocol('decode', file(pcapFile(packets.filter((_, i) => i !== 5))))
    expect(code).toBe(1)
    expect(out).toMatch(/^10\.0\.0\.1:50000 -> 10\.0\.0\.2:9092 \(\d+ bytes missing\)\n/)
    expect(out).toMatch(/gap at byte \d+ of the client: \d+ bytes are missing/)
  })

  it('tells of answers that nobody asked for, and of bytes that do not decode, with exit code 1', async () => {
    const unasked = connectionOf([['server', response(9)]])
    const first = await protocol('decode', '--json', file(pcapFile(unasked)))
    expect(first.code).toBe(1)
    expect(ndjson(first.out)).toContainEqual(
      expect.objectContaining({ problem: expect.objectContaining({ kind: 'unmatchedResponse' }) }),
    )
    const broken = Buffer.from(request(1))
    broken[broken.length - 5] = 0xff
    const second = await protocol('decode', file(pcapFile(connectionOf([['client', broken]]))))
    expect(second.code).toBe(1)
    expect(second.out).toMatch(/malformed at byte 0 of the client: request Metadata v12: /)
  })

  it('minds a request without an answer, and bytes left over, with --strict alone', async () => {
    const trailing = Buffer.concat([request(2), Buffer.from([1])])
    trailing.writeInt32BE(trailing.length - 4)
    const path = file(
      pcapFile(
        connectionOf([
          ['client', request(1)],
          ['client', trailing],
        ]),
      ),
    )
    for (const format of [[], ['--json'], ['--dump']]) {
      const tolerant = await protocol('decode', path, ...format)
      expect(tolerant.code).toBe(0)
      expect(tolerant.out).toContain('unanswered')
      const strict = await protocol('decode', path, ...format, '--strict')
      expect(strict.code).toBe(1)
      expect(strict.out).toContain('1 bytes after the end of the message')
    }
  })

  it("does not print what SASL says, which is somebody's secret", async () => {
    const handshake = Buffer.concat(encodeRequestFrame(saslHandshake, 0, 1, 'me', { mechanism: 'PLAIN' }))
    const packets = connectionOf([
      ['client', handshake],
      ['server', responseFrame(saslHandshake, { version: 0, correlationId: 1 }, {})],
      ['client', sized(Buffer.from('\0alice\0secret'))],
      ['server', sized(Buffer.alloc(0))],
      ['client', request(2)],
      ['server', response(2)],
    ])
    const path = file(pcapFile(packets))
    for (const format of [[], ['--json'], ['--dump']]) {
      const { code, out } = await protocol('decode', path, ...format)
      expect(code).toBe(0)
      expect(out).toMatch(
        format[0] === '--json' ? /"saslToken":/ : /SASL PLAIN token from the client, 13 bytes/,
      )
      expect(out).not.toMatch(/alice|secret/)
    }
  })

  it('that is long is printed in the order of the requests, all of them', async () => {
    const count = 2500
    const said = Array.from({ length: count }, (_, i) => [
      ['client', request(i)] as const,
      ['server', response(i)] as const,
    ])
    const { code, out } = await protocol('decode', '--json', file(pcapFile(connectionOf(said.flat()))))
    expect(code).toBe(0)
    const ids = ndjson(out).flatMap(({ correlationId }) =>
      correlationId === undefined ? [] : [correlationId],
    )
    expect(ids).toEqual(Array.from({ length: count }, (_, i) => i))
  })

  it('that ends early is read as far as it goes, with exit code 1', async () => {
    const { code, out, err } = await protocol('decode', file(pcapFile(whole).subarray(0, -5)))
    expect(code).toBe(1)
    expect(out).toContain('correlation id 7')
    expect(err).toMatch(/^error: the capture ends early: /)
  })

  it('counts packets that are in no connection', async () => {
    const udp = Buffer.from(whole[0]!.bytes)
    udp[9] = 17
    const { code, out } = await protocol('decode', file(pcapFile([...whole, { at: 0, bytes: udp }])))
    expect(code).toBe(0)
    expect(out).toContain('7 packets, 1 connection, 1 packet left out: not TCP\n')
  })
})
