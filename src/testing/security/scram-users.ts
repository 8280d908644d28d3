import type { SaslOption } from '../options.ts'
import type { Random } from '../random.ts'
import { credentialOf, type ScramCredential, type ScramMechanismName, saltPassword } from './scram.ts'

/** Numbers of Java's `ScramMechanism`. */
export const scramMechanismCodes: Readonly<Record<ScramMechanismName, number>> = {
  'SCRAM-SHA-256': 1,
  'SCRAM-SHA-512': 2,
}

/** What Kafka's tools take where nothing is said, and the least that it accepts. */
export const leastIterations = 4096

/** The most that it accepts. */
export const mostIterations = 16_384

interface Entry {
  /** What a client has set; null for a user of the options. */
  readonly given: ScramCredential | null
  readonly iterations: number
  readonly salt: Uint8Array
  /** Worked out at the first login: a few thousand rounds of hashing for each user would be felt at the start. */
  credential(): Promise<ScramCredential>
}

/** SCRAM credentials by user and mechanism (KIP-554): those of the options, and those that clients have set. */
export class ScramUsers {
  readonly #random: Random
  readonly #users = new Map<string, Map<ScramMechanismName, Entry>>()

  constructor(random: Random) {
    this.#random = random
  }

  [Symbol.iterator](): IterableIterator<string> {
    return this.#users.keys()
  }

  /** The users of a listener. */
  addAll({ users, mechanisms }: SaslOption): void {
    for (const [user, password] of Object.entries(users)) {
      for (const mechanism of Object.keys(scramMechanismCodes) as ScramMechanismName[]) {
        if (mechanisms === undefined || mechanisms.includes(mechanism)) {
          this.addPassword(user, mechanism, password)
        }
      }
    }
  }

  /** Keeps what is there already: the user of several listeners is one. */
  addPassword(user: string, mechanism: ScramMechanismName, password: string): void {
    if (this.#users.get(user)?.has(mechanism)) return
    const salt = this.#random.bytes(20)
    let made: Promise<ScramCredential> | undefined
    const make = async () =>
      credentialOf(
        mechanism,
        await saltPassword(mechanism, password, salt, leastIterations),
        salt,
        leastIterations,
      )
    this.#set(user, mechanism, {
      given: null,
      salt,
      iterations: leastIterations,
      credential() {
        made ??= make()
        return made
      },
    })
  }

  set(user: string, mechanism: ScramMechanismName, credential: ScramCredential): void {
    const { salt, iterations } = credential
    this.#set(user, mechanism, {
      given: credential,
      salt,
      iterations,
      credential: () => Promise.resolve(credential),
    })
  }

  /** What clients have set. */
  *given(): Generator<{ user: string; mechanism: ScramMechanismName; credential: ScramCredential }> {
    for (const [user, entries] of this.#users) {
      for (const [mechanism, { given }] of entries) {
        if (given !== null) yield { user, mechanism, credential: given }
      }
    }
  }

  delete(user: string, mechanism: ScramMechanismName): void {
    const entries = this.#users.get(user)
    entries?.delete(mechanism)
    if (entries?.size === 0) this.#users.delete(user)
  }

  async credential(user: string, mechanism: ScramMechanismName): Promise<ScramCredential | null> {
    return (await this.#users.get(user)?.get(mechanism)?.credential()) ?? null
  }

  /** Rounds of hashing by mechanism; undefined for a user that is not known. */
  iterationsOf(user: string): Map<ScramMechanismName, number> | undefined {
    const entries = this.#users.get(user)
    if (entries === undefined) return undefined
    return new Map([...entries].map(([mechanism, { iterations }]) => [mechanism, iterations]))
  }

  has(user: string, mechanism: ScramMechanismName): boolean {
    return this.#users.get(user)?.has(mechanism) ?? false
  }

  #set(user: string, mechanism: ScramMechanismName, entry: Entry): void {
    const entries = this.#users.get(user) ?? new Map<ScramMechanismName, Entry>()
    this.#users.set(user, entries.set(mechanism, entry))
  }
}
