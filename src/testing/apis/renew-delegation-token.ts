import { renewDelegationToken } from '../../protocol/apis/renew-delegation-token.ts'
import { handler } from '../broker/api-handler.ts'
import { errors } from '../error-codes.ts'
import { mayUseTokens } from '../security/token-requests.ts'

export const renewDelegationTokenHandler = handler(
  renewDelegationToken,
  ({ hmac, renewPeriodMs }, context) => {
    const { delegationTokens } = context.cluster
    if (!mayUseTokens(context)) {
      return { errorCode: errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, expiryTimestampMs: -1n }
    }
    if (!delegationTokens.enabled) return { errorCode: errors.DELEGATION_TOKEN_AUTH_DISABLED }
    const token = delegationTokens.renew(hmac, Number(renewPeriodMs), context.principal)
    if (typeof token === 'string') return { errorCode: errors[token] }
    return { errorCode: errors.NONE, expiryTimestampMs: BigInt(token.expiryMs) }
  },
)
