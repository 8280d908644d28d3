import { message, type ValueOf } from '../message.ts'
import { array, int16, int32, int64, string, struct, uint16, uuid } from '../schema.ts'

// Keys and values of the records in control batches. In a record an int16 version stands before each; the `version`
// inside those of KRaft says the same once more.

/** The key of each control record: 0 ABORT, 1 COMMIT, 2 leader change, 3 and 4 snapshot header and footer, 5 and 6 KRaft. */
export const controlRecordTypeSchema = message('ControlRecordTypeSchema', {
  versions: '0',
  flexible: 'none',
  fields: { type: int16() },
})

/** The value of a COMMIT or ABORT marker (KIP-98). */
export const endTxnMarker = message('EndTxnMarker', {
  versions: '0',
  flexible: 'none',
  fields: {
    /** Epoch of the transaction coordinator. */
    coordinatorEpoch: int32(),
  },
})

/** First record of each leader of the metadata log (KIP-595). */
export const leaderChangeMessage = message('LeaderChangeMessage', {
  versions: '0-1',
  flexible: '0+',
  fields: {
    version: int16(),
    leaderId: int32(),
    /** Those who could vote. */
    voters: array({ voterId: int32(), voterDirectoryId: uuid('1+') }),
    /** Those who voted for this leader. */
    grantingVoters: array({ voterId: int32(), voterDirectoryId: uuid('1+') }),
  },
})

/** First record of a snapshot of the metadata log (KIP-630). */
export const snapshotHeaderRecord = message('SnapshotHeaderRecord', {
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16(),
    /** Append time of the last record that the snapshot covers, in milliseconds since 1970. */
    lastContainedLogTimestamp: int64(),
  },
})

/** Last record of a snapshot of the metadata log (KIP-630): without it the snapshot is not whole. */
export const snapshotFooterRecord = message('SnapshotFooterRecord', {
  versions: '0',
  flexible: '0+',
  fields: { version: int16() },
})

/** The finalized `kraft.version` (KIP-853). */
export const kRaftVersionRecord = message('KRaftVersionRecord', {
  versions: '0',
  flexible: '0+',
  fields: { version: int16(), kRaftVersion: int16() },
})

/** The voters of the metadata log (KIP-853). */
export const votersRecord = message('VotersRecord', {
  versions: '0',
  flexible: '0+',
  fields: {
    version: int16(),
    voters: array({
      voterId: int32(),
      /** Id of the voter's metadata log directory. */
      voterDirectoryId: uuid(),
      endpoints: array({ name: string(), host: string(), port: uint16() }),
      /** Versions of `kraft.version` that the voter speaks. */
      kRaftVersionFeature: struct({ minSupportedVersion: int16(), maxSupportedVersion: int16() }),
    }),
  },
})

export type ControlRecordTypeSchema = ValueOf<typeof controlRecordTypeSchema>
export type EndTxnMarker = ValueOf<typeof endTxnMarker>
export type LeaderChangeMessage = ValueOf<typeof leaderChangeMessage>
export type SnapshotHeaderRecord = ValueOf<typeof snapshotHeaderRecord>
export type SnapshotFooterRecord = ValueOf<typeof snapshotFooterRecord>
export type KRaftVersionRecord = ValueOf<typeof kRaftVersionRecord>
export type VotersRecord = ValueOf<typeof votersRecord>
