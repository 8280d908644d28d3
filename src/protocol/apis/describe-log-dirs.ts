import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, int64, string } from '../schema.ts'

/** Log directories of one broker, with the sizes of the replicas in them (KIP-113). */
export const describeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '0-5',
  flexible: '2+',
  route: 'broker',
  request: {
    /** Null: all topics. */
    topics: array(
      {
        topic: string(),
        partitions: array(int32()),
      },
      '0+',
      { nullable: true },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16('3+', { ignorable: true }),
    results: array({
      errorCode: int16(),
      /** Absolute path. */
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          /** Bytes of all segments. */
          partitionSize: int64(),
          /** Records behind the high watermark, or, of a future replica, behind the present one. */
          offsetLag: int64(),
          /** On its way here from another directory of this broker. */
          isFutureKey: bool(),
        }),
      }),
      /** Of the volume; -1: unknown (KIP-827). */
      totalBytes: int64('4+', { default: -1n, ignorable: true }),
      /** Of the volume; -1: unknown (KIP-827). */
      usableBytes: int64('4+', { default: -1n, ignorable: true }),
      /** Gets no new replicas (KIP-1066). */
      isCordoned: bool('5+', { ignorable: true }),
    }),
  },
})

export type DescribeLogDirsRequest = RequestOf<typeof describeLogDirs>
export type DescribeLogDirsResponse = ResponseOf<typeof describeLogDirs>
