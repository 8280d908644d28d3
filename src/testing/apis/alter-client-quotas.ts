import { alterClientQuotas } from '../../protocol/apis/alter-client-quotas.ts'
import type { StructInput } from '../../protocol/schema.ts'
import { handler } from '../broker/api-handler.ts'
import { showEntity, withoutRepeats } from '../cluster/client-quotas.ts'
import { attempt, refused } from '../cluster/refusal.ts'

type AlterClientQuotasAnswer = StructInput<typeof alterClientQuotas.response.fields>
type EntryAnswer = NonNullable<AlterClientQuotasAnswer['entries']>[number]

export const alterClientQuotasHandler = handler(alterClientQuotas, (request, context) => {
  const { entries, validateOnly } = request
  if (!context.allows('ALTER_CONFIGS', 'CLUSTER')) {
    return { entries: entries.map(({ entity }) => ({ entity, ...refused('CLUSTER_AUTHORIZATION_FAILED') })) }
  }
  const answers = new Map<string, EntryAnswer>()
  for (const { entity: given, ops } of entries) {
    const entity = withoutRepeats(given)
    const shown = showEntity(entity)
    const outcome = answers.has(shown)
      ? refused('INVALID_REQUEST', `Ignoring duplicate entity ${shown}`)
      : attempt(() => context.cluster.quotas.alter(entity, ops, validateOnly))
    answers.set(shown, { entity, ...outcome })
  }
  return { entries: [...answers.values()] }
})
