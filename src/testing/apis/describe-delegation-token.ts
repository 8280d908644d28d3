import { describeDelegationToken } from '../../protocol/apis/describe-delegation-token.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import { errors } from '../error-codes.ts'
import { belongsTo, type DelegationToken } from '../security/delegation-tokens.ts'
import { mayUseTokens, principalParts } from '../security/token-requests.ts'

export const describeDelegationTokenHandler = handler(describeDelegationToken, ({ owners }, context) => {
  const { delegationTokens } = context.cluster
  if (!mayUseTokens(context)) return { errorCode: errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED }
  if (!delegationTokens.enabled) return { errorCode: errors.DELEGATION_TOKEN_AUTH_DISABLED }
  const asked = owners?.map(({ principalType, principalName }) => `${principalType}:${principalName}`)
  const tokens = delegationTokens
    .all()
    .filter((token) => asked === undefined || asked.some((owner) => belongsTo(token, owner)))
    .filter((token) => maySee(token, context))
  return { errorCode: errors.NONE, tokens: tokens.map((token) => describe(token, context.version)) }
})

function maySee(token: DelegationToken, context: RequestContext): boolean {
  return (
    belongsTo(token, context.principal) ||
    context.allows('DESCRIBE', 'DELEGATION_TOKEN', token.tokenId) ||
    context.allows('DESCRIBE_TOKENS', 'USER', token.owner)
  )
}

function describe(token: DelegationToken, version: number) {
  const { owner, requester, renewers, issuedMs, expiryMs, maxTimestampMs, tokenId, hmac } = token
  const { principalType, principalName } = principalParts(requester)
  return {
    ...principalParts(owner),
    ...(version >= 3
      ? { tokenRequesterPrincipalType: principalType, tokenRequesterPrincipalName: principalName }
      : {}),
    issueTimestamp: BigInt(issuedMs),
    expiryTimestamp: BigInt(expiryMs),
    maxTimestamp: BigInt(maxTimestampMs),
    tokenId,
    hmac,
    renewers: renewers.map(principalParts),
  }
}
