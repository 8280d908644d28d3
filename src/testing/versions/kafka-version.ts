import { InvalidOptionError } from '../../errors.ts'
import { offeredApis21 } from './offered-apis-2-1.ts'
import { offeredApis28 } from './offered-apis-2-8.ts'
import { finalizedFeatures39, offeredApis39, supportedFeatures39 } from './offered-apis-3-9.ts'
import { finalizedFeatures43, offeredApis43, supportedFeatures43 } from './offered-apis-4-3.ts'
import type { FinalizedFeature, OfferedApi, SupportedFeature } from './version-tables.ts'

/** Kafkas that a broker in memory can pass for, oldest first. */
export const kafkaVersions = ['2.1', '2.8', '3.9', '4.3'] as const

export type KafkaVersion = (typeof kafkaVersions)[number]

/** What tells the brokers of one Kafka from those of another, as recorded from a fresh one. */
export interface VersionProfile {
  readonly version: KafkaVersion
  /**
   * What it offers to clients, by API key. With ZooKeeper (2.1, 2.8) brokers offer to all what only the controller
   * uses: LeaderAndIsr, StopReplica, UpdateMetadata, ControlledShutdown.
   */
  readonly apis: ReadonlyMap<number, { readonly min: number; readonly max: number }>
  /** None before 3.3. */
  readonly supportedFeatures: readonly SupportedFeature[]
  readonly finalizedFeatures: readonly FinalizedFeature[]
  /** KRaft; false: ZooKeeper. */
  readonly raft: boolean
  /** The release that was recorded, for instance `4.3.1`. */
  readonly releaseName: string
  /** Highest metadata version, with ZooKeeper that of `inter.broker.protocol.version`: for instance `4.3-IV0`. */
  readonly metadataVersion: string
}

const profiles = new Map<KafkaVersion, VersionProfile>()

/** @throws InvalidOptionError where `version` is none that was recorded. */
export function versionProfile(version: KafkaVersion): VersionProfile {
  const known = profiles.get(version)
  if (known !== undefined) return known
  const made = makeProfile(version)
  profiles.set(version, made)
  return made
}

function makeProfile(version: KafkaVersion): VersionProfile {
  const none = { supportedFeatures: [], finalizedFeatures: [] }
  switch (version) {
    case '2.1':
      return {
        version,
        apis: byKey(offeredApis21),
        ...none,
        raft: false,
        releaseName: '2.1.1',
        metadataVersion: '2.1-IV2',
      }
    case '2.8':
      return {
        version,
        apis: byKey(offeredApis28),
        ...none,
        raft: false,
        releaseName: '2.8.2',
        metadataVersion: '2.8-IV1',
      }
    case '3.9':
      return {
        version,
        apis: byKey(offeredApis39),
        supportedFeatures: supportedFeatures39,
        finalizedFeatures: finalizedFeatures39,
        raft: true,
        releaseName: '3.9.1',
        metadataVersion: '3.9-IV0',
      }
    case '4.3':
      return {
        version,
        apis: byKey(offeredApis43),
        supportedFeatures: supportedFeatures43,
        finalizedFeatures: finalizedFeatures43,
        raft: true,
        releaseName: '4.3.1',
        metadataVersion: '4.3-IV0',
      }
    default:
      throw new InvalidOptionError(`version ${String(version)}: allowed are ${kafkaVersions.join(', ')}`)
  }
}

function byKey(table: readonly OfferedApi[]): VersionProfile['apis'] {
  return new Map(table.map(([key, min, max]) => [key, { min, max }]))
}
