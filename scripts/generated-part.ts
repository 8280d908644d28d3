const end = '<!-- end of what is generated -->'

/** The page with `text` between the mark and the next end of what is generated. Throws when they are not there. */
export function withGeneratedPart(page: string, begin: string, text: string): string {
  const at = page.indexOf(`${begin}\n`)
  const endAt = page.indexOf(end, at)
  if (at < 0 || endAt < 0) throw new Error(`the page lacks the marks ${begin} and ${end}`)
  return `${page.slice(0, at)}${begin}\n\n${text}\n\n${page.slice(endAt)}`
}
