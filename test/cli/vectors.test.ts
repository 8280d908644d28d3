import { describe, expect, it } from 'vitest'
import { vectors } from '../support/vectors.ts'
import { ndjson, protocol, runCli } from './run-cli.ts'

interface MessageVector {
  readonly api: string
  readonly name: string
  readonly type: 'request' | 'response' | 'header' | 'data'
  readonly version: number
  readonly mode: string
  readonly json: unknown
  readonly unknownTaggedFields?: readonly unknown[]
  readonly hex: string
}

/** Every `step`th vector of those that are all JSON: unknown tagged fields are not part of it. */
function some(type: MessageVector['type'], count: number): MessageVector[] {
  const all = vectors<MessageVector>('messages').filter(
    (vector) => vector.type === type && (vector.unknownTaggedFields ?? []).length === 0,
  )
  const step = Math.max(1, Math.floor(all.length / count))
  return all.filter((_, i) => i % step === 0).slice(0, count)
}

const sides = (['request', 'response'] as const).flatMap((type) => some(type, 40))
const data = some('data', 20)

describe('what Java wrote and read', () => {
  it.each(sides)('$name v$version $mode: JSON to bytes and back', async ({ api, ...vector }) => {
    const { type, version, hex } = vector
    const encoded = await runCli(
      [
        'protocol',
        'encode',
        api,
        `v${version}`,
        '-',
        '--body',
        ...(type === 'response' ? ['--response'] : []),
      ],
      { stdin: JSON.stringify(vector.json) },
    )
    expect(encoded).toEqual({ code: 0, out: `${hex}\n`, err: '' })

    const decoded = await runCli(
      [
        'protocol',
        'decode',
        '-',
        '--json',
        '--body',
        '--api',
        api,
        '--version',
        `${version}`,
        '--direction',
        type,
      ],
      { stdin: hex === '' ? Buffer.alloc(0) : hex },
    )
    if (hex === '') expect(decoded).toMatchObject({ code: 2, err: 'error: stdin is empty\n' })
    else {
      expect(decoded).toMatchObject({ code: 0, err: '' })
      expect(ndjson(decoded.out)).toMatchObject([{ direction: type, api, version, body: vector.json }])
    }
  })

  it.each(sides)(
    '$name v$version $mode: a whole frame, header and all',
    async ({ api, type, version, json }) => {
      const isResponse = type === 'response'
      const made = await runCli(
        [
          'protocol',
          'encode',
          api,
          `${version}`,
          '-',
          '--correlation-id',
          '-7',
          ...(isResponse ? ['--response'] : []),
        ],
        { stdin: JSON.stringify(json) },
      )
      expect(made.code).toBe(0)
      const options = isResponse ? ['--api', api, '--version', `${version}`] : []
      const { code, out, err } = await protocol('decode', '--json', made.out, ...options)
      expect({ code, err }).toEqual({ code: 0, err: '' })
      const header = isResponse
        ? { correlationId: -7 }
        : {
            correlationId: -7,
            ...(api === 'ControlledShutdown' && version === 0 ? {} : { clientId: 'kafkawire' }),
          }
      expect(ndjson(out)).toMatchObject([{ api, version, header, body: json }])
    },
  )

  it.each(data)('$name v$version $mode: embedded data, alone and behind its version', async (vector) => {
    const { name, version, hex, json } = vector
    const encoded = await protocol('encode', name, `${version}`, JSON.stringify(json))
    expect(encoded).toEqual({ code: 0, out: `${hex}\n`, err: '' })
    const alone = await protocol('decode', '--message', name, '--version', `${version}`, '--json', hex)
    const prefix = version.toString(16).padStart(4, '0')
    const behind = await protocol('decode', '--message', name, '--json', prefix + hex)
    for (const { code, out } of [alone, behind]) {
      expect(code).toBe(0)
      expect(ndjson(out)).toEqual([{ message: name, version, body: json }])
    }
  })
})

interface RecordsVector {
  readonly label: string
  readonly outcome: 'ok' | 'error'
  readonly trailingBytes?: number
  readonly batches: readonly Record<string, unknown>[]
  readonly hex: string
}

describe('record batches that Java wrote', () => {
  const all = vectors<RecordsVector>('records')
  const whole = all.filter(({ outcome, hex }) => outcome === 'ok' && hex !== '').filter((_, i) => i % 8 === 0)

  it.each(whole)('$label: the values that Java reads', async ({ batches, trailingBytes, hex }) => {
    const { code, out } = await runCli(['protocol', 'decode', '--records', '--json', '-'], { stdin: hex })
    expect(code).toBe(0)
    const read = ndjson(out)
    // `valid` is a question to Java: here a checksum that is wrong is an error.
    const expected: object[] = batches.map(({ valid: _, ...batch }) => batch)
    if (trailingBytes) expected.push({ trailingBytes })
    expect(read).toMatchObject(expected)
    expect(read).toHaveLength(expected.length)
  })

  const corrupt = all.filter(({ label }) => /crc-corrupt/.test(label)).slice(0, 1)
  it.each(corrupt)('$label: exit code 1, and the other batches all the same', async ({ hex }) => {
    const json = await protocol('decode', '--records', '--json', hex)
    expect(json.code).toBe(1)
    const errors = ndjson(json.out).map(({ error }) => error !== undefined)
    expect(errors.filter((isError) => isError)).toHaveLength(1)
    expect(errors[0]).toBe(false)
    const dump = await protocol('decode', '--records', hex)
    expect(dump.code).toBe(1)
    expect(dump.out).toMatch(/^error at byte \d+: batches\[1\]/m)
  })
})
