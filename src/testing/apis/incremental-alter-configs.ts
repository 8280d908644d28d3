import { incrementalAlterConfigs } from '../../protocol/apis/incremental-alter-configs.ts'
import { handler } from '../broker/api-handler.ts'
import { alterResources } from '../cluster/alter-resources.ts'

export const incrementalAlterConfigsHandler = handler(incrementalAlterConfigs, (request, context) => {
  const { resources, validateOnly } = request
  return {
    responses: alterResources(
      resources.map(({ resourceType, resourceName, configs }) => ({
        type: resourceType,
        name: resourceName,
        changes: configs.map(({ name, value, configOperation }) => ({
          name,
          value,
          operation: configOperation,
        })),
        replacesAll: false,
        validateOnly,
      })),
      context,
    ),
  }
})
