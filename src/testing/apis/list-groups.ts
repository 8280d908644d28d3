import { listGroups } from '../../protocol/apis/list-groups.ts'
import { handler } from '../broker/api-handler.ts'
import { errors } from '../error-codes.ts'

export const listGroupsHandler = handler(listGroups, (request, context) => {
  const states = lowerCase(request.statesFilter)
  const types = lowerCase(request.typesFilter)
  const seesAll = context.allows('DESCRIBE', 'CLUSTER')
  return {
    errorCode: errors.NONE,
    groups: [...context.cluster.groups.coordinatedBy(context.broker.id)]
      .filter(({ state }) => states.size === 0 || states.has(state.toLowerCase()))
      .filter(({ type }) => types.size === 0 || types.has(type.toLowerCase()))
      .filter(({ groupId }) => seesAll || context.allows('DESCRIBE', 'GROUP', groupId))
      .map(({ groupId, protocolType, state, type }) => ({
        groupId,
        protocolType,
        groupState: state,
        groupType: type.toLowerCase(),
      })),
  }
})

function lowerCase(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()))
}
