/** What is wrong with a topic's name, in Kafka's words (Java's `Topic.validate`); null when nothing is. */
export function topicNameProblem(name: string): string | null {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name === '.' || name === '..') return `Topic name is invalid: '${name}' is not allowed`
  if (name.length > 249) {
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length 249`
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return null
}

export function isValidTopicName(name: string): boolean {
  return topicNameProblem(name) === null
}

/** Names that differ in `.` and `_` alone would be one in Kafka's metrics, so they may not both exist. */
export function collidingName(name: string, existing: Iterable<{ readonly name: string }>): string | null {
  const unified = name.replaceAll('.', '_')
  for (const other of existing) {
    if (other.name !== name && other.name.replaceAll('.', '_') === unified) return other.name
  }
  return null
}
