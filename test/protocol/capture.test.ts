import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { conversationOf, readCapture, type TcpStream } from '../../src/protocol/capture/read-capture.ts'
import { ProtocolError } from '../../src/protocol/errors.ts'
import { encodeRequestFrame } from '../../src/protocol/headers.ts'
import {
  type ConnectionInput,
  ipPacket,
  links,
  pcapFile,
  pcapngFile,
  type SegmentInput,
} from '../support/capture-builder.ts'
import { responseFrame } from '../support/scripted-broker.ts'

const request = Buffer.concat(encodeRequestFrame(metadata, 12, 7, 'me', { topics: null }))
const response = Buffer.from(
  responseFrame(metadata, { version: 12, correlationId: 7 }, { clusterId: 'c' } as never),
)

// Near the end of the 32 bits, so that both sides go around.
const clientStart = 0xffff_fff0
const serverStart = 0xffff_fffe

const exchange: readonly SegmentInput[] = [
  { from: 'client', sequence: clientStart - 1, flags: 'S' },
  { from: 'server', sequence: serverStart - 1, acknowledgment: clientStart, flags: 'S' },
  { from: 'client', sequence: clientStart, acknowledgment: serverStart, data: request.subarray(0, 9) },
  { from: 'client', sequence: clientStart + 9, acknowledgment: serverStart, data: request.subarray(9) },
  { from: 'server', sequence: serverStart, acknowledgment: clientStart + request.length, data: response },
  {
    from: 'client',
    sequence: clientStart + request.length,
    acknowledgment: serverStart + response.length,
    flags: 'F',
  },
  {
    from: 'server',
    sequence: serverStart + response.length,
    acknowledgment: clientStart + request.length + 1,
    flags: 'F',
  },
]

function packetsOf(
  segments: readonly SegmentInput[],
  connection: ConnectionInput = {},
  before: Uint8Array = new Uint8Array(0),
) {
  return segments.map((segment, i) => ({
    at: 1_700_000_000_000 + i * 10,
    bytes: Buffer.concat([before, ipPacket(segment, connection)]),
  }))
}

const read = (segments: readonly SegmentInput[]) => readCapture(pcapFile(packetsOf(segments)))

function bytesOf({ parts }: TcpStream, side: 'client' | 'server'): string {
  return Buffer.concat(
    parts.map((part) => ('bytes' in part && part.from === side ? part.bytes : new Uint8Array(0))),
  ).toString('hex')
}

function expectExchange(stream: TcpStream): void {
  const { exchanges, problems } = conversationOf(stream)
  expect(problems).toEqual([])
  expect(exchanges).toMatchObject([{ api: 'Metadata', correlationId: 7, response: { clusterId: 'c' } }])
}

describe('a capture', () => {
  const formats = [true, false].flatMap((littleEndian) =>
    [true, false].map((nanoseconds) => ({ littleEndian, nanoseconds })),
  )

  it.each(formats)('is read as pcap and pcapng: $littleEndian $nanoseconds', (format) => {
    for (const file of [pcapFile, pcapngFile]) {
      const { streams, error, packets, skipped } = readCapture(file(packetsOf(exchange), format))
      expect({ error, packets, skipped, count: streams.length }).toEqual({
        error: null,
        packets: 7,
        skipped: {},
        count: 1,
      })
      expectExchange(streams[0]!)
      expect(streams[0]).toMatchObject({
        clientIsKnown: true,
        isClosed: true,
        gaps: [],
        retransmittedBytes: 0,
      })
      expect(conversationOf(streams[0]!).exchanges).toMatchObject([
        { at: 1_700_000_000_030, answeredAt: 1_700_000_000_040 },
      ])
    }
  })

  it.each(links)('of link type $name is read, IPv4 and IPv6', ({ linkType, before }) => {
    for (const ipv6 of [false, true]) {
      const file = pcapFile(packetsOf(exchange, { ipv6 }, before(ipv6)), { linkType })
      const { streams, skipped } = readCapture(file)
      expect(skipped).toEqual({})
      expect(streams[0]?.client).toEqual({ address: ipv6 ? 'fd00::1' : '10.0.0.1', port: 50_000 })
      expectExchange(streams[0]!)
    }
  })

  it('of simple packets has no times but those of packets before', () => {
    const packets = packetsOf(exchange).map((packet, i) => ({ ...packet, simple: i > 0 }))
    const { streams } = readCapture(pcapngFile(packets))
    expectExchange(streams[0]!)
    expect(conversationOf(streams[0]!).exchanges[0]?.answeredAt).toBe(1_700_000_000_000)
  })

  it('that is cut off gives what is there, and says where it ends', () => {
    for (const file of [pcapFile(packetsOf(exchange)), pcapngFile(packetsOf(exchange))]) {
      const { packets, error } = readCapture(file.subarray(0, file.length - 5))
      expect([packets, error?.code]).toEqual([6, 'TRUNCATED'])
    }
  })

  it('counts packets that it has no use for', () => {
    const udp = ipPacket(exchange[0]!)
    udp[9] = 17
    const fragment = ipPacket(exchange[2]!)
    fragment[6] = 0x20
    const short = ipPacket(exchange[2]!).subarray(0, 25)
    const packets = [udp, fragment, short, Buffer.from([0x10])].map((bytes) => ({ at: 0, bytes }))
    expect(readCapture(pcapFile(packets)).skipped).toEqual({
      'not TCP': 1,
      'IP fragment': 1,
      'cut short': 1,
      'not IP': 1,
    })
    expect(readCapture(pcapFile(packets, { linkType: 147 })).skipped).toEqual({ 'link type': 4 })
  })

  it('of another kind of file is an error that tells how it begins', () => {
    expect(() => readCapture(Buffer.from('PK34'))).toThrow('neither pcap nor pcapng begins with 50 4b 33 34')
  })
})

