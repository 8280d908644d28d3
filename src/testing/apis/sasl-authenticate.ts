import { saslAuthenticate } from '../../protocol/apis/sasl-authenticate.ts'
import { handler } from '../broker/api-handler.ts'
import { errors } from '../error-codes.ts'

export const saslAuthenticateHandler = handler(saslAuthenticate, async ({ authBytes }, { connection }) => {
  const outcome = (await connection.sasl?.token(authBytes, connection)) ?? null
  if (outcome === null) {
    return {
      errorCode: errors.ILLEGAL_SASL_STATE,
      errorMessage: 'SaslAuthenticate request received after successful authentication',
    }
  }
  if ('refusal' in outcome) {
    connection.closeAfterAnswer()
    return { errorCode: errors.SASL_AUTHENTICATION_FAILED, errorMessage: outcome.refusal }
  }
  return {
    errorCode: errors.NONE,
    authBytes: outcome.answer,
    sessionLifetimeMs: BigInt(outcome.lifetimeMs),
  }
})
