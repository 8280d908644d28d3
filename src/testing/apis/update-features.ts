import { updateFeatures } from '../../protocol/apis/update-features.ts'
import { handler } from '../broker/api-handler.ts'
import { controllerRefusal } from '../broker/controller-refusal.ts'
import { checkFeatureUpdate, upgradeTypes } from '../cluster/feature-update.ts'
import { attempt, refused } from '../cluster/refusal.ts'
import { errors } from '../error-codes.ts'

export const updateFeaturesHandler = handler(updateFeatures, (request, context) => {
  const { cluster, version } = context
  if (!context.allows('ALTER', 'CLUSTER')) return refused('CLUSTER_AUTHORIZATION_FAILED')
  const refusal = controllerRefusal(context)
  if (refusal !== null) return refusal
  const updates = request.featureUpdates.map((update) => ({
    name: update.feature,
    level: update.maxVersionLevel,
    upgradeType:
      version > 0
        ? update.upgradeType
        : update.allowDowngrade
          ? upgradeTypes.safeDowngrade
          : upgradeTypes.upgrade,
  }))
  const outcome = attempt(() => {
    for (const update of updates) checkFeatureUpdate(cluster, update)
  })
  // All of them or none.
  if (outcome.errorCode !== errors.NONE) {
    const told = `The update failed for all features since the following feature had an error: ${outcome.errorMessage}`
    return { ...outcome, errorMessage: told, results: [] }
  }
  if (!request.validateOnly) for (const { name, level } of updates) cluster.features.set(name, level)
  return {
    ...outcome,
    // Kafka writes the name of the code where others have null.
    results: updates.map(({ name }) => ({ feature: name, errorCode: errors.NONE, errorMessage: 'NONE' })),
  }
})
