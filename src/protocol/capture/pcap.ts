import { ProtocolError } from '../errors.ts'
import type { CapturedPacket } from './packet.ts'

/** What a capture file holds. */
export interface PacketFile {
  readonly packets: readonly CapturedPacket[]
  /** Why reading ended before the file did; null when it did not. */
  readonly error: ProtocolError | null
}

/** The first four bytes as little endian, for times in microseconds and nanoseconds. */
const microseconds = 0xa1b2c3d4
const nanoseconds = 0xa1b23c4d
const fileHeaderBytes = 24
const packetHeaderBytes = 16

/** Byte order and unit of time, by the magic number; null for another kind of file. */
function formatOf(view: DataView): { littleEndian: boolean; perSecond: number } | null {
  if (view.byteLength < 4) return null
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian)
    if (magic === microseconds) return { littleEndian, perSecond: 1e6 }
    if (magic === nanoseconds) return { littleEndian, perSecond: 1e9 }
  }
  return null
}

/** Reads a pcap file (tcpdump's classic format); null when it is none. */
export function readPcap(bytes: Uint8Array): PacketFile | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const format = formatOf(view)
  if (format === null) return null
  const { littleEndian, perSecond } = format
  const packets: CapturedPacket[] = []
  if (bytes.length < fileHeaderBytes) {
    const reason = `a file header of ${fileHeaderBytes} bytes needed, ${bytes.length} are there`
    return { packets, error: new ProtocolError('TRUNCATED', reason, 0) }
  }
  // The upper bits tell of a frame check sequence, which comes after the IP packet and is never looked at.
  const linkType = view.getUint32(20, littleEndian) & 0xffff
  let at = fileHeaderBytes
  while (at < bytes.length) {
    const left = bytes.length - at - packetHeaderBytes
    const length = left < 0 ? 0 : view.getUint32(at + 8, littleEndian)
    if (left < 0 || length > left) {
      const needed = packetHeaderBytes + length
      const reason = `a packet of ${needed} bytes with ${bytes.length - at} left`
      return { packets, error: new ProtocolError('TRUNCATED', reason, at) }
    }
    const seconds = view.getUint32(at, littleEndian)
    const fraction = view.getUint32(at + 4, littleEndian)
    const start = at + packetHeaderBytes
    packets.push({
      at: seconds * 1000 + (fraction * 1000) / perSecond,
      linkType,
      bytes: bytes.subarray(start, start + length),
    })
    at = start + length
  }
  return { packets, error: null }
}
