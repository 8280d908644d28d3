import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, float64, int16, int32, string } from '../schema.ts'

/** Changes quotas by user, client id and address (KIP-546). */
export const alterClientQuotas = api({
  key: 49,
  name: 'AlterClientQuotas',
  versions: '0-1',
  flexible: '1+',
  route: 'any',
  request: {
    entries: array({
      entity: array({
        /** `user`, `client-id` or `ip`. */
        entityType: string(),
        /** Null: the default of this type. */
        entityName: string('0+', { nullable: true }),
      }),
      ops: array({
        key: string(),
        value: float64(),
        /** True: take the quota away; `value` is ignored. */
        remove: bool(),
      }),
    }),
    /** Check, and change nothing. */
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    entries: array({
      errorCode: int16(),
      errorMessage: string('0+', { nullable: true }),
      entity: array({
        entityType: string(),
        /** Null: the default of this type. */
        entityName: string('0+', { nullable: true }),
      }),
    }),
  },
})

export type AlterClientQuotasRequest = RequestOf<typeof alterClientQuotas>
export type AlterClientQuotasResponse = ResponseOf<typeof alterClientQuotas>
