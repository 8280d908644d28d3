import { describeClientQuotas } from '../../protocol/apis/describe-client-quotas.ts'
import { handler } from '../broker/api-handler.ts'
import type { StoredQuota } from '../cluster/client-quotas.ts'
import { attempt, refused } from '../cluster/refusal.ts'

export const describeClientQuotasHandler = handler(describeClientQuotas, (request, context) => {
  if (!context.allows('DESCRIBE_CONFIGS', 'CLUSTER')) {
    return { ...refused('CLUSTER_AUTHORIZATION_FAILED'), entries: null }
  }
  let found: StoredQuota[] | null = null
  const outcome = attempt(() => {
    found = context.cluster.quotas.find(request.components, request.strict)
  })
  // Where all went well Kafka tells an empty message.
  const errorMessage = outcome.errorMessage ?? ''
  return { ...outcome, errorMessage, entries: (found as StoredQuota[] | null)?.map(entry) ?? null }
})

function entry({ entity, values }: StoredQuota) {
  return { entity, values: [...values].map(([key, value]) => ({ key, value })) }
}
