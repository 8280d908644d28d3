import { expect, test } from 'vitest'
import * as protocol from '../../src/protocol/index.ts'
import { api, apis, message, messageNames } from '../../src/protocol/registry.ts'

test('an API is found by its key and by its name', () => {
  expect(api(1)).toBe(api('Fetch'))
  for (const { key, name } of apis) {
    expect(api(name).name).toBe(name)
    expect(api(key).key).toBe(key)
  }
})

test('key 74 is ListConfigResources, and the name that it had before is still found', () => {
  expect(api(74).name).toBe('ListConfigResources')
  expect(api('ListClientMetricsResources')).toMatchObject({ key: 74, versions: { min: 0, max: 0 } })
})

test('no two APIs have the same name, and no other two the same key', () => {
  expect(new Set(apis.map(({ name }) => name)).size).toBe(apis.length)
  expect(new Set(apis.map(({ key }) => key)).size).toBe(apis.length - 1)
})

test('what is not known is an error that says what is', () => {
  expect(() => api(9999)).toThrow(/API 9999 is not known.*keys from 0 to 94/)
  expect(() => api('Fetsch')).toThrow(/API "Fetsch" is not known.*"Fetch"/)
  expect(() => message('Fetch')).toThrow(/message "Fetch" is not known.*"FetchRequest"/)
  expect(() => message('toString')).toThrow(/message "toString" is not known/)
})

test('every message belongs to an API, is a header, or is data inside of others', () => {
  const ofApis = new Set(apis.flatMap(({ request, response }) => [request.name, response.name]))
  expect(messageNames().filter((name) => !ofApis.has(name))).toEqual([
    'AbortedTxn',
    'ConsumerProtocolAssignment',
    'ConsumerProtocolSubscription',
    'ControlRecordTypeSchema',
    'DefaultPrincipalData',
    'EndTxnMarker',
    'KRaftVersionRecord',
    'LeaderChangeMessage',
    'RequestHeader',
    'ResponseHeader',
    'SnapshotFooterRecord',
    'SnapshotHeaderRecord',
    'VotersRecord',
  ])
})

test('every API and every data message is exported under its own name', () => {
  const exported = new Map<string, unknown>(Object.entries(protocol))
  for (const one of apis) {
    expect(exported.get(one.name.charAt(0).toLowerCase() + one.name.slice(1)), one.name).toBe(one)
  }
  for (const name of ['AbortedTxn', 'EndTxnMarker', 'VotersRecord', 'ConsumerProtocolAssignment']) {
    expect(exported.get(name.charAt(0).toLowerCase() + name.slice(1)), name).toBe(message(name))
  }
})

test('minus zero is written as such and survives the JSON form', () => {
  const quotas = message('AlterClientQuotasRequest')
  const value = { entries: [{ ops: [{ key: 'producer_byte_rate', value: -0 }] }] }
  const bytes = quotas.encode(1, value)
  const json = quotas.toJson(1, quotas.decode(1, bytes))
  expect(json).toMatchObject({ entries: [{ ops: [{ value: -0 }] }] })
  expect(quotas.encode(1, quotas.fromJson(1, json))).toEqual(bytes)
})
