import { Conversation, type Exchange } from './conversation.ts'
import { type Difference, differences } from './differences.ts'
import type { DifferentialCase } from './differential-case.ts'

export interface CaseResult {
  readonly differences: readonly Difference[]
  readonly memory: readonly Exchange[]
  readonly kafka: readonly Exchange[]
}

let cases = 0

/** Has the same conversation with both, and says what differs. */
export async function runCase(
  { api, talk }: DifferentialCase,
  version: number,
  addresses: { readonly memory: string; readonly kafka: string },
  run: string,
): Promise<CaseResult> {
  const suffix = `${run}-${++cases}`
  const converse = async (address: string): Promise<Exchange[]> => {
    await using conversation = new Conversation(address, api, version, suffix)
    await talk(conversation)
    return conversation.exchanges
  }
  const [memory, kafka] = await Promise.all([converse(addresses.memory), converse(addresses.kafka)])
  return { differences: differences(memory, kafka), memory, kafka }
}
