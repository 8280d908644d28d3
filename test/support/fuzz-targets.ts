import { crc32c } from '../../src/protocol/crc32c.ts'
import { ProtocolError } from '../../src/protocol/errors.ts'
import { explainMessage } from '../../src/protocol/explain.ts'
import { FrameReader } from '../../src/protocol/frame-reader.ts'
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  decodeVersioned,
} from '../../src/protocol/groups/consumer-protocol.ts'
import type { Message } from '../../src/protocol/message.ts'
import { batchField, logOverheadBytes } from '../../src/protocol/records/batch-header.ts'
import { decodeRecords } from '../../src/protocol/records/record-batch.ts'
import { message, messageNames } from '../../src/protocol/registry.ts'
import { existsIn, type Field, type FieldMap } from '../../src/protocol/schema.ts'
import { includesVersion } from '../../src/protocol/version-range.ts'
import type { SeededRandom } from './mutate.ts'
import { vectors } from './vectors.ts'

/** A decoder, and well-formed bytes for it that are going to be damaged. */
export interface FuzzTarget {
  readonly name: string
  readonly bytes: Uint8Array
  /** Decodes damaged bytes. Returns normally or throws a ProtocolError; throws `BrokenPromise` where a value is wrong. */
  readonly decode: (bytes: Uint8Array, random: SeededRandom) => void
}

/** A decoder took bytes that it should not have, or made more of them than they can hold. */
export class BrokenPromise extends Error {}

/** Bytes that one batch may expand to while fuzzing: few, so that a bomb that is let through is seen at once. */
const maxDecompressedBytes = 256 * 1024
const maxFrameBytes = 4096

/** An explanation takes many times as long as decoding. */
const explainOneOf = 8

interface MessageVector {
  readonly name: string
  readonly version: number
  readonly hex: string
}

/** All decoders with all vectors for them. Messages that the registry does not have are left out. */
export function fuzzTargets(): FuzzTarget[] {
  return [...messageTargets(), ...consumerProtocolTargets(), ...recordTargets(), ...frameTargets()]
}

function messageTargets(): FuzzTarget[] {
  const known = new Set(messageNames())
  const targets: FuzzTarget[] = []
  for (const file of ['messages', 'messages-legacy']) {
    for (const { name, version, hex } of vectors<MessageVector>(file)) {
      if (!known.has(name)) continue
      const schema = message(name)
      if (!includesVersion(schema.versions, version)) continue
      targets.push({
        name: `${name} v${version}`,
        bytes: fromHex(hex),
        decode: (bytes, random) => {
          if (random.below(explainOneOf) === 0) checkExplanation(schema, version, bytes)
          const value = readPlaced(bytes.length, true, () => schema.decode(version, bytes))
          const weight = weightOf(schema.fields, version, value)
          if (weight > bytes.length) {
            throw new BrokenPromise(`${bytes.length} bytes became ${weight} elements, characters and bytes`)
          }
          JSON.stringify(schema.toJson(version, value))
          const written = encodable(() => schema.encode(version, value))
          if (written === null) return
          const again = schema.encode(version, schema.decode(version, written))
          if (Buffer.compare(written, again) !== 0) {
            throw new BrokenPromise('what was decoded and encoded again decodes to something else')
          }
        },
      })
    }
  }
  return targets
}

/** It must cover each byte once, and fail exactly where the decoder does. */
function checkExplanation(schema: Message, version: number, bytes: Uint8Array): void {
  const { fields, error } = explainMessage(bytes, schema, version, { maxDecompressedBytes })
  let at = 0
  for (const { offset, length, inside, path } of fields) {
    if (inside !== undefined) continue
    if (offset !== at) throw new BrokenPromise(`explained ${path} at ${offset}, ${at} was next`)
    at += length
  }
  if (at !== bytes.length) throw new BrokenPromise(`explained ${at} of ${bytes.length} bytes`)
  let decoded: unknown = null
  try {
    schema.decode(version, bytes)
  } catch (thrown) {
    decoded = thrown
  }
  const expected = decoded instanceof ProtocolError ? decoded.offset : null
  if (expected !== (error?.offset ?? null)) {
    throw new BrokenPromise(`explained with an error at ${error?.offset}, decoded with one at ${expected}`)
  }
}

/** Every error tells where in the bytes it is and, where there are fields, in which. `limit`: bytes that it may be in. */
function readPlaced<T>(limit: number, hasPath: boolean, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof ProtocolError) {
      if (!(error.offset >= 0 && error.offset <= limit)) {
        throw new BrokenPromise(`offset ${error.offset} in ${limit} bytes: ${error.message}`)
      }
      if (hasPath && error.path === '') throw new BrokenPromise(`no path: ${error.message}`)
    }
    throw error
  }
}

/** Text that grew by its U+FFFDs beyond what a string holds, and tags that Java reads and no more writes than we do. */
const readAndNotWritten =
  /(^|: )(string of \d+ bytes|tag \d+ is there twice|tag \d+, allowed are 0 to 2147483647)/

/** Null for what can be read and not be written. */
function encodable(write: () => Uint8Array): Uint8Array | null {
  try {
    return write()
  } catch (error) {
    if (error instanceof ProtocolError && readAndNotWritten.test(error.message)) return null
    throw new BrokenPromise(`decoded, but cannot be encoded: ${String(error)}`)
  }
}

/**
 * Everything in a value whose amount the peer chose: elements of arrays, tagged fields, characters and bytes. Each
 * takes a byte of the message at the least, so that a sum beyond its length is memory that the peer got for nothing.
 */
