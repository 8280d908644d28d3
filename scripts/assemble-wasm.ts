/**
 * Assembles WebAssembly text: the part of the format that our modules use, all instructions folded, with names instead of
 * numbers, one memory. Anything else is an error that tells the line. The bytes are those that `wat2wasm` makes.
 */
import { leb, signedLeb } from '../src/protocol/leb128.ts'

type Form = Atom | List

interface Atom {
  text: string
  line: number
}

interface List {
  items: Form[]
  line: number
}

interface Context {
  functions: readonly string[]
  locals: readonly string[]
  /** Names of the blocks around, the innermost first; of one without a name the empty text. */
  labels: readonly string[]
}

const types = new Map([
  ['i32', 0x7f],
  ['i64', 0x7e],
  ['v128', 0x7b],
])

const emptyBlock = 0x40
const end = 0x0b

/** Instructions that take no more than their operands. */
const plain = new Map<string, number[]>([
  ['return', [0x0f]],
  ['select', [0x1b]],
  ['i32.eqz', [0x45]],
  ['i32.eq', [0x46]],
  ['i32.ne', [0x47]],
  ['i32.lt_s', [0x48]],
  ['i32.lt_u', [0x49]],
  ['i32.gt_s', [0x4a]],
  ['i32.gt_u', [0x4b]],
  ['i32.le_u', [0x4d]],
  ['i32.ge_u', [0x4f]],
  ['i64.eqz', [0x50]],
  ['i32.add', [0x6a]],
  ['i32.sub', [0x6b]],
  ['i32.mul', [0x6c]],
  ['i32.and', [0x71]],
  ['i32.or', [0x72]],
  ['i32.xor', [0x73]],
  ['i32.shl', [0x74]],
  ['i32.shr_u', [0x76]],
  ['i32.rotl', [0x77]],
  ['i64.ctz', [0x7a]],
  ['i64.xor', [0x85]],
  ['i64.shr_u', [0x88]],
  ['i32.wrap_i64', [0xa7]],
  ['memory.copy', [0xfc, 10, 0, 0]],
  ['memory.fill', [0xfc, 11, 0]],
])

/** Loads and stores, each with the binary logarithm of its width, which is how it is said to be aligned. */
const memoryAccess = new Map<string, { code: number[]; align: number }>([
  ['i32.load', { code: [0x28], align: 2 }],
  ['i64.load', { code: [0x29], align: 3 }],
  ['i32.load8_u', { code: [0x2d], align: 0 }],
  ['i32.load16_u', { code: [0x2f], align: 1 }],
  ['i32.store8', { code: [0x3a], align: 0 }],
  ['i32.store16', { code: [0x3b], align: 1 }],
  ['v128.load', { code: [0xfd, 0], align: 4 }],
  ['v128.store', { code: [0xfd, 11], align: 4 }],
])

/** The bytes of a module. Throws Error with the line where the text is not understood. */
export function assembleWasm(text: string): Uint8Array {
  const module = parse(text)
  const fields = listItems(module, 'module')
  const functions = fields.filter((field) => headOf(field) === 'func') as List[]
  const names = functions.map(({ items }) => (isAtom(items[1]!) ? items[1].text : ''))
  const signatures: number[][] = []
  const typeIndexes: number[] = []
  const exports: number[][] = []
  const memories: number[][] = []
  const bodies: number[][] = []
  for (const field of fields) {
    if (headOf(field) === 'memory') {
      const [, exported, pages] = (field as List).items
      memories.push([0, ...leb(integer(pages!))])
      exports.push([...exportedName(exported!), 2, 0])
    } else if (headOf(field) === 'func') {
      const { exportName, signature, body } = functionOf(field as List, names)
      if (exportName !== null) exports.push([...exportName, 0, ...leb(bodies.length)])
      let type = signatures.findIndex((one) => String(one) === String(signature))
      if (type < 0) type = signatures.push(signature) - 1
      typeIndexes.push(type)
      bodies.push([...leb(body.length), ...body])
    } else {
      throw problem(field, 'neither a memory nor a function')
    }
  }
  const section = (id: number, entries: number[][]) => {
    const content = [...leb(entries.length), ...entries.flat()]
    return [id, ...leb(content.length), ...content]
  }
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, signatures),
    ...section(3, typeIndexes.map(leb)),
    ...section(5, memories),
    ...section(7, exports),
    ...section(10, bodies),
  ])
}

function functionOf({ items }: List, functions: readonly string[]) {
  const rest = items.slice(isAtom(items[1]!) ? 2 : 1)
  const params: number[] = []
  const results: number[] = []
  const locals: number[] = []
  const names: string[] = []
  let exportName: number[] | null = null
  let at = 0
  for (; at < rest.length; at++) {
    const form = rest[at]!
    const head = headOf(form)
    if (head === 'export') exportName = exportedName(form)
    else if (head === 'result') results.push(typeOf((form as List).items[1]!))
    else if (head === 'param' || head === 'local') {
      const [, name, type] = (form as List).items
      names.push(word(name!))
      ;(head === 'param' ? params : locals).push(typeOf(type!))
    } else break
  }
  // Locals of one type that follow each other are declared together.
  const groups: [count: number, type: number][] = []
  for (const type of locals) {
    if (groups.at(-1)?.[1] === type) groups.at(-1)![0]++
    else groups.push([1, type])
  }
  const code = sequence(rest.slice(at), { functions, locals: names, labels: [] })
  return {
    exportName,
    signature: [0x60, ...leb(params.length), ...params, ...leb(results.length), ...results],
    body: [...leb(groups.length), ...groups.flatMap(([count, type]) => [...leb(count), type]), ...code, end],
  }
}

