import { ProtocolError } from '../errors.ts'
import type { CapturedPacket } from './packet.ts'
import type { PacketFile } from './pcap.ts'

const sectionHeader = 0x0a0d0d0a
const byteOrderMagic = 0x1a2b3c4d
const interfaceDescription = 1
const oldPacket = 2
const simplePacket = 3
const enhancedPacket = 6

interface Interface {
  readonly linkType: number
  /** 0: no limit. */
  readonly snapLength: number
  readonly ticksPerSecond: bigint
  readonly offsetMs: number
}

/** Reads a pcapng file (Wireshark's format), all of its sections; null when it is none. */
export function readPcapng(bytes: Uint8Array): PacketFile | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 4 || view.getUint32(0) !== sectionHeader) return null
  const file = new PcapngReader(bytes, view)
  try {
    file.readAll()
    return { packets: file.packets, error: null }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { packets: file.packets, error }
  }
}

class PcapngReader {
  readonly packets: CapturedPacket[] = []
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #littleEndian = true
  #interfaces: Interface[] = []
  #lastAt = 0

  constructor(bytes: Uint8Array, view: DataView) {
    this.#bytes = bytes
    this.#view = view
  }

  readAll(): void {
    for (let at = 0; at < this.#bytes.length; ) at = this.#block(at)
  }

  /** Reads the block at `at`; gives where the next one is. */
  #block(at: number): number {
    const left = this.#bytes.length - at
    if (left < 12) throw cut('a block of at least 12 bytes', left, at)
    // Its number reads the same in both orders, so that the order can be told in it.
    const isSection = this.#view.getUint32(at) === sectionHeader
    if (isSection) this.#section(at, left)
    const type = this.#uint32(at)
    const length = this.#uint32(at + 4)
    if (length < 12 || length % 4 !== 0) {
      throw new ProtocolError('MALFORMED', `a block of ${length} bytes`, at + 4)
    }
    if (length > left) throw cut(`a block of ${length} bytes`, left, at)
    if (this.#uint32(at + length - 4) !== length) {
      throw new ProtocolError('MALFORMED', 'the two lengths of a block differ', at + length - 4)
    }
    const start = at + 8
    const end = at + length - 4
    if (type === interfaceDescription) this.#interface(start, end)
    else if (type === enhancedPacket)
      this.#packet(start, end, this.#fixed(start, end, 20).getUint32(0, this.#littleEndian))
    else if (type === oldPacket)
      this.#packet(start, end, this.#fixed(start, end, 20).getUint16(0, this.#littleEndian))
    else if (type === simplePacket) this.#simple(start, end)
    return at + length
  }

  #section(at: number, left: number): void {
    if (left < 28) throw cut('a section header of 28 bytes', left, at)
    const magic = this.#view.getUint32(at + 8, true)
    this.#littleEndian = magic === byteOrderMagic
    if (!this.#littleEndian && this.#view.getUint32(at + 8) !== byteOrderMagic) {
      throw new ProtocolError('MALFORMED', 'a section without a byte order', at + 8)
    }
    this.#interfaces = []
  }

  #interface(start: number, end: number): void {
    const fixed = this.#fixed(start, end, 8)
    let ticksPerSecond = 1_000_000n
    let offsetMs = 0
    for (let at = start + 8; at + 4 <= end; ) {
      const code = this.#view.getUint16(at, this.#littleEndian)
      const length = this.#view.getUint16(at + 2, this.#littleEndian)
      if (code === 0) break
      if (length > end - at - 4) throw cut(`an option of ${length} bytes`, end - at - 4, at)
      if (code === 9 && length >= 1) ticksPerSecond = resolution(this.#bytes[at + 4]!)
      if (code === 14 && length >= 8) {
        offsetMs = Number(this.#view.getBigInt64(at + 4, this.#littleEndian)) * 1000
      }
      at += 4 + Math.ceil(length / 4) * 4
    }
    this.#interfaces.push({
      linkType: fixed.getUint16(0, this.#littleEndian),
      snapLength: fixed.getUint32(4, this.#littleEndian),
      ticksPerSecond,
      offsetMs,
    })
  }

  /** An enhanced packet, or the older block that differs in how it names its interface. */
  #packet(start: number, end: number, index: number): void {
    const from = this.#interfaceAt(index, start)
    const ticks = (BigInt(this.#uint32(start + 4)) << 32n) | BigInt(this.#uint32(start + 8))
    const length = this.#uint32(start + 12)
    if (length > end - start - 20) throw cut(`a packet of ${length} bytes`, end - start - 20, start)
    this.#lastAt = milliseconds(ticks, from.ticksPerSecond) + from.offsetMs
    this.#add(from, start + 20, length)
  }

  /** It is of the first interface, and has no time: that of the packet before stands for it. */
  #simple(start: number, end: number): void {
    this.#fixed(start, end, 4)
    const from = this.#interfaceAt(0, start)
    const original = this.#uint32(start)
    const limit = from.snapLength === 0 ? original : Math.min(original, from.snapLength)
    const left = end - start - 4
    if (limit > left) throw cut(`a packet of ${limit} bytes`, left, start)
    this.#add(from, start + 4, limit)
  }

  #add({ linkType }: Interface, start: number, length: number): void {
    this.packets.push({ at: this.#lastAt, linkType, bytes: this.#bytes.subarray(start, start + length) })
  }

  #interfaceAt(index: number, at: number): Interface {
    const found = this.#interfaces[index]
    if (found !== undefined) return found
    const reason = `a packet of interface ${index}, of which there are ${this.#interfaces.length}`
    throw new ProtocolError('MALFORMED', reason, at)
  }

  #fixed(start: number, end: number, needed: number): DataView {
    if (end - start < needed) throw cut(`${needed} bytes of a block`, end - start, start)
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, needed)
  }

  #uint32(at: number): number {
    return this.#view.getUint32(at, this.#littleEndian)
  }
}

/** Ticks of a second: a power of ten, or with the highest bit of two. */
function resolution(byte: number): bigint {
  return byte & 0x80 ? 2n ** BigInt(byte & 0x7f) : 10n ** BigInt(byte)
}

/** Nanoseconds since 1970 are beyond the safe integers: seconds and their fraction go apart. */
function milliseconds(ticks: bigint, perSecond: bigint): number {
  return Number(ticks / perSecond) * 1000 + (Number(ticks % perSecond) * 1000) / Number(perSecond)
}

function cut(what: string, left: number, at: number): ProtocolError {
  return new ProtocolError('TRUNCATED', `${what} with ${left} left`, at)
}
