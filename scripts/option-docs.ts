import { dirname, join } from 'node:path'
import ts from 'typescript'

/** An option as its interface documents it. */
export interface OptionDoc {
  readonly name: string
  /** As written in the source. */
  readonly type: string
  readonly isRequired: boolean
  /** The doc comment on one line, without its default. */
  readonly meaning: string
  /** What the doc comment says after `Default`, without backquotes; null when it says nothing. */
  readonly documentedDefault: string | null
}

const root = join(import.meta.dirname, '..')

/** The options of an exported interface, in the order of the source, those that it inherits left out. */
export function optionDocs(file: string, interfaceName: string): OptionDoc[] {
  const path = join(root, file)
  const text = ts.sys.readFile(path)
  if (text === undefined) throw new Error(`${path} is missing in ${dirname(path)}`)
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
  const found = source.statements.find(
    (one): one is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(one) && one.name.text === interfaceName,
  )
  if (found === undefined) throw new Error(`${file} has no interface ${interfaceName}`)
  return found.members.filter(ts.isPropertySignature).map((member) => {
    const name = member.name.getText(source)
    const comment = ts
      .getJSDocCommentsAndTags(member)
      .map((one) => ts.getTextOfJSDocComment(one.comment) ?? '')
      .join(' ')
      .replace(/\s+/g, ' ')
      .trim()
    if (comment === '') throw new Error(`${file}: ${interfaceName}.${name} has no doc comment`)
    const { meaning, documentedDefault } = splitDefault(comment)
    const type = (member.type?.getText(source) ?? 'unknown').replace(/\s+/g, ' ').replace(/^\| /, '')
    return {
      name,
      type: type.replace(/ \| undefined$/, ''),
      isRequired: member.questionToken === undefined,
      meaning,
      documentedDefault,
    }
  })
}

/** `Longest wait. Default 30000.` is the meaning `Longest wait.` and the default `30000`. */
function splitDefault(comment: string): { meaning: string; documentedDefault: string | null } {
  const match = /(?:^|\s)Default:? (.+?)\.?$/.exec(comment)
  if (match === null) return { meaning: comment, documentedDefault: null }
  return { meaning: comment.slice(0, match.index).trim(), documentedDefault: match[1]!.trim() }
}
