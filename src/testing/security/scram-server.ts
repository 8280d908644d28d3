import { HangUp } from '../broker/api-handler.ts'
import { type SaslIdentity, SaslRefusal, type SaslServer, type SaslStep } from './sasl-server.ts'
import { provesPassword, type ScramCredential, type ScramMechanismName, serverSignature } from './scram.ts'

/** Where credentials come from. Null: there is no such user, or token. */
export interface ScramSource {
  ofUser(user: string): Promise<ScramCredential | null>
  ofToken(tokenId: string): Promise<{ credential: ScramCredential; owner: string; expiryMs: number } | null>
}

const name = '(?:[^\\0=,]|=2C|=3D)+'
const clientFirst = new RegExp(
  `^n,(?:a=(?<authorizationId>${name}))?,(?<bare>(?:m=[^\\0,]+,)?n=(?<user>${name}),r=(?<nonce>[\\x21-\\x2b\\x2d-\\x7e]+)(?<extensions>(?:,[A-Za-z]+=[^\\0,]+)*))$`,
  'u',
)
const base64 = '(?:[a-zA-Z0-9/+]{4})*(?:[a-zA-Z0-9/+]{3}=|[a-zA-Z0-9/+]{2}==)?'
const clientFinal = new RegExp(
  `^(?<withoutProof>c=${base64},r=(?<nonce>[\\x21-\\x2b\\x2d-\\x7e]+)(?:,[A-Za-z]+=[^\\0,]+)*),p=(?<proof>${base64})$`,
)

/** What is between the two messages of a client. */
interface Begun {
  readonly credential: ScramCredential
  readonly identity: SaslIdentity
  readonly nonce: string
  /** Beginning of what both sides sign. */
  readonly messages: string
}

/** SCRAM (RFC 5802, RFC 7677), as Java's `ScramSaslServer`; also with delegation tokens (KIP-48). */
export class ScramServer implements SaslServer {
  readonly #mechanism: ScramMechanismName
  readonly #source: ScramSource
  readonly #serverNonce: string
  #begun: Begun | null = null

  constructor(mechanism: ScramMechanismName, source: ScramSource, serverNonce: string) {
    this.#mechanism = mechanism
    this.#source = source
    this.#serverNonce = serverNonce
  }

  async next(message: Uint8Array): Promise<SaslStep> {
    const text = new TextDecoder().decode(message)
    const answer = this.#begun === null ? await this.#first(text) : this.#final(text, this.#begun)
    return typeof answer === 'string'
      ? { answer: encode(answer), identity: null }
      : { answer: encode(answer.signature), identity: answer.identity }
  }

  async #first(text: string): Promise<string> {
    const parts = clientFirst.exec(text)?.groups
    if (parts === undefined) throw new SaslRefusal(null, 'Invalid SCRAM client first message format')
    const user = parts.user!.replaceAll('=2C', ',').replaceAll('=3D', '=')
    const { credential, identity } = await this.#look(user, parts.extensions!)
    const authorizationId = parts.authorizationId ?? ''
    if (authorizationId !== '' && authorizationId !== user) {
      throw new SaslRefusal(
        'Authentication failed: Client requested an authorization id that is different from username',
      )
    }
    const nonce = parts.nonce! + this.#serverNonce
    const salt = Buffer.from(credential.salt).toString('base64')
    const answer = `r=${nonce},s=${salt},i=${credential.iterations}`
    this.#begun = { credential, identity, nonce, messages: `${parts.bare},${answer}` }
    return answer
  }

  async #look(
    user: string,
    extensions: string,
  ): Promise<{ credential: ScramCredential; identity: SaslIdentity }> {
    if (`${extensions},`.toLowerCase().includes(',tokenauth=true,')) {
      const token = await this.#source.ofToken(user)
      if (token === null)
        throw new SaslRefusal(null, `Token Authentication failed: Invalid tokenId : ${user}`)
      return {
        credential: token.credential,
        identity: { user: token.owner, tokenExpiryMs: token.expiryMs },
      }
    }
    const credential = await this.#source.ofUser(user)
    if (credential === null) throw new SaslRefusal(null, 'Authentication failed: Invalid user credentials')
    return { credential, identity: { user, tokenExpiryMs: null } }
  }

  #final(text: string, { credential, identity, nonce, messages }: Begun) {
    const parts = clientFinal.exec(text)?.groups
    if (parts === undefined) throw new SaslRefusal(null, 'Invalid SCRAM client final message format')
    if (parts.nonce !== nonce)
      throw new SaslRefusal(null, 'Invalid client nonce in the final client message.')
    const authMessage = `${messages},${parts.withoutProof}`
    const proof = Buffer.from(parts.proof!, 'base64')
    // Java's arithmetic fails on it, and whoever sent it learns no more than that.
    if (proof.length !== credential.storedKey.length) throw new HangUp('a SCRAM proof of the wrong length')
    if (!provesPassword(this.#mechanism, credential, authMessage, proof)) {
      throw new SaslRefusal(null, 'Invalid client credentials')
    }
    const signature = Buffer.from(serverSignature(this.#mechanism, credential, authMessage))
    return { signature: `v=${signature.toString('base64')}`, identity }
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
