import type { RequestContext } from '../broker/request-context.ts'

/** Whether who asks may have to do with delegation tokens at all: known to us, and not by such a token (KIP-48). */
export function mayUseTokens({ connection, principal }: RequestContext): boolean {
  const { tls, sasl } = connection.listener.option
  if (connection.sasl?.tokenAuthenticated === true) return false
  return sasl !== undefined || (tls !== undefined && principal !== 'User:ANONYMOUS')
}

/** `User:alice` in its two parts. */
export function principalParts(principal: string): { principalType: string; principalName: string } {
  const colon = principal.indexOf(':')
  return { principalType: principal.slice(0, colon), principalName: principal.slice(colon + 1) }
}
