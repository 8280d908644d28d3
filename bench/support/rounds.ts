import { performance } from 'node:perf_hooks'

/** One client's way to do an operation; awaited when it is asynchronous in that client. */
export type Candidate = () => unknown

const rounds = 7
const roundMs = 120

/**
 * Nanoseconds that one call of each candidate takes: the median of the rounds. Each round starts with another candidate,
 * so that what the machine does meanwhile, and what one leaves for the garbage collector, falls on all of them.
 */
export async function compare(candidates: ReadonlyMap<string, Candidate>): Promise<Map<string, number>> {
  const names = [...candidates.keys()]
  const times = new Map(names.map((name) => [name, [] as number[]]))
  // Round 0 is to warm up.
  for (let round = 0; round <= rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]!
      const nanoseconds = await measure(candidates.get(name)!)
      if (round > 0) times.get(name)!.push(nanoseconds)
    }
  }
  return new Map(Array.from(times, ([name, all]) => [name, all.sort((a, b) => a - b)[all.length >> 1]!]))
}

async function measure(run: Candidate): Promise<number> {
  const first = run()
  const isAsync = first instanceof Promise
  if (isAsync) await first
  const begun = performance.now()
  let calls = 0
  let ms = 0
  do {
    if (isAsync) await run()
    else run()
    calls++
    ms = performance.now() - begun
  } while (ms < roundMs)
  return (ms * 1e6) / calls
}