function weightOf(fields: FieldMap, version: number, struct: Record<string, unknown>): number {
  let weight = 0
  for (const { data } of (struct.unknownTaggedFields ?? []) as { data: Uint8Array }[])
    weight += 1 + data.length
  for (const [name, field] of Object.entries(fields)) {
    if (existsIn(field, version)) weight += weightOfValue(field, version, struct[name])
  }
  return weight
}

function weightOfValue(field: Field, version: number, value: unknown): number {
  if (value === field.default) return 0
  if (value === null) return 0
  switch (field.type) {
    case 'string':
    case 'bytes':
    case 'records':
      return (value as string | Uint8Array).length
    case 'array':
      return (value as unknown[]).reduce(
        (sum: number, element) => sum + 1 + Math.max(0, weightOfValue(field.element!, version, element) - 1),
        0,
      )
    case 'struct':
      return weightOf(field.fields!, version, value as Record<string, unknown>)
    default:
      return 0
  }
}

function consumerProtocolTargets(): FuzzTarget[] {
  const decoders: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
    subscription: (bytes) => decodeVersioned(consumerProtocolSubscription, bytes),
    assignment: (bytes) => decodeVersioned(consumerProtocolAssignment, bytes),
  }
  return vectors<{ kind: string; hex: string }>('consumer-protocol').flatMap(({ kind, hex }) => {
    const decode = decoders[kind]
    if (decode === undefined) return []
    return [
      {
        name: kind,
        bytes: fromHex(hex),
        decode: (bytes: Uint8Array) => void readPlaced(bytes.length, true, () => decode(bytes)),
      },
    ]
  })
}

function recordTargets(): FuzzTarget[] {
  return vectors<{ label: string; hex: string }>('records')
    .filter(({ hex }) => hex.length < 40_000)
    .map(({ label, hex }) => ({
      name: `records ${label}`,
      bytes: fromHex(hex),
      decode: (bytes, random) => {
        // Damage is nearly always found by the checksum, which an attacker computes as well as anybody.
        const way = random.below(3)
        if (way === 1) sealAgain(bytes)
        // What is in a compressed batch has its places in what that expands to.
        const limit = Math.max(bytes.length, maxDecompressedBytes)
        readPlaced(limit, true, () => readRecords(bytes, way !== 2))
      },
    }))
}

function readRecords(bytes: Uint8Array, checkCrcs: boolean): void {
  const batches = decodeRecords(bytes, { checkCrcs, maxDecompressedBytes })
  for (const batch of batches) {
    void [batch.baseOffset, batch.lastOffset, batch.baseTimestamp, batch.maxTimestamp, batch.producerId]
    void [batch.timestampType, batch.isTransactional, batch.isControl, batch.deleteHorizonMs]
    void [batch.lastSequence, batch.sizeInBytes]
    const limit = batch.compression === 'none' ? batch.sizeInBytes : maxDecompressedBytes
    let weight = 0
    for (const { key, value, headers } of batch) {
      weight += 1 + (key?.length ?? 0) + (value?.length ?? 0)
      for (const header of headers) weight += 1 + header.key.length + (header.value?.length ?? 0)
    }
    if (weight > limit) {
      throw new BrokenPromise(`${limit} bytes became ${weight} records, headers, characters and bytes`)
    }
  }
  const { trailingBytes } = batches
  if (trailingBytes < 0 || trailingBytes > bytes.length) {
    throw new BrokenPromise(`${trailingBytes} trailing bytes of ${bytes.length}`)
  }
}

/** Puts right the checksum of each whole batch of magic 2. */
function sealAgain(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (bytes.length - at >= batchField.count) {
    const end = at + logOverheadBytes + view.getInt32(at + batchField.length)
    if (end > bytes.length || end < at + batchField.count) return
    if (view.getInt8(at + batchField.magic) === 2) {
      view.setUint32(at + batchField.crc, crc32c(bytes, at + batchField.attributes, end))
    }
    at = end
  }
}

/** Streams of a few frames, handed over in pieces of any size. */
function frameTargets(): FuzzTarget[] {
  return [[0], [0, 0, 0], [1, 2, 3], [17], [300, 5, 4096], [4096, 1]].map((sizes) => {
    const stream = Buffer.concat(
      sizes.map((size) => {
        const frame = Buffer.alloc(4 + size, 0x6b)
        frame.writeInt32BE(size)
        return frame
      }),
    )
    return {
      name: `frames of ${sizes.join(', ')} bytes`,
      bytes: Uint8Array.from(stream),
      decode: (bytes, random) => {
        const reader = new FrameReader(maxFrameBytes)
        let framed = 0
        for (let at = 0; at < bytes.length; ) {
          const end = at + 1 + random.below(random.pick([4, 64, 8192]))
          // Right behind the frames so far is the size that cannot be.
          const onFrame = (frame: Uint8Array) => {
            framed += 4 + frame.length
            if (frame.length > maxFrameBytes) throw new BrokenPromise(`a frame of ${frame.length} bytes`)
          }
          try {
            reader.push(bytes.subarray(at, end), onFrame)
          } catch (error) {
            if (error instanceof ProtocolError && error.offset !== framed)
              throw new BrokenPromise(`offset ${error.offset}, the bad size is at ${framed}`)
            throw error
          }
          at = end
        }
        if (framed > bytes.length)
          throw new BrokenPromise(`${framed} bytes of frames from ${bytes.length} bytes`)
        if (framed < bytes.length !== reader.midFrame)
          throw new BrokenPromise(`midFrame is ${reader.midFrame} after ${framed} of ${bytes.length} bytes`)
      },
    }
  })
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}
