import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url))

export interface Import {
  /** Relative to the project, as `src/errors.ts`; a bare specifier as it is. */
  readonly target: string
  /** Vanishes when compiled. */
  readonly typeOnly: boolean
}

export interface SourceFile {
  /** Relative to the project, with slashes: `src/network/dial.ts`. */
  readonly path: string
  readonly lines: number
  /** Of import and export declarations; `import()` is another matter. */
  readonly imports: readonly Import[]
}

/** All TypeScript files of `src`. */
export function sourceFiles(): SourceFile[] {
  return readdirSync(join(projectRoot, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(join(projectRoot, 'src', name)))
}

function read(file: string): SourceFile {
  const text = readFileSync(file, 'utf8')
  const imports: Import[] = []
  for (const statement of ts.createSourceFile(file, text, ts.ScriptTarget.Latest).statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue
    const { moduleSpecifier } = statement
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) continue
    const { text: target } = moduleSpecifier
    imports.push({
      target: target.startsWith('.') ? inProject(resolve(dirname(file), target)) : target,
      typeOnly: ts.isImportDeclaration(statement)
        ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : statement.isTypeOnly,
    })
  }
  return { path: inProject(file), lines: text.split('\n').length - 1, imports }
}

function inProject(path: string): string {
  return relative(projectRoot, path).replaceAll('\\', '/')
}
