import { createDelegationToken } from '../../protocol/apis/create-delegation-token.ts'
import { handler } from '../broker/api-handler.ts'
import { type ErrorName, errors } from '../error-codes.ts'
import { mayUseTokens, principalParts } from '../security/token-requests.ts'

export const createDelegationTokenHandler = handler(createDelegationToken, (request, context) => {
  const { cluster, principal: requester, version } = context
  const { ownerPrincipalType, ownerPrincipalName, renewers, maxLifetimeMs } = request
  const owner = ownerPrincipalName ? `${ownerPrincipalType ?? ''}:${ownerPrincipalName}` : requester
  const who = {
    ...principalParts(owner),
    ...(version >= 3
      ? {
          tokenRequesterPrincipalType: principalParts(requester).principalType,
          tokenRequesterPrincipalName: principalParts(requester).principalName,
        }
      : {}),
  }
  const failed = (code: ErrorName) => ({
    ...who,
    errorCode: errors[code],
    issueTimestampMs: -1n,
    expiryTimestampMs: -1n,
    maxTimestampMs: -1n,
  })
  if (!mayUseTokens(context)) return failed('DELEGATION_TOKEN_REQUEST_NOT_ALLOWED')
  if (owner !== requester && !context.allows('CREATE_TOKENS', 'USER', owner)) {
    return failed('DELEGATION_TOKEN_AUTHORIZATION_FAILED')
  }
  if (renewers.some(({ principalType }) => principalType !== 'User')) return failed('INVALID_PRINCIPAL_TYPE')
  if (!cluster.delegationTokens.enabled) return failed('DELEGATION_TOKEN_AUTH_DISABLED')
  const token = cluster.delegationTokens.create({
    owner,
    requester,
    renewers: renewers.map(({ principalType, principalName }) => `${principalType}:${principalName}`),
    maxLifetimeMs: Number(maxLifetimeMs),
  })
  return {
    ...who,
    errorCode: errors.NONE,
    issueTimestampMs: BigInt(token.issuedMs),
    expiryTimestampMs: BigInt(token.expiryMs),
    maxTimestampMs: BigInt(token.maxTimestampMs),
    tokenId: token.tokenId,
    hmac: token.hmac,
  }
})
