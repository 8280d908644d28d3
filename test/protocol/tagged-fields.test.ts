import { describe, expect, it, test } from 'vitest'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { ByteWriter } from '../../src/protocol/byte-writer.ts'
import { message } from '../../src/protocol/message.ts'
import * as schema from '../../src/protocol/schema.ts'

const tagged = message('Tagged', {
  versions: '0-2',
  flexible: '1+',
  fields: {
    plain: schema.int8(),
    known: schema.int32('2+', { tag: 3, tagged: '2+', ignorable: true }),
  },
})

const data = Uint8Array.of(7)
const encode = (version: number, unknownTaggedFields: unknown) =>
  Buffer.from(tagged.encode(version, { unknownTaggedFields } as never)).toString('hex')

describe('unknown tagged fields', () => {
  it('are written in the order of their tags, among those that are known', () => {
    const fields = [
      { tag: 0x7fffffff, data },
      { tag: 0, data },
    ]
    expect(encode(1, fields)).toBe('00' + '02' + '000107' + 'ffffffff07' + '0107')
    const both = tagged.encode(2, { known: 9, unknownTaggedFields: fields })
    expect(Buffer.from(both).toString('hex')).toBe('00' + '03' + '000107' + '030400000009' + 'ffffffff070107')
    expect(tagged.decode(1, tagged.encode(1, { unknownTaggedFields: fields })).unknownTaggedFields).toEqual(
      [...fields].reverse(),
    )
  })

  it.each<[string, unknown, string]>([
    ['a negative tag', [{ tag: -1, data }], '[0]: tag -1, allowed are 0 to 2147483647'],
    ['NaN', [{ tag: Number.NaN, data }], '[0]: tag NaN, allowed are 0 to 2147483647'],
    ['a fraction', [{ tag: 1.5, data }], '[0]: tag 1.5, allowed are 0 to 2147483647'],
    ['a tag beyond int32', [{ tag: 2 ** 31, data }], '[0]: tag 2147483648, allowed are 0 to 2147483647'],
    ['a tag of 2^32', [{ tag: 2 ** 32, data }], '[0]: tag 4294967296, allowed are 0 to 2147483647'],
    ['a tag that is text', [{ tag: '5', data }], '[0]: tag 5, allowed are 0 to 2147483647'],
    [
      'a tag twice',
      [
        { tag: 5, data },
        { tag: 4, data },
        { tag: 5, data },
      ],
      '[2]: tag 5 is there twice',
    ],
    ['data that is no bytes', [{ tag: 5, data: 'abc' }], '[0]: a Uint8Array expected as data, got string'],
    ['no data', [{ tag: 5 }], '[0]: a Uint8Array expected as data, got undefined'],
    ['null among them', [null], '[0]: an object expected, got null'],
    ['no array', { tag: 5, data }, ': an array expected, got object'],
  ])('are refused with %s', (_, fields, reason) => {
    expect(() => encode(1, fields)).toThrow(
      expect.objectContaining({ code: 'UNENCODABLE', message: `unknownTaggedFields${reason}` }),
    )
  })

  it('are refused with the tag of a declared field, in versions that have it alone', () => {
    expect(encode(1, [{ tag: 3, data }])).toBe('0001030107')
    expect(() => encode(2, [{ tag: 3, data }])).toThrow(
      'unknownTaggedFields[0]: tag 3 belongs to a declared field',
    )
  })

  it('are refused in versions without any, and named with the path to them', () => {
    expect(() => encode(0, [{ tag: 5, data }])).toThrow('unknownTaggedFields: version 0 has no tagged fields')
    const topics = [{ name: 'a' }, { name: 'b', unknownTaggedFields: [{ tag: -5, data }] }]
    expect(() => metadata.request.encode(12, { topics })).toThrow(
      'topics[1].unknownTaggedFields[0]: tag -5, allowed are 0 to 2147483647',
    )
  })
})

test('a varint that is no uint32 is an error, never wrapped', () => {
  for (const value of [-1, 2 ** 32, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => new ByteWriter().uvarint(value)).toThrow(
      expect.objectContaining({ code: 'UNENCODABLE', message: `uint32 (a varint) expected, got ${value}` }),
    )
  }
  const writer = new ByteWriter()
  writer.uvarint(0xffffffff)
  expect(Buffer.from(writer.toBytes()).toString('hex')).toBe('ffffffff0f')
})
