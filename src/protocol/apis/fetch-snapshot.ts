import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, int16, int32, int64, records, string, struct, uint16, uuid } from '../schema.ts'

/** Reads a part of a snapshot of the metadata log (KIP-630). */
export const fetchSnapshot = api({
  key: 59,
  name: 'FetchSnapshot',
  versions: '0-1',
  flexible: '0+',
  route: 'controller',
  request: {
    clusterId: string('0+', { nullable: true, default: null, tag: 0 }),
    replicaId: int32('0+', { default: -1 }),
    maxBytes: int32('0+', { default: 0x7fffffff }),
    topics: array({
      name: string(),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32(),
        /** A snapshot is named by the offset and the epoch at which it ends. */
        snapshotId: struct({
          endOffset: int64(),
          epoch: int32(),
        }),
        /** Byte at which to go on. */
        position: int64(),
        /** KIP-853. */
        replicaDirectoryId: uuid('1+', { ignorable: true, tag: 0 }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32('0+', { ignorable: true }),
    errorCode: int16(),
    topics: array({
      name: string(),
      partitions: array({
        index: int32(),
        errorCode: int16(),
        snapshotId: struct({
          endOffset: int64(),
          epoch: int32(),
        }),
        currentLeader: struct(
          {
            leaderId: int32(),
            leaderEpoch: int32(),
          },
          '0+',
          { tag: 0 },
        ),
        /** Bytes of the whole snapshot. */
        size: int64(),
        position: int64(),
        /** Cut anywhere, also inside a batch. */
        unalignedRecords: records(),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32('1+'),
        host: string('1+'),
        port: uint16('1+'),
      },
      '1+',
      { tag: 0 },
    ),
  },
})

export type FetchSnapshotRequest = RequestOf<typeof fetchSnapshot>
export type FetchSnapshotResponse = ResponseOf<typeof fetchSnapshot>
