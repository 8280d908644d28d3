import { ByteReader } from '../byte-reader.ts'
import { ByteWriter } from '../byte-writer.ts'
import { ProtocolError } from '../errors.ts'
import { type Message, message, type ValueOf } from '../message.ts'
import { array, bytes, type FieldMap, int32, type StructInput, type StructOf, string } from '../schema.ts'

/** What a member of a classic consumer group tells the leader about itself: the `metadata` of JoinGroup. */
export const consumerProtocolSubscription = message('ConsumerProtocolSubscription', {
  versions: '0-3',
  flexible: 'none',
  fields: {
    topics: array(string()),
    userData: bytes('0+', { nullable: true, default: null }),
    /** What the member holds now, for cooperative rebalancing (KIP-429). */
    ownedPartitions: array({ topic: string('1+'), partitions: array(int32(), '1+') }, '1+', {
      ignorable: true,
    }),
    /** Generation in which `ownedPartitions` were assigned (KIP-792); -1: none. */
    generationId: int32('2+', { default: -1, ignorable: true }),
    rackId: string('3+', { nullable: true, default: null, ignorable: true }),
  },
})

/** What the leader of a classic consumer group gives to a member: the `assignment` of SyncGroup. */
export const consumerProtocolAssignment = message('ConsumerProtocolAssignment', {
  versions: '0-3',
  flexible: 'none',
  fields: {
    assignedPartitions: array({ topic: string(), partitions: array(int32()) }),
    userData: bytes('0+', { nullable: true, default: null }),
  },
})

export type ConsumerProtocolSubscription = ValueOf<typeof consumerProtocolSubscription>
export type ConsumerProtocolAssignment = ValueOf<typeof consumerProtocolAssignment>

/** The bytes with the int16 version before them, as they stand in JoinGroup and SyncGroup (Java's ConsumerProtocol). */
export function encodeVersioned<F extends FieldMap>(
  schema: Message<F>,
  version: number,
  value: StructInput<F>,
): Uint8Array {
  const writer = new ByteWriter()
  writer.int16(version)
  schema.write(writer, version, value)
  return writer.toBytes()
}

/**
 * Reads a version and the value behind it. A version newer than ours is read as our highest one: later versions only
 * add at the end.
 */
export function decodeVersioned<F extends FieldMap>(schema: Message<F>, data: Uint8Array): StructOf<F> {
  const reader = new ByteReader(data)
  const version = versionOf(schema.name, reader)
  return schema.read(reader, Math.min(version, schema.versions.max))
}

function versionOf(name: string, reader: ByteReader): number {
  try {
    const version = reader.int16()
    if (version >= 0) return version
    throw new ProtocolError('UNSUPPORTED', `${name} version ${version}`, 0)
  } catch (error) {
    throw error instanceof ProtocolError ? error.within('version') : error
  }
}
