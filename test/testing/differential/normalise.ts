import type { Json } from '../../../src/protocol/json-form.ts'
import type { Api } from '../../../src/protocol/message.ts'
import { decodeRecords } from '../../../src/protocol/records/record-batch.ts'
import type { FieldMap, StructInput } from '../../../src/protocol/schema.ts'
import { zeroUuid } from '../../../src/protocol/uuid.ts'
import { errors } from '../../../src/testing/error-codes.ts'

const errorNames = new Map<number, string>(Object.entries(errors).map(([name, code]) => [code, name]))

/** Fields whose values each Kafka makes up. */
const madeUp = new Set([
  'clusterId',
  'hmac',
  'leader',
  'memberId',
  'producerId',
  'currentProducerId',
  'sessionId',
  'tokenId',
  'topicId',
])

/** Fields by which lists are put in order: Kafka's order is often that of a hash table. */
const sortedBy = [
  'name',
  'topic',
  'topicName',
  'groupId',
  'transactionalId',
  'key',
  'user',
  'resourceType',
  'resourceName',
  'partitionIndex',
  'partition',
  'entityType',
  'principal',
  'host',
  'operation',
  'mechanism',
  'errorMessage',
  'topicId',
  'apiKey',
] as const

/** Replaces what is another on either side by names in the order of appearance. */
export class Normaliser {
  readonly #known = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  know(value: string | bigint | number, name: string): void {
    this.#known.set(String(value), name)
  }

  answer(api: Api, version: number, body: unknown): unknown {
    const json = api.response.toJson(version, body as StructInput<FieldMap>)
    return this.#value('', this.#sorted(json), '')
  }

  #sorted(json: Json): Json {
    if (Array.isArray(json)) {
      const list = json.map((one) => this.#sorted(one))
      if (list.every((one) => typeof one === 'number')) return list.sort((a, b) => a - b)
      if (!list.every((one) => one !== null && typeof one === 'object')) return list
      return list
        .map((one) => ({ one, key: this.#sortKey(one as Record<string, Json>) }))
        .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
        .map(({ one }) => one)
    }
    if (json === null || typeof json !== 'object') return json
    return Object.fromEntries(Object.entries(json).map(([name, inner]) => [name, this.#sorted(inner)]))
  }

  #sortKey(struct: Record<string, Json>): string {
    return sortedBy
      .map((name) => {
        const value = struct[name]
        if (typeof value === 'number') return String(value).padStart(12)
        if (typeof value !== 'string') return ''
        return madeUp.has(name) ? (this.#known.get(value) ?? '') : value
      })
      .join('\0')
  }

  #value(name: string, json: Json, within: string): unknown {
    if (json === null) return null
    // By key, so that an API that one of the two does not have is one difference and not all.
    if (name === 'apiKeys') {
      return Object.fromEntries((json as { apiKey: number }[]).map((one) => [`key${one.apiKey}`, one]))
    }
    if (Array.isArray(json)) return json.map((one) => this.#value(name, one, within))
    if (typeof json === 'object') {
      return Object.fromEntries(
        Object.entries(json).map(([inner, value]) => [inner, this.#value(inner, value, name)]),
      )
    }
    if (name === 'throttleTimeMs') return 0
    if (name === 'finalizedFeaturesEpoch') return json === '-1' ? -1 : '<epoch>'
    if (name === 'port' && json !== -1) return '<port>'
    if (/errorCode$/i.test(name)) return errorNames.get(json as number) ?? json
    if (name === 'records') return this.#records(json as string)
    if (madeUp.has(name)) return this.#replaced(name, json)
    if (typeof json === 'boolean') return json
    if (isNow(json)) return '<now>'
    return typeof json === 'string' ? this.#text(json, /message/i.test(name)) : json
  }

  #replaced(kind: string, value: string | number | boolean): unknown {
    if (value === '' || value === zeroUuid || Number(value) === -1) return value
    if (Number(value) === 0 && !/producerId/i.test(kind)) return value
    const key = String(value)
    let name = this.#known.get(key)
    if (name === undefined) {
      const count = (this.#counts.get(kind) ?? 0) + 1
      this.#counts.set(kind, count)
      name = `<${kind} ${count}>`
      this.#known.set(key, name)
    }
    return name
  }

  #text(text: string, isMessage: boolean): string {
    if (/^-?\d+$/.test(text)) return text
    let result = text.replaceAll(/\b\d{13}\b/g, (digits) => (isNow(digits) ? '<now>' : digits))
    for (const [value, name] of this.#known) {
      const isNumber = /^\d+$/.test(value)
      // Ids of producers are small numbers, and part of many a name.
      if (isNumber && !isMessage) continue
      result = result.replaceAll(isNumber ? new RegExp(`\\b${value}\\b`, 'g') : value, name)
    }
    return result
  }

  #records(base64: string): unknown {
    const bytes = Buffer.from(base64, 'base64')
    return [...decodeRecords(bytes)].map((batch) => ({
      magic: batch.magic,
      baseOffset: Number(batch.baseOffset),
      lastOffsetDelta: batch.lastOffsetDelta,
      partitionLeaderEpoch: batch.partitionLeaderEpoch,
      compression: batch.compression,
      timestampType: batch.timestampType,
      isTransactional: batch.isTransactional,
      isControl: batch.isControl,
      producerId: this.#replaced('producerId', String(batch.producerId)),
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      records: [...batch].map(({ offset, timestamp, key, value, controlType }) => ({
        offset: Number(offset),
        timestamp: isNow(Number(timestamp)) ? '<now>' : Number(timestamp),
        ...(controlType === undefined
          ? {
              key: key === null ? null : String(Buffer.from(key)),
              value: value && String(Buffer.from(value)),
            }
          : { controlType }),
      })),
    }))
  }
}

/** Whether it is a time of about today; those that requests hold are of long ago. */
function isNow(value: string | number): boolean {
  if (typeof value === 'string' && !/^\d{13}$/.test(value)) return false
  const time = Number(value)
  return time > Date.now() - 3_600_000 && time < Date.now() + 30 * 86_400_000
}