function sequence(forms: readonly Form[], context: Context): number[] {
  return forms.flatMap((form) => instruction(form, context))
}

function instruction(form: Form, context: Context): number[] {
  const [head, ...operands] = listItems(form)
  const name = word(head!)
  const simple = plain.get(name)
  if (simple !== undefined) return [...sequence(operands, context), ...simple]
  const access = memoryAccess.get(name)
  if (access !== undefined) {
    const [first] = operands
    const offset = first !== undefined && isAtom(first) ? /^offset=(\d+)$/.exec(first.text)?.[1] : undefined
    const addresses = sequence(offset === undefined ? operands : operands.slice(1), context)
    return [...addresses, ...access.code, access.align, ...leb(Number(offset ?? 0))]
  }
  const index = (names: readonly string[], at = 0) => indexOf(operands[at]!, names)
  switch (name) {
    case 'i32.const':
      // Written as unsigned numbers too.
      return [0x41, ...signedLeb(integer(operands[0]!) | 0)]
    case 'i64.const':
      return [0x42, ...signedLeb(integer(operands[0]!))]
    case 'local.get':
      return [0x20, ...index(context.locals)]
    case 'local.set':
      return [...sequence(operands.slice(1), context), 0x21, ...index(context.locals)]
    case 'call':
      return [...sequence(operands.slice(1), context), 0x10, ...index(context.functions)]
    case 'br':
      return [0x0c, ...index(context.labels)]
    case 'br_if':
      return [...sequence(operands.slice(1), context), 0x0d, ...index(context.labels)]
    case 'br_table': {
      const labels = operands.filter(isAtom).map((label) => indexOf(label, context.labels))
      const choice = operands.filter((operand) => !isAtom(operand))
      return [...sequence(choice, context), 0x0e, ...leb(labels.length - 1), ...labels.flat()]
    }
    case 'block':
    case 'loop': {
      const label = operands[0] !== undefined && isAtom(operands[0]) ? operands[0].text : ''
      const inside = { ...context, labels: [label, ...context.labels] }
      const body = sequence(label === '' ? operands : operands.slice(1), inside)
      return [name === 'block' ? 0x02 : 0x03, emptyBlock, ...body, end]
    }
    case 'if': {
      const inside = { ...context, labels: ['', ...context.labels] }
      const parts = new Map(operands.map((operand) => [headOf(operand), operand]))
      if (!parts.has('then')) throw problem(form, 'an if without then')
      const condition = operands.filter((operand) => !['then', 'else'].includes(headOf(operand)))
      const branch = (part: string) => sequence(listItems(parts.get(part)!, part), inside)
      const otherwise = parts.has('else') ? [0x05, ...branch('else')] : []
      return [...sequence(condition, context), 0x04, emptyBlock, ...branch('then'), ...otherwise, end]
    }
    default:
      throw problem(form, `the instruction ${name} is not known here`)
  }
}

/** The one form that the text holds. */
function parse(text: string): Form {
  const open: List[] = [{ items: [], line: 1 }]
  let line = 1
  for (const [token] of text.matchAll(/;;[^\n]*|\n|[()]|"[^"]*"|[^\s()]+/g)) {
    if (token === '\n') line++
    else if (token === '(') open.push({ items: [], line })
    else if (token === ')') {
      const closed = open.pop()!
      if (open.length === 0) throw problem(closed, 'a parenthesis closes none')
      open.at(-1)!.items.push(closed)
    } else if (!token.startsWith(';;')) open.at(-1)!.items.push({ text: token, line })
  }
  if (open.length !== 1) throw problem(open.at(-1)!, 'a parenthesis is not closed')
  const [only, more] = open[0]!.items
  if (only === undefined || more !== undefined) throw problem(more ?? open[0]!, 'not one module')
  return only
}

function isAtom(form: Form): form is Atom {
  return 'text' in form
}

function headOf(form: Form): string {
  return isAtom(form) || form.items.length === 0 ? '' : word(form.items[0]!)
}

/** Items of a list; with `head` what is behind that, which it must begin with. */
function listItems(form: Form, head?: string): Form[] {
  if (isAtom(form)) throw problem(form, `${form.text} stands where a list should`)
  if (head === undefined) return form.items
  if (headOf(form) !== head) throw problem(form, `no ${head}`)
  return form.items.slice(1)
}

function word(form: Form): string {
  if (!isAtom(form)) throw problem(form, 'a list where a word should be')
  return form.text
}

function integer(form: Form): number {
  const value = Number(word(form))
  if (!Number.isInteger(value)) throw problem(form, `${word(form)} is no integer`)
  return value
}

function typeOf(form: Form): number {
  const type = types.get(word(form))
  if (type === undefined) throw problem(form, `${word(form)} is no type; types are ${[...types.keys()]}`)
  return type
}

function indexOf(form: Form, names: readonly string[]): number[] {
  const index = names.indexOf(word(form))
  if (index < 0) throw problem(form, `${word(form)} is not declared; declared are ${names.join(' ')}`)
  return leb(index)
}

function exportedName(form: Form): number[] {
  const bytes = Buffer.from(word(listItems(form, 'export')[0]!).slice(1, -1))
  return [...leb(bytes.length), ...bytes]
}

function problem({ line }: Form, reason: string): Error {
  return new Error(`line ${line}: ${reason}`)
}
