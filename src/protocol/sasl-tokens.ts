import type { Frame } from './frames.ts'

type Side = 'client' | 'server'

/** Tokens that each side sends, where the mechanism fixes it. */
const rounds: Readonly<Record<string, number>> = {
  PLAIN: 1,
  OAUTHBEARER: 1,
  'SCRAM-SHA-256': 2,
  'SCRAM-SHA-512': 2,
}

/**
 * Knows which frames of a recorded connection are bare SASL tokens: those after SaslHandshake version 0. From version 1
 * on tokens travel in SaslAuthenticate requests, which are requests like all.
 */
export class SaslTokens {
  readonly #isRequest: (frame: Frame) => boolean
  #mechanism: string | null = null
  /** Tokens still to come from each side; infinite where nobody can know. */
  readonly #left: Record<Side, number> = { client: 0, server: 0 }

  constructor(isRequest: (frame: Frame) => boolean) {
    this.#isRequest = isRequest
  }

  /** The client has named its mechanism; its next frames are tokens. */
  begin(mechanism: string): void {
    this.#mechanism = mechanism
    this.#left.client = rounds[mechanism] ?? Number.POSITIVE_INFINITY
  }

  /** The broker has answered; after a yes its next frames are tokens, after a no there are none of either side. */
  answered(accepted: boolean): void {
    if (accepted && this.#mechanism !== null) {
      this.#left.server = rounds[this.#mechanism] ?? Number.POSITIVE_INFINITY
    } else this.#left.client = 0
  }

  /** The mechanism when `frame` is a token, else null. @param waiting correlation id that is to be answered next. */
  take(from: Side, frame: Frame, waiting: number | undefined): string | null {
    if (this.#left[from] === 0 || this.#mechanism === null) return null
    // How many tokens GSSAPI and mechanisms of one's own take, nobody can know: it is over with the first real request,
    // and for the broker with the answer to that.
    if (this.#left[from] === Number.POSITIVE_INFINITY && this.#isOver(from, frame, waiting)) {
      this.#left[from] = 0
      return null
    }
    this.#left[from]--
    return this.#mechanism
  }

  #isOver(from: Side, frame: Frame, waiting: number | undefined): boolean {
    if (from === 'client') return this.#isRequest(frame)
    const { bytes } = frame
    if (waiting === undefined || bytes.length < 4) return false
    return new DataView(bytes.buffer, bytes.byteOffset).getInt32(0) === waiting
  }
}
