import type { Exchange } from './conversation.ts'

/** A place at which the two Kafkas did not say the same. */
export interface Difference {
  /** For instance `#2 Produce v9 .responses[0].partitionResponses[0].errorCode`. */
  readonly at: string
  readonly memory: unknown
  readonly kafka: unknown
}

export function differences(memory: readonly Exchange[], kafka: readonly Exchange[]): Difference[] {
  const found: Difference[] = []
  for (let i = 0; i < Math.max(memory.length, kafka.length); i++) {
    const [mine, theirs] = [memory[i], kafka[i]]
    const at = `#${i + 1} ${(theirs ?? mine)!.request} `
    if (mine === undefined || theirs === undefined || mine.request !== theirs.request) {
      found.push({ at, memory: mine?.request, kafka: theirs?.request })
      break
    }
    compare(mine.answer, theirs.answer, at, found)
  }
  return found
}

function compare(memory: unknown, kafka: unknown, at: string, found: Difference[]): void {
  if (Array.isArray(memory) && Array.isArray(kafka)) {
    if (memory.length !== kafka.length) {
      found.push({ at: `${at}.length`, memory, kafka })
      return
    }
    for (const [i, one] of memory.entries()) compare(one, kafka[i], `${at}[${i}]`, found)
    return
  }
  if (isStruct(memory) && isStruct(kafka)) {
    for (const name of new Set([...Object.keys(memory), ...Object.keys(kafka)])) {
      compare(memory[name], kafka[name], `${at}.${name}`, found)
    }
    return
  }
  if (!Object.is(memory, kafka)) found.push({ at, memory, kafka })
}

function isStruct(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

export function formatDifference({ at, memory, kafka }: Difference): string {
  return `${at}\n    in memory: ${JSON.stringify(memory)}\n    Kafka:     ${JSON.stringify(kafka)}`
}
