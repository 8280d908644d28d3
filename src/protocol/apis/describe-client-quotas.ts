import { api, type RequestOf, type ResponseOf } from '../message.ts'
import { array, bool, float64, int8, int16, int32, string } from '../schema.ts'

/** Lists quotas by user, client id and address (KIP-546). */
export const describeClientQuotas = api({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: '0-1',
  flexible: '1+',
  route: 'any',
  request: {
    components: array({
      /** `user`, `client-id` or `ip`. */
      entityType: string(),
      /** 0: the name in `match`; 1: the default; 2: any name. */
      matchType: int8(),
      match: string('0+', { nullable: true }),
    }),
    /** True: only quotas of exactly these types, and not those with further ones. */
    strict: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string('0+', { nullable: true }),
    /** Null when it failed. */
    entries: array(
      {
        entity: array({
          entityType: string(),
          /** Null: the default of this type. */
          entityName: string('0+', { nullable: true }),
        }),
        values: array({
          key: string(),
          value: float64(),
        }),
      },
      '0+',
      { nullable: true },
    ),
  },
})

export type DescribeClientQuotasRequest = RequestOf<typeof describeClientQuotas>
export type DescribeClientQuotasResponse = ResponseOf<typeof describeClientQuotas>
