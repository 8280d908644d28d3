import { describe, expect, expectTypeOf, it } from 'vitest'
import * as z from 'zod/mini'
import { json, type Serde, type StandardSchema, string } from '../src/serializers.ts'

const context = { topic: 't', isKey: false }
const bytes = (text: string) => Buffer.from(text)

describe('string', () => {
  it('is UTF-8 both ways', () => {
    expect(string.serialize('gr\u00fc\u00df', context)).toBe('gr\u00fc\u00df')
    expect(string.deserialize(bytes('gr\u00fc\u00df'), context)).toBe('gr\u00fc\u00df')
  })
})

describe('json without a schema', () => {
  it('takes and gives any JSON', () => {
    const serde = json<{ a: number[] }>()
    expect(serde.serialize({ a: [1] }, context)).toBe('{"a":[1]}')
    expect(serde.deserialize(bytes('{"a":[1]}'), context)).toEqual({ a: [1] })
    expectTypeOf(serde).toEqualTypeOf<Serde<{ a: number[] }>>()
  })

  it('refuses what has no JSON form', () => {
    expect(() => json().serialize(undefined, context)).toThrow('undefined has no JSON form')
    expect(() => json().serialize(() => 1, context)).toThrow('a function has no JSON form')
    expect(() => json().serialize(1n, context)).toThrow(TypeError)
  })

  it('refuses bytes that are no JSON', () => {
    expect(() => json().deserialize(bytes('{'), context)).toThrow(SyntaxError)
  })
})

describe('json with a schema', () => {
  const order = z.object({ id: z.int(), lines: z.array(z.object({ sku: z.string() })) })

  it('checks on the way out and in', () => {
    const serde = json(order)
    expect(serde.serialize({ id: 1, lines: [] }, context)).toBe('{"id":1,"lines":[]}')
    expect(serde.deserialize(bytes('{"id":1,"lines":[{"sku":"x"}]}'), context)).toEqual({
      id: 1,
      lines: [{ sku: 'x' }],
    })
    expect(() => serde.serialize({ id: 1.5, lines: [] }, context)).toThrow(/not as the schema wants it: id: /)
    expect(() => serde.deserialize(bytes('{"id":1,"lines":[{"sku":2}]}'), context)).toThrow(/lines\.0\.sku: /)
  })

  it('is typed by the schema', () => {
    expectTypeOf(json(order)).toEqualTypeOf<Serde<z.input<typeof order>, z.output<typeof order>>>()
  })

  it('writes what it was given and reads what the schema makes of it', () => {
    const upper: StandardSchema<string, string> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) => ({ value: String(value).toUpperCase() }),
      },
    }
    expect(json(upper).serialize('abc', context)).toBe('"abc"')
    expect(json(upper).deserialize(bytes('"abc"'), context)).toBe('ABC')
  })

  it('tells each issue with its path', () => {
    const issues = [{ message: 'is wrong' }, { message: 'is odd', path: ['a', { key: 0 }, Symbol.for('b')] }]
    const failing: StandardSchema = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) },
    }
    expect(() => json(failing).serialize(1, context)).toThrow(
      'not as the schema wants it: is wrong; a.0.Symbol(b): is odd',
    )
  })

  it('refuses a schema that validates asynchronously, and handles its failure', async () => {
    const slow: StandardSchema = {
      '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('late')) },
    }
    expect(() => json(slow).serialize(1, context)).toThrow(/asynchronously/)
    // An unhandled rejection would fail the run.
    await new Promise((resolve) => setImmediate(resolve))
  })

  it("refuses it also when its promises are of the library's own making", () => {
    let isHandled = false
    class Deferred {
      // biome-ignore lint/suspicious/noThenProperty: a promise that is no Promise.
      then(_: unknown, onRejected: unknown) {
        isHandled = typeof onRejected === 'function'
      }
    }
    const own = new Deferred()
    const slow: StandardSchema = {
      '~standard': { version: 1, vendor: 'test', validate: () => own as unknown as Promise<never> },
    }
    expect(() => json(slow).serialize(1, context)).toThrow(/asynchronously/)
    expect(isHandled).toBe(true)
  })
})
