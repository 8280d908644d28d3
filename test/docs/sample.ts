import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..', '..')

/** A fenced block of a page. */
export interface Block {
  /** For instance `README.md:30`. */
  readonly place: string
  readonly language: string
  readonly text: string
  /** What the comment `<!-- sample: key=value ... -->` right before it says; null without one. */
  readonly needs: ReadonlyMap<string, string> | null
}

/** README.md, CHANGELOG.md and docs/*.md, relative to the root. */
export function pages(): string[] {
  const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
  return ['README.md', 'CHANGELOG.md', ...docs.sort().map((name) => `docs/${name}`)]
}

export function textOf(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

/** All fenced blocks of a page. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = []
  const lines = textOf(page).split('\n')
  let open: { line: number; language: string } | null = null
  for (const [at, line] of lines.entries()) {
    if (!line.startsWith('```')) continue
    if (open === null) {
      open = { line: at, language: line.slice(3).trim() }
      continue
    }
    const text = `${lines.slice(open.line + 1, at).join('\n')}\n`
    const needs = needsOf(lines[open.line - 1] ?? '')
    blocks.push({ place: `${page}:${open.line + 1}`, language: open.language, text, needs })
    open = null
  }
  if (open !== null) throw new Error(`${page}:${open.line + 1}: the block does not end`)
  return blocks
}

const knownNeeds = [
  'topics',
  'creates',
  'groups',
  'shareGroups',
  'records',
  'prints',
  'stop',
  'listener',
  'user',
  'kafka',
  'runner',
]

function needsOf(line: string): Map<string, string> | null {
  const comment = /^<!-- sample: (.*) -->$/.exec(line)
  if (comment === null) return null
  const needs = new Map<string, string>()
  for (const [, key = '', quoted, bare = ''] of comment[1]!.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)) {
    if (!knownNeeds.includes(key)) throw new Error(`${line}: ${key} is not among ${knownNeeds.join(', ')}`)
    needs.set(key, quoted ?? bare)
  }
  return needs
}

/** `a,b:3` with a default of 1 is a: 1, b: 3. */
export function counted(text: string | undefined): Map<string, number> {
  const entries = text === undefined ? [] : text.split(',')
  return new Map(
    entries.map((one) => {
      const [name = '', count = '1'] = one.split(':')
      return [name, Number(count)]
    }),
  )
}
