import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/protocol/errors.ts'
import {
  VarintReader,
  varintSize,
  varlongSize,
  writeVarint,
  writeVarlong,
} from '../../src/protocol/varint.ts'
import { vectors } from '../support/vectors.ts'

interface VarintVector {
  type: string
  value: string
  hex: string
  malformed?: true
  accepted?: boolean
  note?: string
  bytesRead?: number
}

const primitives = vectors<VarintVector>('primitives')
const varints = primitives.filter(({ type, malformed }) => type === 'varint' && !malformed)
const varlongs = primitives.filter(({ type, malformed }) => type === 'varlong' && !malformed)
const malformed = primitives.filter(
  ({ type, malformed }) => malformed && (type === 'varint' || type === 'varlong'),
)

function written(write: (bytes: Uint8Array) => number): string {
  const bytes = Buffer.alloc(16)
  return bytes.toString('hex', 0, write(bytes))
}

describe('zigzag varints', () => {
  test(`agree with Java on ${varints.length} varint vectors`, () => {
    expect(varints.length).toBeGreaterThan(0)
    for (const { value, hex } of varints) {
      expect(written((bytes) => writeVarint(bytes, 0, Number(value)))).toBe(hex)
      expect(varintSize(Number(value))).toBe(hex.length / 2)
      const reader = new VarintReader(Buffer.from(hex, 'hex'))
      expect(reader.readVarint()).toBe(Number(value))
      expect(reader.position).toBe(hex.length / 2)
    }
  })

  test(`agree with Java on ${varlongs.length} varlong vectors`, () => {
    expect(varlongs.length).toBeGreaterThan(0)
    for (const { value, hex } of varlongs) {
      expect(written((bytes) => writeVarlong(bytes, 0, BigInt(value)))).toBe(hex)
      expect(varlongSize(BigInt(value))).toBe(hex.length / 2)
      const reader = new VarintReader(Buffer.from(hex, 'hex'))
      expect(reader.readVarlong()).toBe(BigInt(value))
      expect(reader.position).toBe(hex.length / 2)

      reader.position = 0
      expect(reader.readVarlongAsNumber()).toBe(Number(value))
      expect(reader.position).toBe(hex.length / 2)
      if (Number.isSafeInteger(Number(value))) {
        expect(written((bytes) => writeVarint(bytes, 0, Number(value)))).toBe(hex)
        expect(varintSize(Number(value))).toBe(hex.length / 2)
      }
    }
  })

  test(`are refused or accepted as by Java in ${malformed.length} malformed vectors`, () => {
    expect(malformed.length).toBeGreaterThan(0)
    for (const { type, hex, accepted, value, bytesRead, note } of malformed) {
      const reader = new VarintReader(Buffer.from(hex, 'hex'))
      const read = () => (type === 'varint' ? reader.readVarint() : reader.readVarlong())
      if (accepted) {
        expect(String(read()), note).toBe(value)
        expect(reader.position, note).toBe(bytesRead)
      } else {
        expect(read, note).toThrow(ProtocolError)
        reader.position = 0
        if (type === 'varlong') expect(() => reader.readVarlongAsNumber(), note).toThrow(ProtocolError)
      }
    }
  })

  test('come back as they were for any safe integer, with the size that was told', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(50), (wide, shift) => {
        const value = Math.trunc(wide / 2 ** shift)
        const bytes = Buffer.alloc(10)
        const end = writeVarint(bytes, 0, value)
        expect(varintSize(value)).toBe(end)
        const reader = new VarintReader(bytes, 0, end)
        expect(reader.readVarlongAsNumber()).toBe(value + 0)
        reader.position = 0
        expect(reader.readVarlong()).toBe(BigInt(value))
        if (value === (value | 0)) {
          reader.position = 0
          expect(reader.readVarint()).toBe(value + 0)
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('are not read beyond the end that was given, though there are bytes', () => {
    const reader = new VarintReader(Uint8Array.of(0x80, 0x80, 0x01), 0, 2)
    expect(() => reader.readVarlongAsNumber()).toThrow('the bytes end within a varint at byte 2')
    reader.position = 2
    expect(() => reader.readVarint()).toThrow('the bytes end within a varint at byte 2')
  })
})
