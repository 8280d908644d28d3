/** One side's segment of a TCP connection. */
export interface SegmentInput {
  readonly from: 'client' | 'server'
  readonly sequence: number
  /** Sets the flag and the number. */
  readonly acknowledgment?: number
  /** Letters of S(YN), F(IN), R(ST). */
  readonly flags?: string
  readonly data?: Uint8Array
}

export interface ConnectionInput {
  readonly ipv6?: boolean
  readonly clientPort?: number
  readonly serverPort?: number
}

/** Bytes of `size`, each group of `[at, size, value]` written in network byte order. */
function header(
  size: number,
  ...values: readonly (readonly [at: number, size: number, value: number])[]
): Buffer {
  const bytes = Buffer.alloc(size)
  for (const [at, length, value] of values) bytes.writeUIntBE(value, at, length)
  return bytes
}

/** A segment as an IP packet. Checksums are zero: nobody looks at them. */
export function ipPacket(segment: SegmentInput, connection: ConnectionInput = {}): Buffer {
  const { ipv6 = false, clientPort = 50_000, serverPort = 9092 } = connection
  const { from, sequence, acknowledgment, flags = '', data = new Uint8Array(0) } = segment
  const [source, destination] = from === 'client' ? [clientPort, serverPort] : [serverPort, clientPort]
  const bits =
    (acknowledgment === undefined ? 0 : 0x10) |
    (flags.includes('F') ? 1 : 0) |
    (flags.includes('S') ? 2 : 0) |
    (flags.includes('R') ? 4 : 0)
  const tcp = header(
    20,
    [0, 2, source],
    [2, 2, destination],
    [4, 4, sequence >>> 0],
    [8, 4, (acknowledgment ?? 0) >>> 0],
    [12, 1, 0x50],
    [13, 1, bits],
  )
  const payload = Buffer.concat([tcp, data])
  const [low, high] = from === 'client' ? [1, 2] : [2, 1]
  if (ipv6) {
    const ip = header(
      40,
      [0, 1, 0x60],
      [4, 2, payload.length],
      [6, 1, 6],
      [8, 1, 0xfd],
      [23, 1, low],
      [24, 1, 0xfd],
      [39, 1, high],
    )
    return Buffer.concat([ip, payload])
  }
  const addresses = [[12, 4, 0x0a000000 + low] as const, [16, 4, 0x0a000000 + high] as const]
  const ip = header(20, [0, 1, 0x45], [2, 2, 20 + payload.length], [9, 1, 6], ...addresses)
  return Buffer.concat([ip, payload])
}

/** What stands before an IP packet on each kind of link, by its number and a name for what is special. */
export const links: readonly { name: string; linkType: number; before: (ipv6: boolean) => Buffer }[] = [
  { name: 'Ethernet', linkType: 1, before: (ipv6) => header(14, [12, 2, etherType(ipv6)]) },
  {
    name: 'Ethernet with VLAN',
    linkType: 1,
    before: (ipv6) => header(18, [12, 2, 0x8100], [14, 2, 7], [16, 2, etherType(ipv6)]),
  },
  {
    name: 'Ethernet with two VLANs',
    linkType: 1,
    before: (ipv6) => header(22, [12, 2, 0x88a8], [16, 2, 0x8100], [20, 2, etherType(ipv6)]),
  },
  { name: 'NULL', linkType: 0, before: (ipv6) => Buffer.from([ipv6 ? 30 : 2, 0, 0, 0]) },
  { name: 'LOOP', linkType: 108, before: (ipv6) => Buffer.from([0, 0, 0, ipv6 ? 30 : 2]) },
  { name: 'SLL', linkType: 113, before: (ipv6) => header(16, [14, 2, etherType(ipv6)]) },
  { name: 'SLL2', linkType: 276, before: (ipv6) => header(20, [0, 2, etherType(ipv6)]) },
  { name: 'RAW', linkType: 101, before: () => Buffer.alloc(0) },
]

function etherType(ipv6: boolean): number {
  return ipv6 ? 0x86dd : 0x0800
}

/** A packet of link type 101 (raw IP) unless told otherwise. */
export interface PacketInput {
  /** Milliseconds. */
  readonly at: number
  readonly bytes: Uint8Array
}

export interface PcapInput {
  readonly linkType?: number
  readonly littleEndian?: boolean
  readonly nanoseconds?: boolean
}

export function pcapFile(packets: readonly PacketInput[], input: PcapInput = {}): Buffer {
  const { linkType = 101, littleEndian = true, nanoseconds = false } = input
  const words = (...values: number[]) => {
    const bytes = Buffer.alloc(values.length * 4)
    for (const [i, value] of values.entries()) {
      if (littleEndian) bytes.writeUInt32LE(value, i * 4)
      else bytes.writeUInt32BE(value, i * 4)
    }
    return bytes
  }
  const short = littleEndian ? 0x00040002 : 0x00020004
  const parts = [words(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, short, 0, 0, 65_535, linkType)]
  for (const { at, bytes } of packets) {
    const fraction = Math.round((at % 1000) * (nanoseconds ? 1e6 : 1e3))
    parts.push(words(Math.floor(at / 1000), fraction, bytes.length, bytes.length), Buffer.from(bytes))
  }
  return Buffer.concat(parts)
}

/** Blocks of a pcapng file; `simple` takes the packet block without a time. */
export function pcapngFile(
  packets: readonly (PacketInput & { readonly simple?: boolean })[],
  input: { readonly linkType?: number; readonly littleEndian?: boolean; readonly nanoseconds?: boolean } = {},
): Buffer {
  const { linkType = 101, littleEndian = true, nanoseconds = false } = input
  const word = (value: number) => {
    const bytes = Buffer.alloc(4)
    if (littleEndian) bytes.writeUInt32LE(value)
    else bytes.writeUInt32BE(value)
    return bytes
  }
  const pair = (first: number, second: number) =>
    littleEndian ? word(second * 0x10000 + first) : word(first * 0x10000 + second)
  const block = (type: number, ...body: Uint8Array[]) => {
    const content = Buffer.concat(body)
    const padded = Buffer.concat([content, Buffer.alloc((4 - (content.length % 4)) % 4)])
    const length = word(padded.length + 12)
    return Buffer.concat([word(type), length, padded, length])
  }
  const resolution = nanoseconds ? [pair(9, 1), Buffer.from([9, 0, 0, 0]), word(0)] : []
  const parts = [
    block(0x0a0d0d0a, word(0x1a2b3c4d), pair(1, 0), word(0xffffffff), word(0xffffffff)),
    block(1, pair(linkType, 0), word(0), ...resolution),
    // A block that nobody needs, as name resolution.
    block(4, word(0)),
  ]
  for (const { at, bytes, simple = false } of packets) {
    if (simple) {
      parts.push(block(3, word(bytes.length), bytes))
      continue
    }
    const ticks = BigInt(Math.round(at * 1000)) * (nanoseconds ? 1000n : 1n)
    const time = [word(Number(ticks >> 32n)), word(Number(ticks & 0xffffffffn))]
    parts.push(block(6, word(0), ...time, word(bytes.length), word(bytes.length), bytes))
  }
  return Buffer.concat(parts)
}
