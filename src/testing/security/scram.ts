import type { SaslMechanismName } from '../options.ts'

export type ScramMechanismName = Exclude<SaslMechanismName, 'PLAIN'>

/** What a broker knows of a user instead of the password (RFC 5802). */
export interface ScramCredential {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

const digests: Readonly<Record<ScramMechanismName, string>> = {
  'SCRAM-SHA-256': 'sha256',
  'SCRAM-SHA-512': 'sha512',
}

const keyBytes: Readonly<Record<ScramMechanismName, number>> = { 'SCRAM-SHA-256': 32, 'SCRAM-SHA-512': 64 }

/** Loaded when somebody comes with SCRAM: nobody else is to pay for it. */
function crypto() {
  return process.getBuiltinModule('node:crypto')
}

/** As Java: the password is taken as it is, without SASLprep. */
export function saltPassword(
  mechanism: ScramMechanismName,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    crypto().pbkdf2(password, salt, iterations, keyBytes[mechanism], digests[mechanism], (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}

export function credentialOf(
  mechanism: ScramMechanismName,
  saltedPassword: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): ScramCredential {
  const clientKey = hmac(mechanism, saltedPassword, 'Client Key')
  return {
    salt,
    iterations,
    storedKey: hash(mechanism, clientKey),
    serverKey: hmac(mechanism, saltedPassword, 'Server Key'),
  }
}

/** Whether the proof of a client shows that it knows the password. */
export function provesPassword(
  mechanism: ScramMechanismName,
  credential: ScramCredential,
  authMessage: string,
  proof: Uint8Array,
): boolean {
  const signature = hmac(mechanism, credential.storedKey, authMessage)
  const clientKey = signature.map((byte, i) => byte ^ proof[i]!)
  return crypto().timingSafeEqual(hash(mechanism, clientKey), credential.storedKey)
}

export function serverSignature(
  mechanism: ScramMechanismName,
  credential: ScramCredential,
  authMessage: string,
): Uint8Array {
  return hmac(mechanism, credential.serverKey, authMessage)
}

function hmac(mechanism: ScramMechanismName, key: Uint8Array, text: string): Uint8Array {
  return crypto().createHmac(digests[mechanism], key).update(text).digest()
}

function hash(mechanism: ScramMechanismName, bytes: Uint8Array): Uint8Array {
  return crypto().createHash(digests[mechanism]).update(bytes).digest()
}
