import type { TestContext } from 'vitest'
import { connectRaw, type RawConnection } from '../../src/network/raw-connection.ts'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { versionProfile } from '../../src/testing/versions/kafka-version.ts'
import type { KafkaAddresses } from '../support/real-kafka/index.ts'

/** A connection to the first broker of a real Kafka. */
export async function connectToKafka({ bootstrapServers }: KafkaAddresses): Promise<RawConnection> {
  const [host = '', port = ''] = (bootstrapServers.split(',')[0] ?? '').split(':')
  return await connectRaw({ host, port: Number(port) })
}

/** Skips a test that compares with what was recorded of 4.3 where the Kafka at hand is another. */
export async function skipUnlessRecorded(connection: RawConnection, context: TestContext): Promise<void> {
  const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
  const { decoded } = await connection.send(apiVersions, 4, software)
  const features = [decoded?.supportedFeatures ?? [], versionProfile('4.3').supportedFeatures]
  const [real, recorded] = features.map(
    (some) => some.find(({ name }) => name === 'metadata.version')?.maxVersion,
  )
  if (real !== recorded) {
    context.skip(
      `this Kafka has metadata versions up to ${real}, the one that was recorded up to ${recorded}`,
    )
  }
}
