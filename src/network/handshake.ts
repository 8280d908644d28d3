import { AuthenticationError, messageOf, UnsupportedVersionError } from '../errors.ts'
import { apiVersions } from '../protocol/apis/api-versions.ts'
import { saslAuthenticate } from '../protocol/apis/sasl-authenticate.ts'
import { saslHandshake } from '../protocol/apis/sasl-handshake.ts'
import { brokerErrorInfo, errorCodes } from '../protocol/broker-errors.ts'
import { ByteReader } from '../protocol/byte-reader.ts'
import { KafkaError } from '../protocol/errors.ts'
import { decodeResponseFrame } from '../protocol/headers.ts'
import type { VersionRange } from '../protocol/version-range.ts'
import { clientSoftware } from '../version.ts'
import type { Connection } from './connection.ts'
import type { SaslExchange, SaslMechanism } from './sasl/mechanism.ts'

/** What happens on a new connection before it may be used: ApiVersions, then SASL where asked for. */
export async function handshake(connection: Connection, sasl: SaslMechanism | null): Promise<void> {
  const { offered, features } = await negotiate(connection)
  connection.negotiated(offered, sasl !== null, features)
  if (sasl !== null) connection.authenticated(await authenticate(connection, sasl))
}

/** Version 5 (KIP-1242) adds only checks that we do not ask for, and no released broker needs it. */
const firstAsked = 4

async function negotiate(connection: Connection): Promise<Answer> {
  let version = firstAsked
  for (;;) {
    const asked = version
    const body = { clientSoftwareName: clientSoftware.name, clientSoftwareVersion: clientSoftware.version }
    const answer = await connection.sendRaw(apiVersions, asked, body, (frame) => readAnswer(frame, asked))
    if (answer.errorCode === errorCodes.none) return answer
    if (answer.errorCode !== errorCodes.unsupportedVersion || asked === 0) {
      const info = brokerErrorInfo(answer.errorCode)
      throw new UnsupportedVersionError(`${connection.broker}: ApiVersions: ${info.name}: ${info.meaning}`, {
        broker: connection.broker,
        api: 'ApiVersions',
      })
    }
    version = answer.highest
  }
}

interface Answer {
  readonly errorCode: number
  readonly offered: Map<number, VersionRange>
  /** Finalized levels by name (KIP-584). */
  readonly features: Map<string, number>
  /** The version of ApiVersions to try after a refusal. */
  readonly highest: number
}

function readAnswer(frame: Uint8Array, asked: number): Answer {
  const errorCode = new ByteReader(frame, 4).int16()
  const offered = new Map<number, VersionRange>()
  const features = new Map<string, number>()
  if (errorCode !== errorCodes.none) {
    return { errorCode, offered, features, highest: highestOffered(frame, asked) }
  }
  const { apiKeys, finalizedFeatures } = decodeResponseFrame(apiVersions, asked, frame)
  for (const { apiKey, minVersion, maxVersion } of apiKeys) {
    offered.set(apiKey, { min: minVersion, max: maxVersion })
  }
  for (const { name, maxVersionLevel } of finalizedFeatures) features.set(name, maxVersionLevel)
  return { errorCode, offered, features, highest: asked }
}

/**
 * A refusal comes as version 0, and since KIP-511 it names the versions of ApiVersions itself. Not every broker keeps
 * to that, so what cannot be read counts as not said: version 0 is understood by all.
 */
function highestOffered(frame: Uint8Array, refused: number): number {
  try {
    const offered = decodeResponseFrame(apiVersions, 0, frame).apiKeys.find(
      (key) => key.apiKey === apiVersions.key,
    )
    return offered === undefined ? 0 : Math.max(0, Math.min(offered.maxVersion, refused - 1))
  } catch {
    return 0
  }
}

/** Goes through the mechanism's exchange; gives the session's lifetime in milliseconds, 0 for no end. */
async function authenticate(connection: Connection, sasl: SaslMechanism): Promise<number> {
  const { broker } = connection
  const offered = await connection.send(saslHandshake, { mechanism: sasl.name })
  if (offered.errorCode !== errorCodes.none) {
    const info = brokerErrorInfo(offered.errorCode)
    const mechanisms =
      offered.mechanisms.join(', ') || 'none, so this listener is one without SASL: leave the option sasl out'
    throw new AuthenticationError(
      info.name,
      `${broker}: mechanism ${sasl.name} is refused (${info.name}), offered are: ${mechanisms}`,
      { broker },
    )
  }
  let lifetimeMs = 0
  const exchange: SaslExchange = {
    host: connection.host,
    port: connection.port,
    async send(authBytes) {
      const answer = await connection.send(saslAuthenticate, { authBytes })
      if (answer.errorCode !== errorCodes.none) {
        const info = brokerErrorInfo(answer.errorCode)
        const message = `${broker}: ${sasl.name}: ${answer.errorMessage || info.meaning}`
        throw new AuthenticationError(info.name, message, { broker })
      }
      lifetimeMs = Number(answer.sessionLifetimeMs)
      return answer.authBytes
    },
  }
  try {
    await sasl.authenticate(exchange)
  } catch (error) {
    if (error instanceof KafkaError) throw error
    // A mechanism of the user's own, or the function that gets its token, has failed.
    const message = `${broker}: ${sasl.name}: ${messageOf(error)}`
    throw new AuthenticationError('SASL_AUTHENTICATION_FAILED', message, { broker, cause: error })
  }
  return lifetimeMs
}
