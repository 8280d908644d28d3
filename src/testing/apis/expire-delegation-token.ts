import { expireDelegationToken } from '../../protocol/apis/expire-delegation-token.ts'
import { handler } from '../broker/api-handler.ts'
import { errors } from '../error-codes.ts'
import { mayUseTokens } from '../security/token-requests.ts'

export const expireDelegationTokenHandler = handler(
  expireDelegationToken,
  ({ hmac, expiryTimePeriodMs }, context) => {
    const { delegationTokens } = context.cluster
    if (!mayUseTokens(context)) {
      return { errorCode: errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, expiryTimestampMs: -1n }
    }
    if (!delegationTokens.enabled) return { errorCode: errors.DELEGATION_TOKEN_AUTH_DISABLED }
    const ends = delegationTokens.expire(hmac, Number(expiryTimePeriodMs), context.principal)
    if (typeof ends === 'string') return { errorCode: errors[ends] }
    return { errorCode: errors.NONE, expiryTimestampMs: BigInt(ends) }
  },
)
