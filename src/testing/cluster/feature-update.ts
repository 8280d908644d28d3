import type { KafkaCluster } from './kafka-cluster.ts'
import { Refusal } from './refusal.ts'

/** Java's `FeatureUpdate.UpgradeType`. */
export const upgradeTypes = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const

const metadataVersion = 'metadata.version'

export interface FeatureUpdate {
  readonly name: string
  readonly level: number
  /** By `upgradeTypes`. */
  readonly upgradeType: number
}

/** Java's `FeatureControlManager.updateFeature`, without the ties between features. @throws Refusal */
export function checkFeatureUpdate(cluster: KafkaCluster, update: FeatureUpdate): void {
  const { name, level, upgradeType } = update
  const reason = invalidity(cluster, update)
  if (reason !== null) {
    const told = `Invalid update version ${level} for feature ${name}. ${reason}`
    throw new Refusal('INVALID_UPDATE_VERSION', told)
  }
  const present = cluster.features.level(name)
  if (name !== metadataVersion || level >= present) return
  const why =
    upgradeType === upgradeTypes.safeDowngrade
      ? 'Refusing to perform the requested downgrade because it might delete metadata information.'
      : 'Unsafe metadata downgrade is not supported in this version.'
  throw new Refusal(
    'INVALID_UPDATE_VERSION',
    `Unsupported ${name} downgrade from ${present} to ${level}. ${why}`,
  )
}

function invalidity(
  { features, profile, controllerId }: KafkaCluster,
  { name, level, upgradeType }: FeatureUpdate,
): string | null {
  const types: readonly number[] = Object.values(upgradeTypes)
  if (!types.includes(upgradeType)) return 'The controller does not support the given upgrade type.'
  const supported = profile.supportedFeatures.find((one) => one.name === name)
  if (level < 0) return 'A feature version cannot be less than 0.'
  if (supported === undefined) {
    return level === 0
      ? `Feature ${name} not found.`
      : `Local controller ${controllerId} does not support this feature.`
  }
  const { minVersion, maxVersion } = supported
  if (level < minVersion || level > maxVersion) {
    return `Local controller ${controllerId} only supports versions ${minVersion}-${maxVersion}`
  }
  if (level >= features.level(name) || upgradeType !== upgradeTypes.upgrade) return null
  return "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade."
}
