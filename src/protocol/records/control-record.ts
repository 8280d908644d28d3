import { ProtocolError } from '../errors.ts'

/** Types of control records by their number (Java's `ControlRecordType`). */
const controlTypes = [
  'ABORT',
  'COMMIT',
  'LEADER_CHANGE',
  'SNAPSHOT_HEADER',
  'SNAPSHOT_FOOTER',
  'KRAFT_VERSION',
  'KRAFT_VOTERS',
] as const

/** `UNKNOWN`: a type of a later Kafka. */
export type ControlType = (typeof controlTypes)[number] | 'UNKNOWN'

/** What the key of a record in a control batch says. Throws ProtocolError MALFORMED when it is no such key. */
export function controlTypeOf(key: Uint8Array | null): ControlType {
  if (key === null || key.length < 4) {
    throw new ProtocolError(
      'MALFORMED',
      `the key of a control record has ${key?.length ?? 'no'} bytes, at least 4 are needed`,
      0,
    )
  }
  const view = viewOf(key)
  const version = view.getInt16(0)
  if (version < 0)
    throw new ProtocolError(
      'MALFORMED',
      `the key of a control record has version ${version}, at least 0 is needed`,
      0,
    )
  return controlTypes[view.getInt16(2)] ?? 'UNKNOWN'
}

/** Epoch of the transaction coordinator, from the value of a COMMIT or ABORT. Throws ProtocolError MALFORMED. */
export function coordinatorEpochOf(value: Uint8Array | null): number {
  if (value === null || value.length < 6) {
    throw new ProtocolError(
      'MALFORMED',
      `the value of an end of transaction has ${value?.length ?? 'no'} bytes, at least 6 are needed`,
      0,
    )
  }
  return viewOf(value).getInt32(2)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
