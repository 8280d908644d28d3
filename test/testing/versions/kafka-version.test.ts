import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../../src/errors.ts'
import { apiVersions } from '../../../src/protocol/apis/api-versions.ts'
import { api } from '../../../src/protocol/registry.ts'
import {
  type KafkaVersion,
  kafkaVersions,
  versionProfile,
} from '../../../src/testing/versions/kafka-version.ts'
import { describeKafka } from '../../support/real-kafka/index.ts'
import { connectToKafka, skipUnlessRecorded } from '../recorded-kafka.ts'

const metadataLevel = (version: KafkaVersion) =>
  versionProfile(version).finalizedFeatures.find(({ name }) => name === 'metadata.version')?.maxVersionLevel

describe('versionProfile', () => {
  it.each(kafkaVersions)('of %s has APIs that there are, with ranges that are none', (version) => {
    const { apis } = versionProfile(version)
    expect(apis.size).toBeGreaterThan(40)
    for (const [key, { min, max }] of apis) {
      expect(api(key).key).toBe(key)
      expect(min, api(key).name).toBeGreaterThanOrEqual(0)
      expect(min, api(key).name).toBeLessThanOrEqual(max)
    }
  })

  it('gives the APIs by which clients tell the versions apart', () => {
    const range = (version: KafkaVersion, key: number) => versionProfile(version).apis.get(key)
    const produce = kafkaVersions.map((version) => range(version, 0))
    expect(produce.map((one) => one?.max)).toEqual([7, 9, 11, 13])
    // DescribeCluster came with 2.8, ConsumerGroupHeartbeat is on since 4.0, JoinGroup 0 is gone since then (KIP-896).
    expect(kafkaVersions.map((version) => range(version, 60) !== undefined)).toEqual([
      false,
      true,
      true,
      true,
    ])
    expect(kafkaVersions.map((version) => range(version, 11)?.max)).toEqual([3, 7, 9, 9])
    expect(range('4.3', 1)?.min).toBe(4)
  })

  it('says who has KRaft, and features', () => {
    expect(kafkaVersions.map((version) => versionProfile(version).raft)).toEqual([false, false, true, true])
    expect(kafkaVersions.map(metadataLevel)).toEqual([undefined, undefined, 21, 30])
    expect(versionProfile('4.3')).toMatchObject({ releaseName: '4.3.1', metadataVersion: '4.3-IV0' })
  })

  it('names those that there are for one that is not', () => {
    const unknown = '1.0' as KafkaVersion
    expect(() => versionProfile(unknown)).toThrow(
      new InvalidOptionError('version 1.0: allowed are 2.1, 2.8, 3.9, 4.3'),
    )
  })
})

describeKafka('a real broker of 4.3', (kafka) => {
  it('offers what was recorded', async (context) => {
    await using connection = await connectToKafka(kafka)
    await skipUnlessRecorded(connection, context)
    const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
    const { decoded } = await connection.send(apiVersions, 4, software)
    const offered = new Map(
      decoded?.apiKeys.map((one) => [one.apiKey, { min: one.minVersion, max: one.maxVersion }]),
    )
    const profile = versionProfile('4.3')
    expect(offered).toEqual(profile.apis)
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
    const supported = decoded?.supportedFeatures.toSorted(byName) ?? []
    expect(supported.map(({ name, minVersion, maxVersion }) => ({ name, minVersion, maxVersion }))).toEqual(
      profile.supportedFeatures,
    )
  })
})
