import type { Connection } from '../network/connection.ts'
import { findCoordinator } from '../protocol/apis/find-coordinator.ts'
import { BrokerError, errorCodes } from '../protocol/broker-errors.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Node } from './metadata.ts'

export type CoordinatorKind = 'group' | 'transaction'

const keyTypes: Readonly<Record<CoordinatorKind, number>> = { group: 0, transaction: 1 }

/** Which node coordinates a group or a transactional id, as far as is known. */
export class Coordinators {
  readonly #known = new Map<string, number>()
  readonly #finding = new Map<string, Promise<number>>()

  get(kind: CoordinatorKind, key: string): number | undefined {
    return this.#known.get(`${kind} ${key}`)
  }

  /** The coordinator's node id, asked for by `ask` when it is not known. Concurrent callers share one question. */
  find(kind: CoordinatorKind, key: string, ask: () => Promise<Node>): Promise<number> {
    const name = `${kind} ${key}`
    const known = this.#known.get(name)
    if (known !== undefined) return Promise.resolve(known)
    let finding = this.#finding.get(name)
    if (finding === undefined) {
      finding = ask()
        .then((node) => {
          this.#known.set(name, node.id)
          return node.id
        })
        .finally(() => this.#finding.delete(name))
      this.#finding.set(name, finding)
    }
    return finding
  }

  /** Forgets it, unless it has become another one since `nodeId` was used. */
  forget(kind: CoordinatorKind, key: string, nodeId: number): void {
    const name = `${kind} ${key}`
    if (this.#known.get(name) === nodeId) this.#known.delete(name)
  }
}

/** Asks over this connection. Throws BrokerError; COORDINATOR_NOT_AVAILABLE is the usual one, and retriable. */
export async function askForCoordinator(
  connection: Connection,
  kind: CoordinatorKind,
  key: string,
): Promise<Node> {
  const keyType = keyTypes[kind]
  const response = await connection.send(findCoordinator, (version) =>
    version >= 4 ? { keyType, coordinatorKeys: [key] } : version >= 1 ? { key, keyType } : { key },
  )
  const isOfMany = connection.version(findCoordinator) >= 4
  const found = isOfMany ? response.coordinators.find((one) => one.key === key) : response
  if (found === undefined) {
    const message = `${connection.broker}: the answer to FindCoordinator leaves out ${kind} ${key}`
    throw new KafkaError('INVALID_RESPONSE', message, { api: 'FindCoordinator', broker: connection.broker })
  }
  if (found.errorCode !== errorCodes.none) {
    const context = kind === 'group' ? { groupId: key, api: 'FindCoordinator' } : { api: 'FindCoordinator' }
    throw new BrokerError(found.errorCode, context, found.errorMessage)
  }
  return { id: found.nodeId, host: found.host, port: found.port, rack: null }
}
