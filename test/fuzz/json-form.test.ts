import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../../src/protocol/errors.ts'
import type { Json } from '../../src/protocol/json-form.ts'
import { message } from '../../src/protocol/message.ts'
import * as schema from '../../src/protocol/schema.ts'

const everyType = message('EveryType', {
  versions: '0',
  flexible: '0+',
  fields: {
    bool: schema.bool(),
    int16: schema.int16(),
    int64: schema.int64(),
    float64: schema.float64(),
    uuid: schema.uuid(),
    string: schema.string(),
    bytes: schema.bytes(),
    array: schema.array(schema.int32()),
    struct: schema.struct({ inner: schema.int8() }),
  },
})

const wrong: Readonly<Record<keyof typeof everyType.fields, readonly Json[]>> = {
  bool: [null, 0, 1, 'true', [], {}],
  int16: [null, true, '1', 1.5, 32_768, -32_769, [], {}],
  int64: [null, true, 1.5, '', '1.5', '0x10', '9223372036854775808', [], {}],
  float64: [null, true, '', '1.5', 'nan', [], [1], {}],
  uuid: [null, true, 7, '', 'AAAA', 'AAAAAAAAAAAAAAAAAAAAA*', [], {}],
  string: [null, true, 7, [], {}],
  bytes: [null, true, 7, 'a', '***', [], {}],
  array: [null, true, 7, 'a', {}, ['1'], [null], [[]]],
  struct: [null, true, 7, 'a', [], { unknown: 1 }, { inner: 128 }],
}

describe('the JSON form', () => {
  it.each(Object.entries(wrong))(
    'of a %s is refused with the name of the field when it is none',
    (name, values) => {
      for (const value of values) {
        const encode = () => everyType.encode(0, everyType.fromJson(0, { [name]: value }))
        expect(encode, JSON.stringify(value)).toThrow(ProtocolError)
        expect(encode, JSON.stringify(value)).toThrow(new RegExp(`^${name}`))
      }
    },
  )
})
