import type { Ipv4Fragments } from './ipv4-fragments.ts'

/** A packet as a capture file holds it. */
export interface CapturedPacket {
  /** Milliseconds since 1970; 0 where the file does not tell. */
  readonly at: number
  /** As registered at tcpdump.org: 1 is Ethernet. */
  readonly linkType: number
  /** What was captured, which may be only the beginning. */
  readonly bytes: Uint8Array
}

/** The TCP segment in a packet. */
export interface TcpSegment {
  readonly at: number
  readonly source: Endpoint
  readonly destination: Endpoint
  /** 32 bits. */
  readonly sequence: number
  /** 32 bits; null without the flag. */
  readonly acknowledgment: number | null
  readonly syn: boolean
  readonly fin: boolean
  readonly rst: boolean
  /** Captured bytes of its data. */
  readonly data: Uint8Array
}

export interface Endpoint {
  /** IPv4 with dots, or IPv6 as eight groups with the longest run of zeros shortened. */
  readonly address: string
  readonly port: number
}

/** Why a packet has no TCP segment for us. */
export type SkipReason =
  | 'link type'
  | 'not IP'
  | 'not TCP'
  /** Only a beginning was captured, too little for its headers. */
  | 'cut short'
  /** A part of a packet whose other parts are not there; with IPv6 any part. */
  | 'IP fragment'
  /** A header that tells lengths which cannot be. */
  | 'malformed'

const etherType = { ipv4: 0x0800, ipv6: 0x86dd }
/** 802.1Q, 802.1ad and the older number for the outer tag. */
const vlanTags = [0x8100, 0x88a8, 0x9100]
const tcp = 6

/**
 * Takes a packet apart down to its TCP segment. Every length is checked against what is there. Null for a fragment, which
 * is in `fragments` until the others come.
 */
export function tcpSegmentOf(
  { at, linkType, bytes }: CapturedPacket,
  fragments: Ipv4Fragments,
): TcpSegment | SkipReason | null {
  const ip = ipPacketOf(linkType, bytes)
  if (typeof ip === 'string') return ip
  if (ip.length === 0) return 'cut short'
  const version = ip[0]! >> 4
  if (version === 4) return ipv4Segment(at, ip, fragments)
  return version === 6 ? ipv6Segment(at, ip) : 'not IP'
}

function ipPacketOf(linkType: number, bytes: Uint8Array): Uint8Array | SkipReason {
  switch (linkType) {
    // NULL and LOOP: four bytes of address family, whose numbers and byte order are the capturing machine's.
    case 0:
    case 108:
      return bytes.length < 4 ? 'cut short' : bytes.subarray(4)
    case 1:
      return afterEtherType(bytes, 12, 14)
    // RAW: by its registered number and by those that some systems write, then IPv4 and IPv6 alone.
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return bytes
    // Linux "any": SLL and SLL2.
    case 113:
      return afterEtherType(bytes, 14, 16)
    case 276:
      return afterEtherType(bytes, 0, 20)
    default:
      return 'link type'
  }
}

/** The packet at `start`, whose type stands at `typeAt`; VLAN tags between them are passed over. */
function afterEtherType(bytes: Uint8Array, typeAt: number, start: number): Uint8Array | SkipReason {
  if (bytes.length < start) return 'cut short'
  let type = uint16(bytes, typeAt)
  let at = start
  while (vlanTags.includes(type)) {
    if (bytes.length < at + 4) return 'cut short'
    type = uint16(bytes, at + 2)
    at += 4
  }
  return type === etherType.ipv4 || type === etherType.ipv6 ? bytes.subarray(at) : 'not IP'
}

function ipv4Segment(at: number, ip: Uint8Array, fragments: Ipv4Fragments): TcpSegment | SkipReason | null {
  if (ip.length < 20) return 'cut short'
  const headerLength = (ip[0]! & 0x0f) * 4
  // 0: left to the network card (segmentation offload), so it is whatever was captured.
  const told = uint16(ip, 2)
  const total = told === 0 ? ip.length : told
  if (headerLength < 20 || total < headerLength) return 'malformed'
  if (ip[9] !== tcp) return 'not TCP'
  if (ip.length < headerLength) return 'cut short'
  const [source, destination] = [ipv4Text(ip, 12), ipv4Text(ip, 16)]
  // What comes after is padding of a short Ethernet frame.
  const payload = ip.subarray(headerLength, total)
  // More fragments, or an offset.
  const place = uint16(ip, 6) & 0x3fff
  if (place === 0) return segment(at, payload, total - headerLength, source, destination)
  if (payload.length < total - headerLength) return 'cut short'
  const whole = fragments.add({
    at,
    key: `${source} ${destination} ${uint16(ip, 4)}`,
    start: (place & 0x1fff) * 8,
    isLast: (place & 0x2000) === 0,
    bytes: payload,
  })
  return whole === null ? null : segment(at, whole, whole.length, source, destination)
}

/** Extension headers that may stand before TCP: hop-by-hop, routing, fragment, authentication, destination. */
const extensions = [0, 43, 44, 51, 60]

function ipv6Segment(at: number, ip: Uint8Array): TcpSegment | SkipReason {
  if (ip.length < 40) return 'cut short'
  const told = uint16(ip, 4)
  const end = told === 0 ? ip.length : 40 + told
  let next = ip[6]!
  let start = 40
  while (extensions.includes(next)) {
    if (ip.length < start + 8) return 'cut short'
    // An atomic fragment is whole (RFC 6946).
    if (next === 44 && uint16(ip, start + 2) & 0xfff9) return 'IP fragment'
    const length = next === 44 ? 8 : next === 51 ? (ip[start + 1]! + 2) * 4 : (ip[start + 1]! + 1) * 8
    next = ip[start]!
    start += length
    if (start > end) return 'malformed'
  }
  if (next !== tcp) return 'not TCP'
  return segment(at, ip.subarray(start, end), end - start, ipv6Text(ip, 8), ipv6Text(ip, 24))
}

/** @param length bytes that the segment had on the wire. */
function segment(
  at: number,
  bytes: Uint8Array,
  length: number,
  from: string,
  to: string,
): TcpSegment | SkipReason {
  if (bytes.length < 20) return length < 20 ? 'malformed' : 'cut short'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerLength = (bytes[12]! >> 4) * 4
  if (headerLength < 20 || headerLength > length) return 'malformed'
  const flags = bytes[13]!
  return {
    at,
    source: { address: from, port: view.getUint16(0) },
    destination: { address: to, port: view.getUint16(2) },
    sequence: view.getUint32(4),
    acknowledgment: flags & 0x10 ? view.getUint32(8) : null,
    fin: (flags & 0x01) !== 0,
    syn: (flags & 0x02) !== 0,
    rst: (flags & 0x04) !== 0,
    data: bytes.subarray(Math.min(headerLength, bytes.length)),
  }
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!
}

function ipv4Text(bytes: Uint8Array, at: number): string {
  return bytes.subarray(at, at + 4).join('.')
}

/** As RFC 5952 wants it, but for IPv4 addresses in it, which stay in groups. */
function ipv6Text(bytes: Uint8Array, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => uint16(bytes, at + i * 2).toString(16))
  let best = { from: 0, length: 1 }
  for (let from = 0; from < 8; from++) {
    let to = from
    while (to < 8 && groups[to] === '0') to++
    if (to - from > best.length) best = { from, length: to - from }
  }
  if (best.length < 2) return groups.join(':')
  return `${groups.slice(0, best.from).join(':')}::${groups.slice(best.from + best.length).join(':')}`
}