describe('IP fragments', () => {
  const addressed = (i: number, id: number) => {
    const packet = ipPacket(exchange[i]!)
    packet.writeUInt16BE(id, 4)
    return packet
  }
  /** Cuts the packet of one segment; `size` counts bytes of data, a multiple of 8. */
  const fragmentsOf = (packet: Buffer, size: number) =>
    Array.from({ length: Math.ceil((packet.length - 20) / size) }, (_, i) => {
      const data = packet.subarray(20 + i * size, 20 + (i + 1) * size)
      const fragment = Buffer.concat([packet.subarray(0, 20), data])
      const more = 20 + (i + 1) * size < packet.length ? 0x2000 : 0
      fragment.writeUInt16BE(fragment.length, 2)
      fragment.writeUInt16BE(more | ((i * size) / 8), 6)
      return fragment
    })
  const readAll = (packets: readonly Buffer[], msApart = 10) =>
    readCapture(pcapFile(packets.map((bytes, i) => ({ at: 1_700_000_000_000 + i * msApart, bytes }))))
  const all = exchange.map((_, i) => fragmentsOf(addressed(i, 100 + i), 8))

  it('of IPv4 are put together, in whatever order they come and however often', () => {
    expect(all.flat().length).toBeGreaterThan(20)
    expectExchange(readAll(all.flat()).streams[0]!)
    const mixed = all.flatMap((fragments) => [...fragments].reverse())
    const { streams, skipped } = readAll(mixed)
    expectExchange(streams[0]!)
    expect(skipped).toEqual({})
    // Two datagrams at once, and pieces twice.
    const [third, fourth] = [all[2]!, all[3]!]
    const twice = third.flatMap((fragment, i) => [fragment, fragment, ...(fourth[i] ? [fourth[i]] : [])])
    const rest = fourth.slice(third.length)
    expectExchange(
      readAll([...all.slice(0, 2).flat(), ...twice, ...rest, ...all.slice(4).flat()]).streams[0]!,
    )
  })

  it('that miss one are skipped and counted, and leave a gap', () => {
    const fragments = all[3]!
    expect(fragments.length).toBeGreaterThan(2)
    const packets = [...all.slice(0, 3).flat(), ...fragments.toSpliced(1, 1), ...all.slice(4).flat()]
    const { streams, skipped } = readAll(packets)
    expect(skipped).toEqual({ 'IP fragment': fragments.length - 1 })
    expect(streams[0]?.gaps).toMatchObject([{ from: 'client', offset: 9, length: request.length - 9 }])
  })

  it('that come too late, of too many datagrams, or that contradict each other are given up', () => {
    const [first, ...others] = all[4]!
    expect(readAll([first!, ...others], 31_000).skipped['IP fragment']).toBe(all[4]!.length)
    const many = Array.from({ length: 65 }, (_, id) => fragmentsOf(addressed(4, id), 16))
    const heads = many.map(([head]) => head!)
    // The first is the oldest, and so the one that the 65th takes the place of.
    const { skipped, streams } = readAll([...heads, ...many[0]!.slice(1), ...many[64]!.slice(1)], 0)
    expect(streams.length).toBe(1)
    expect(skipped).toEqual({ 'IP fragment': 64 + many[0]!.length - 1 })

    const odd = Buffer.from(first!.subarray(0, first!.length - 1))
    odd.writeUInt16BE(odd.length, 2)
    const last = Buffer.from(others.at(-1)!)
    const early = Buffer.from(last)
    early.writeUInt16BE(1, 6)
    const beyond = Buffer.from(last)
    beyond.writeUInt16BE(0x1fff, 6)
    for (const bad of [[odd], [last, early], [beyond], [others.at(-2)!, early]]) {
      expect(readAll(bad)).toMatchObject({ streams: [], skipped: { 'IP fragment': bad.length } })
    }
  })
})

