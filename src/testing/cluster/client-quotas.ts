import { Refusal } from './refusal.ts'

/** Part of whom a quota is for; a name of null is the default of the type. */
export interface QuotaEntity {
  /** `user`, `client-id` or `ip`. */
  readonly entityType: string
  readonly entityName: string | null
}

export interface QuotaChange {
  readonly key: string
  readonly value: number
  readonly remove: boolean
}

export interface StoredQuota {
  readonly entity: readonly QuotaEntity[]
  readonly values: ReadonlyMap<string, number>
}

/** What quotas are looked for by. */
export interface QuotaFilter {
  readonly entityType: string
  /** By `matchTypes`. */
  readonly matchType: number
  readonly match: string | null
}

const matchTypes = { exact: 0, default: 1, specified: 2 } as const

const ofClients: Readonly<Record<string, 'DOUBLE' | 'LONG'>> = {
  producer_byte_rate: 'LONG',
  consumer_byte_rate: 'LONG',
  request_percentage: 'DOUBLE',
  controller_mutation_rate: 'DOUBLE',
}

const ofAddresses: Readonly<Record<string, 'DOUBLE' | 'INT'>> = { connection_creation_rate: 'INT' }

const entityTypes = ['user', 'client-id', 'ip']
const largestInt = 2 ** 31 - 1

/** Fractions smaller than this come from counting in doubles. */
const epsilon = 1e-6

/** Quotas as stored values (KIP-546): nobody is held to them. */
export class ClientQuotas {
  readonly #stored = new Map<string, StoredQuota>()

  /**
   * Changes the quotas of one entity, or tries to (Java's `ClientQuotaControlManager`).
   *
   * @throws Refusal
   */
  alter(entity: readonly QuotaEntity[], changes: readonly QuotaChange[], validateOnly: boolean): void {
    const keys = keysFor(entity)
    for (const { key, value, remove } of changes) {
      if (remove) continue
      const fault = valueFault(key, value, keys[key])
      if (fault !== null) throw new Refusal('INVALID_REQUEST', fault)
    }
    if (validateOnly) return
    const id = idOf(entity)
    const values = new Map(this.#stored.get(id)?.values)
    for (const { key, value, remove } of changes) {
      if (remove) values.delete(key)
      else values.set(key, value)
    }
    if (values.size === 0) this.#stored.delete(id)
    else this.#stored.set(id, { entity: [...entity], values })
  }

  /**
   * Quotas that fit all filters; where `strict`, only those of no further types.
   *
   * @throws Refusal
   */
  find(filters: readonly QuotaFilter[], strict: boolean): StoredQuota[] {
    checkFilters(filters)
    return [...this.#stored.values()].filter(({ entity }) => {
      if (strict && entity.length !== filters.length) return false
      return filters.every(({ entityType, matchType, match }) => {
        const part = entity.find((one) => one.entityType === entityType)
        return part !== undefined && (matchType === matchTypes.specified || part.entityName === match)
      })
    })
  }
}

/** An entity with each type once, as Kafka reads one: the last counts. */
export function withoutRepeats(entity: readonly QuotaEntity[]): QuotaEntity[] {
  return [...new Map(entity.map((part) => [part.entityType, part])).values()]
}

/** As Java prints it. */
export function showEntity(entity: readonly QuotaEntity[]): string {
  const parts = entity.map(({ entityType, entityName }) => `${entityType}=${entityName}`).sort()
  return `ClientQuotaEntity(entries={${parts.join(', ')}})`
}

function idOf(entity: readonly QuotaEntity[]): string {
  return JSON.stringify(
    entityTypes.flatMap((type) => {
      const part = entity.find(({ entityType }) => entityType === type)
      return part === undefined ? [] : [[type, part.entityName]]
    }),
  )
}

/** What can be limited for such an entity, with the type of each. */
function keysFor(entity: readonly QuotaEntity[]): Readonly<Record<string, 'DOUBLE' | 'LONG' | 'INT'>> {
  const wrong = (told: string) => new Refusal('INVALID_REQUEST', told)
  if (entity.length === 0) throw wrong('Invalid empty client quota entity')
  const seen = new Set<string>()
  for (const { entityType, entityName } of entity) {
    seen.add(entityType)
    if (!entityTypes.includes(entityType)) throw wrong(`Unhandled client quota entity type: ${entityType}`)
    if (entityName === '') throw wrong(`Empty ${entityType} not supported`)
  }
  if (!seen.has('ip')) return ofClients
  if (seen.size > 1) {
    // Kafka's very words.
    throw wrong('Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId')
  }
  const address = entity[0]!.entityName
  if (address !== null && !isAddress(address)) {
    throw wrong(`${address} is not a valid IP or resolvable host.`)
  }
  return ofAddresses
}

/** Names of hosts are not looked up. */
function isAddress(text: string): boolean {
  return /^[0-9a-zA-Z.:-]+$/.test(text)
}

function valueFault(key: string, value: number, type: 'DOUBLE' | 'LONG' | 'INT' | undefined): string | null {
  if (type === undefined) return `Invalid configuration key ${key}`
  if (!(value > 0)) return `Quota ${key} must be greater than 0`
  if (type === 'DOUBLE') return null
  if (type === 'INT' && value > largestInt) return `Proposed value for ${key} is too large for an INT.`
  return Math.abs(Math.trunc(value + epsilon) - value) > epsilon
    ? `${key} cannot be a fractional value.`
    : null
}

/** Java's `ClientQuotasImage.describe`. */
function checkFilters(filters: readonly QuotaFilter[]): void {
  const wrong = (told: string) => new Refusal('INVALID_REQUEST', told)
  const seen = new Set<string>()
  for (const { entityType, matchType, match } of filters) {
    if (entityType === '') throw wrong('Invalid empty entity type.')
    if (seen.has(entityType)) {
      throw wrong(`Entity type ${entityType} cannot appear more than once in the filter.`)
    }
    seen.add(entityType)
    if (!entityTypes.includes(entityType)) {
      throw new Refusal('UNSUPPORTED_VERSION', `Unsupported entity type ${entityType}`)
    }
    if (matchType === matchTypes.exact) {
      if (match === null) throw wrong('Request specified MATCH_TYPE_EXACT, but set match string to null.')
    } else if (matchType === matchTypes.default || matchType === matchTypes.specified) {
      const name = matchType === matchTypes.default ? 'DEFAULT' : 'SPECIFIED'
      if (match !== null) {
        throw wrong(`Request specified MATCH_TYPE_${name}, but also specified a match string.`)
      }
    } else throw wrong(`Unknown match type ${matchType}`)
  }
  if (seen.has('ip') && seen.size > 1) {
    throw wrong(
      'Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component.',
    )
  }
}
