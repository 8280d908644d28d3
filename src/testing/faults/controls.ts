import { InvalidArgumentError } from '../../errors.ts'
import type { Action, ControlledRequest } from './actions.ts'

/** Says what becomes of a request; undefined lets it pass. */
export type ControlHandler = (
  request: ControlledRequest,
) => Action | readonly Action[] | undefined | Promise<Action | readonly Action[] | undefined>

export interface ControlOptions {
  /** After so many requests that it did not let pass it is taken away; from 1 on. @default it is kept */
  readonly times?: number
  /** Only requests to this broker. */
  readonly brokerId?: number
  /** Only requests on this connection. */
  readonly connectionId?: number
  /** Only requests of this client. */
  readonly clientId?: string
}

/** A control that is in force. */
export interface Control {
  /** Requests that it did not let pass. */
  readonly count: number
  remove(): void
}

interface Entry extends Control {
  count: number
  readonly apiKey: number | null
  readonly handler: ControlHandler
  readonly options: ControlOptions
}

/** What a test has asked to be done with requests. The control that was added last is asked first. */
export class Controls {
  readonly #entries: Entry[] = []

  /** @param apiKey null: all APIs. */
  add(apiKey: number | null, handler: ControlHandler, options: ControlOptions = {}): Control {
    const { times } = options
    if (times !== undefined && !(Number.isInteger(times) && times >= 1)) {
      throw new InvalidArgumentError(`times is ${times}; allowed: an integer from 1 on`)
    }
    const entry: Entry = { apiKey, handler, options, count: 0, remove: () => this.#remove(entry) }
    this.#entries.unshift(entry)
    return entry
  }

  removeAll(): void {
    this.#entries.length = 0
  }

  /** Whether nobody has to be asked about requests of this API: nearly always. */
  hasNone(apiKey: number): boolean {
    return (
      this.#entries.length === 0 || !this.#entries.some((one) => one.apiKey === null || one.apiKey === apiKey)
    )
  }

  /** What becomes of `request`, step by step; empty when it passes. */
  async actionsFor(request: ControlledRequest): Promise<readonly Action[]> {
    for (const entry of [...this.#entries]) {
      const { apiKey, options } = entry
      if (apiKey !== null && apiKey !== request.apiKey) continue
      if (options.brokerId !== undefined && options.brokerId !== request.brokerId) continue
      if (options.connectionId !== undefined && options.connectionId !== request.connectionId) continue
      if (options.clientId !== undefined && options.clientId !== request.clientId) continue
      // Taken away, or used up, while the one before it was thinking.
      if (!this.#entries.includes(entry)) continue
      const given = await entry.handler(request)
      const actions = given === undefined ? [] : Array.isArray(given) ? given : [given as Action]
      if (actions.length === 0) continue
      // Used up by a request on another connection while its handler was thinking about this one.
      if (options.times !== undefined && entry.count >= options.times) continue
      entry.count++
      if (entry.count === options.times) entry.remove()
      return actions
    }
    return []
  }

  #remove(entry: Entry): void {
    const at = this.#entries.indexOf(entry)
    if (at >= 0) this.#entries.splice(at, 1)
  }
}
