import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import type { RawConnection } from '../../../src/network/raw-connection.ts'
import { saslAuthenticate } from '../../../src/protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../../../src/protocol/apis/sasl-handshake.ts'

export type ScramName = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** The end of an exchange, or the refusal that came before it. */
export interface SaslEnd {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly sessionLifetimeMs: bigint
  /** What the broker said last. */
  readonly said: string
}

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export async function sendToken(connection: RawConnection, token: string): Promise<SaslEnd> {
  const { decoded } = await connection.send(saslAuthenticate, 2, { authBytes: encode(token) })
  return { ...decoded!, said: new TextDecoder().decode(decoded!.authBytes) }
}

export async function loginPlain(
  connection: RawConnection,
  user: string,
  password: string,
): Promise<SaslEnd> {
  await connection.send(saslHandshake, 1, { mechanism: 'PLAIN' })
  return await sendToken(connection, `\0${user}\0${password}`)
}

/** A whole SCRAM exchange, the broker's proof checked. */
export async function loginScram(
  connection: RawConnection,
  mechanism: ScramName,
  user: string,
  password: string,
  extensions = '',
): Promise<SaslEnd> {
  await connection.send(saslHandshake, 1, { mechanism })
  const first = await sendToken(connection, `n,,n=${user},r=fyko+d2lbbFgONRv9qkxdawL${extensions}`)
  if (first.errorCode !== 0) return first
  const bare = `n=${user},r=fyko+d2lbbFgONRv9qkxdawL${extensions}`
  const { message, signature } = finalMessage(mechanism, password, bare, first.said)
  const end = await sendToken(connection, message)
  if (end.errorCode === 0 && end.said !== `v=${signature}`) {
    throw new Error(`the broker does not prove that it knows ${user}: ${end.said}`)
  }
  return end
}

/** The client's last message, and what the broker has to answer. */
export function finalMessage(
  mechanism: ScramName,
  password: string,
  clientFirstBare: string,
  serverFirst: string,
): { message: string; signature: string } {
  const digest = mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512'
  const parts = Object.fromEntries(serverFirst.split(',').map((part) => [part[0]!, part.slice(2)]))
  const salted = pbkdf2Sync(
    password,
    Buffer.from(parts.s!, 'base64'),
    Number(parts.i),
    digest === 'sha256' ? 32 : 64,
    digest,
  )
  const hmac = (key: Buffer, text: string) => createHmac(digest, key).update(text).digest()
  const clientKey = hmac(salted, 'Client Key')
  const storedKey = createHash(digest).update(clientKey).digest()
  const withoutProof = `c=biws,r=${parts.r}`
  const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`
  const clientSignature = hmac(storedKey, authMessage)
  const proof = clientKey.map((byte, i) => byte ^ clientSignature[i]!)
  return {
    message: `${withoutProof},p=${Buffer.from(proof).toString('base64')}`,
    signature: hmac(hmac(salted, 'Server Key'), authMessage).toString('base64'),
  }
}
