import { GroupError } from './group-error.ts'

/** What RE2 has and JavaScript writes otherwise. */
const posixClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}

/**
 * A member's `SubscribedTopicRegex`, in the syntax of RE2 as far as it is also JavaScript's, anchored at both ends: a topic
 * is matched as a whole.
 *
 * @throws GroupError INVALID_REGULAR_EXPRESSION, also for what RE2 leaves out: look-around, back-references.
 */
export function compileTopicRegex(regex: string): RegExp {
  try {
    const flags = /^\(\?([ims]+)\)/.exec(regex)
    const body = translate(flags === null ? regex : regex.slice(flags[0].length))
    return new RegExp(`^(?:${body})$`, flags?.[1] ?? '')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new GroupError(
      'INVALID_REGULAR_EXPRESSION',
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${error.message}.`,
    )
  }
}

/** The same in JavaScript's syntax. A SyntaxError says what RE2J says first of what it does not take. */
function translate(regex: string): string {
  let depth = 0
  let out = ''
  // Where there is nothing before that could be repeated.
  let isStart = true
  for (let i = 0; i < regex.length; ) {
    const char = regex[i]!
    let taken = char
    let written = char
    if (char === '\\') {
      taken = regex.slice(i, i + 2)
      if (taken.length < 2) throw new SyntaxError('trailing backslash at end of expression')
      if (/[1-9]/.test(taken)) throw new SyntaxError(`invalid escape sequence: \`${taken}\``)
      written = taken === '\\A' ? '^' : taken === '\\z' ? '$' : taken
    } else if (char === '[') {
      taken = regex.slice(i, classEnd(regex, i) + 1)
      written = translateClass(taken)
    } else if (char === '(') {
      depth++
      if (regex[i + 1] === '?') {
        taken = /^\(\?(:|P?<\w+>)/.exec(regex.slice(i))?.[0] ?? ''
        if (taken === '') throw new SyntaxError('invalid or unsupported Perl syntax')
        written = taken.replace('P<', '<')
      }
    } else if (char === ')') {
      if (depth === 0) throw new SyntaxError('regexp/syntax: internal error')
      depth--
    } else if ('*+?'.includes(char) && isStart) {
      throw new SyntaxError('missing argument to repetition operator')
    }
    isStart = char === '(' || char === '|'
    out += written
    i += taken.length
  }
  if (depth > 0) throw new SyntaxError('missing closing )')
  return out
}

/** Index of the bracket that ends the class that begins at `start`. */
function classEnd(regex: string, start: number): number {
  let i = start + 1
  if (regex[i] === '^') i++
  // A bracket that comes first stands for itself.
  if (regex[i] === ']') i++
  for (; i < regex.length; i++) {
    if (regex[i] === '\\') i++
    else if (regex.startsWith('[:', i)) i = Math.max(i, regex.indexOf(':]', i) + 1)
    else if (regex[i] === ']') return i
  }
  throw new SyntaxError('missing closing ]')
}

function translateClass(text: string): string {
  return text
    .replace(/^\[(\^?)\]/, '[$1\\]')
    .replace(/\[:(\w+):\]/g, (whole, name: string) => posixClasses[name] ?? whole)
}