describe('a TCP stream', () => {
  it('is put in order, with repeated and overlapping segments taken once', () => {
    const [syn, synAck, first, second, answer, ...ends] = exchange as [
      SegmentInput,
      SegmentInput,
      SegmentInput,
      SegmentInput,
      SegmentInput,
    ]
    const overlap = { ...first, sequence: clientStart + 4, data: request.subarray(4, 15) }
    const { streams } = read([syn, synAck, second, overlap, first, first, answer, answer, ...ends])
    expectExchange(streams[0]!)
    expect(streams[0]?.gaps).toEqual([])
    expect(streams[0]?.retransmittedBytes).toBe(5 + 6 + 9 + response.length)
  })

  it('without its beginning has the lower port as the server, or the one that the caller knows', () => {
    const file = pcapFile(packetsOf(exchange.slice(2), { serverPort: 60_000 }))
    expect(readCapture(file).streams[0]).toMatchObject({ clientIsKnown: false, server: { port: 50_000 } })
    const { streams } = readCapture(file, { serverPorts: [60_000] })
    expect(streams[0]).toMatchObject({ clientIsKnown: false, server: { port: 60_000 } })
    expectExchange(streams[0]!)
  })

  it('with a hole tells of the gap and what it spoils', () => {
    const { streams } = read(exchange.filter((_, i) => i !== 3))
    expect(streams[0]?.gaps).toMatchObject([{ from: 'client', offset: 9, length: request.length - 9 }])
    expect(conversationOf(streams[0]!).problems.map(({ kind }) => kind)).toEqual([
      'gap',
      'malformed',
      'unmatchedResponse',
    ])
  })

  it('goes on behind a hole in its middle', () => {
    const again = { ...exchange[3]!, sequence: clientStart + 2 * request.length, data: request }
    const { streams } = read([...exchange.slice(0, 4), again])
    expect(streams[0]?.gaps).toMatchObject([
      { from: 'client', offset: request.length, length: request.length },
    ])
    expect(bytesOf(streams[0]!, 'client')).toBe(Buffer.concat([request, request]).toString('hex'))
  })

  it('is another one when its ports are used again', () => {
    const again = exchange.map((segment) => ({
      ...segment,
      sequence: segment.sequence + 1000,
      ...(segment.acknowledgment === undefined ? {} : { acknowledgment: segment.acknowledgment + 1000 }),
    }))
    const { streams } = read([...exchange, ...again])
    expect(streams.length).toBe(2)
    for (const stream of streams) expectExchange(stream)
  })

  test('comes out as it went in, however its segments are cut, mixed up and repeated', () => {
    const bytes = Buffer.from(Array.from({ length: 300 }, (_, i) => i & 0xff))
    const piece = fc.tuple(fc.nat(299), fc.integer({ min: 1, max: 80 }))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.infiniteStream(fc.nat()), (pieces, random) => {
        const whole = Array.from({ length: 10 }, (_, i) => [i * 30, 30] as const)
        const mixed = [...whole, ...pieces]
          .map((entry) => ({ entry, key: random.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(
            ({ entry: [at, length] }): SegmentInput => ({
              from: 'client',
              sequence: clientStart + at,
              data: bytes.subarray(at, at + length),
            }),
          )
        const { streams } = read([exchange[0]!, ...mixed])
        expect(bytesOf(streams[0]!, 'client')).toBe(bytes.toString('hex'))
        expect(streams[0]!.gaps).toEqual([])
      }),
    )
  })
})

test('whatever a capture file holds, it is read or refused with a ProtocolError', () => {
  const files = [pcapFile(packetsOf(exchange)), pcapngFile(packetsOf(exchange), { nanoseconds: true })]
  const change = fc.tuple(fc.nat(2000), fc.integer({ min: 0, max: 255 }))
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.array(change, { maxLength: 12 }),
      fc.nat(2000),
      (good, changes, length) => {
        const bytes = Uint8Array.from(good.subarray(0, length))
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
        try {
          const { streams, packets } = readCapture(bytes)
          expect(packets).toBeLessThan(20)
          for (const stream of streams) expect(conversationOf(stream).exchanges.length).toBeLessThan(20)
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error
          expect(error.code).toBe('UNSUPPORTED')
        }
      },
    ),
    { numRuns: 3000 },
  )
})
