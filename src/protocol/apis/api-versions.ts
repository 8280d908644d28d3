import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, int16, int32, int64, string } from '../schema.ts'

/** Which APIs and versions a broker speaks (KIP-35, KIP-511). The first request on every connection. */
export const apiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: '0-5',
  flexible: '3+',
  route: 'broker',
  request: {
    /** Letters, digits, dots and dashes; anything else is answered by INVALID_REQUEST (KIP-511). */
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
    /** The cluster that the client thinks it talks to; null when it does not know (KIP-1242). */
    clusterId: string('5+', { nullable: true, default: null, ignorable: true }),
    /** The broker that the client thinks it talks to; -1 when it does not know (KIP-1242). */
    nodeId: int32('5+', { default: -1, ignorable: true }),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: array(
      {
        name: string('3+'),
        minVersion: int16('3+'),
        maxVersion: int16('3+'),
      },
      '3+',
      { ignorable: true, tag: 0 },
    ),
    /** -1: unknown. */
    finalizedFeaturesEpoch: int64('3+', { default: -1n, ignorable: true, tag: 1 }),
    finalizedFeatures: array(
      {
        name: string('3+'),
        maxVersionLevel: int16('3+'),
        minVersionLevel: int16('3+'),
      },
      '3+',
      { ignorable: true, tag: 2 },
    ),
    zkMigrationReady: bool('3+', { ignorable: true, tag: 3 }),
  },
})

export type ApiVersionsRequest = RequestOf<typeof apiVersions>
export type ApiVersionsResponse = ResponseOf<typeof apiVersions>
