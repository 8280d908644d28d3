import { apiVersions } from '../../protocol/apis/api-versions.ts'
import { encodeResponseFrame } from '../../protocol/headers.ts'
import type { Api } from '../../protocol/message.ts'
import type { FieldMap, StructInput } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import type { Broker } from '../broker/broker.ts'
import { errors } from '../error-codes.ts'

type ApiVersionsAnswer = StructInput<typeof apiVersions.response.fields>

const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

export const apiVersionsHandler = handler(apiVersions, (request, { broker, connection, version }) => {
  const { clientSoftwareName, clientSoftwareVersion } = request
  if (version >= 3) {
    if (!softwareName.test(clientSoftwareName) || !softwareName.test(clientSoftwareVersion)) {
      return { errorCode: errors.INVALID_REQUEST }
    }
    connection.clientSoftware = { name: clientSoftwareName, version: clientSoftwareVersion }
  }
  connection.sasl?.versionsTold()
  return answer(broker, errors.NONE, version)
})

/**
 * The answer to ApiVersions in a version that is not offered: in version 0, which every client can read, and with its own
 * versions alone (KIP-511; before 2.4 with none). Null for any other API, which Kafka answers by hanging up.
 */
export function refuseApiVersions(
  api: Api<FieldMap, FieldMap>,
  broker: Broker,
  correlationId: number,
): Uint8Array[] | null {
  if (api.key !== apiVersions.key) return null
  const { min, max } = broker.offered.get(api.key)!
  const own = { apiKey: api.key, minVersion: min, maxVersion: max }
  return encodeResponseFrame(apiVersions, 0, correlationId, {
    errorCode: errors.UNSUPPORTED_VERSION,
    apiKeys: broker.cluster.profile.version === '2.1' ? [] : [own],
  })
}

function answer(broker: Broker, errorCode: number, version: number): ApiVersionsAnswer {
  const { features, profile } = broker.cluster
  return {
    errorCode,
    apiKeys: [...broker.offered.values()].map(({ api, min, max }) => ({
      apiKey: api.key,
      minVersion: min,
      maxVersion: max,
    })),
    // Clients before version 4 would refuse an answer with a range that begins at 0 (KIP-1022).
    supportedFeatures: profile.supportedFeatures.filter(({ minVersion }) => version >= 4 || minVersion > 0),
    finalizedFeaturesEpoch: BigInt(features.epoch),
    finalizedFeatures: features.finalized(),
  }
}
