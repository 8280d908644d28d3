import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { assembleWasm } from '../../../../scripts/assemble-wasm.ts'
import { compiledWasm, wasmModuleFile, wasmModules } from '../../../../scripts/compile-wasm.ts'
import { compressModule } from '../../../../src/protocol/compression/wasm/compress-module.ts'
import { expandModule } from '../../../../src/protocol/compression/wasm/expand-module.ts'

/** By wat2wasm, of the text in the test. */
const expectedHex = [
  '0061736d01000000010c0260017f017f60027f7f017f03030200010503010002071002066d656d6f727902000372756e',
  '00010a6402070020004101740b5a02017f027e02400340200020014f0d0120002903c8012103200350044020002000fd',
  '000410fd0b04000541b1f3ddf1790f0b0240024020002d00000e0100010b0b2000100021000c000b0b410041bf7f4180',
  '8002fc0b0020020b',
].join('')

describe('the modules', () => {
  test.each(wasmModules)('%s is what its text compiles to', async (name) => {
    expect(await readFile(wasmModuleFile(name), 'utf8')).toBe(await compiledWasm(name))
  })

  test('are small', () => {
    expect(Buffer.from(compressModule, 'base64').length).toBeLessThan(1600)
    expect(Buffer.from(expandModule, 'base64').length).toBeLessThan(1100)
  })
})

describe('assembleWasm', () => {
  test('makes the bytes that wat2wasm 1.0.39 makes', () => {
    const text = `;; a comment
      (module
        (memory (export "memory") 2)
        (func $twice (param $a i32) (result i32) (i32.shl (local.get $a) (i32.const 1)))
        (func (export "run") (param $p i32) (param $end i32) (result i32)
          (local $a i32) (local $b i64) (local $c i64)
          (block $done
            (loop $next
              (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
              (local.set $b (i64.load offset=200 (local.get $p)))
              (if (i64.eqz (local.get $b))
                (then (v128.store (local.get $p) (v128.load offset=16 (local.get $p))))
                (else (return (i32.const 0x9e3779b1))))
              (block $one (block $zero (br_table $zero $one (i32.load8_u (local.get $p)))))
              (local.set $p (call $twice (local.get $p)))
              (br $next)))
          (memory.fill (i32.const 0) (i32.const -65) (i32.const 32768))
          (local.get $a)))`
    expect(Buffer.from(assembleWasm(text)).toString('hex')).toBe(expectedHex)
  })

  test.each([
    ['(module\n  (func (nonsense)))', 'line 2: the instruction nonsense is not known here'],
    ['(module (func (local.get $a)))', 'line 1: $a is not declared; declared are '],
    ['(module (func (br $a)))', 'line 1: $a is not declared'],
    ['(module (func (param $a f32)))', 'line 1: f32 is no type; types are i32,i64,v128'],
    ['(module\n(func (i32.const one)))', 'line 2: one is no integer'],
    ['(module\n(func (if (i32.const 1))))', 'line 2: an if without then'],
    ['(module\n(table 1))', 'line 2: neither a memory nor a function'],
    ['(module', 'a parenthesis is not closed'],
    ['(module))', 'a parenthesis closes none'],
    ['(module) (module)', 'not one module'],
    ['(func)', 'no module'],
  ])('refuses %j, and says where', (text, message) => {
    expect(() => assembleWasm(text)).toThrow(message)
  })
})
