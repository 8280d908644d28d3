import { alterConfigs } from '../../protocol/apis/alter-configs.ts'
import { handler } from '../broker/api-handler.ts'
import { configOperations } from '../cluster/alter-config.ts'
import { alterResources } from '../cluster/alter-resources.ts'

export const alterConfigsHandler = handler(alterConfigs, (request, context) => {
  const { resources, validateOnly } = request
  return {
    responses: alterResources(
      resources.map(({ resourceType, resourceName, configs }) => ({
        type: resourceType,
        name: resourceName,
        changes: configs.map(({ name, value }) => ({ name, value, operation: configOperations.set })),
        replacesAll: true,
        validateOnly,
      })),
      context,
    ),
  }
})
