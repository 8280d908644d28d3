import { saslHandshake } from '../../protocol/apis/sasl-handshake.ts'
import { handler } from '../broker/api-handler.ts'
import { errors } from '../error-codes.ts'

export const saslHandshakeHandler = handler(saslHandshake, ({ mechanism }, { connection, version }) => {
  const { sasl } = connection
  const outcome = sasl?.handshake(mechanism, version) ?? 'later'
  if (outcome === 'later') return { errorCode: errors.ILLEGAL_SASL_STATE, mechanisms: [] }
  if (outcome === 'accepted') return { errorCode: errors.NONE, mechanisms: sasl!.mechanisms }
  connection.closeAfterAnswer()
  return { errorCode: errors.UNSUPPORTED_SASL_MECHANISM, mechanisms: sasl!.mechanisms }
})
