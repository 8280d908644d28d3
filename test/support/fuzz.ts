import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ProtocolError } from '../../src/protocol/errors.ts'
import { type FuzzTarget, fuzzTargets } from './fuzz-targets.ts'
import { mutate, SeededRandom } from './mutate.ts'

export interface FuzzOptions {
  /** The same seed and count give the same inputs. */
  seed: number
  /** Inputs to try; default: until `seconds` are over. */
  count?: number
  seconds?: number
  /** Tells how far it is, about every second. */
  onProgress?: (tried: number, failures: number) => void
}

export interface FuzzFailure {
  readonly target: string
  /** The damaged bytes. */
  readonly hex: string
  readonly error: unknown
}

export interface FuzzReport {
  readonly targets: number
  readonly tried: number
  /** Inputs that were decoded without an error: damage that means something else, or lies beyond the message. */
  readonly accepted: number
  /** Inputs that were refused, by the code of the error. */
  readonly refused: Readonly<Record<string, number>>
  readonly failures: readonly FuzzFailure[]
  readonly ms: number
  readonly slowest: { readonly target: string; readonly ms: number }
  /** What the heap and the memory beside it grew by after the warm-up, both collected. */
  readonly grownBytes: number
}

/** Failures that are kept; a broken decoder would else fill the memory with them. */
const keptFailures = 20

/** Times that every vector is damaged and decoded before anything counts. */
const warmUpRounds = 3

/** Damages vectors and decodes them. Anything but a value or a ProtocolError is a failure. */
export async function fuzz({ seed, count, seconds, onProgress }: FuzzOptions): Promise<FuzzReport> {
  const targets = fuzzTargets()
  const random = new SeededRandom(seed)
  const end = count ?? Number.POSITIVE_INFINITY
  const begun = performance.now()
  const deadline = begun + (seconds ?? Number.POSITIVE_INFINITY) * 1000
  const refused: Record<string, number> = {}
  const failures: FuzzFailure[] = []
  let accepted = 0
  let tried = 0
  let slowest = { target: '', ms: 0 }
  let told = begun
  // Makes the codecs of all versions and lets the engine compile the hot paths: what that takes is there for good.
  for (let round = 0; round < warmUpRounds; round++) {
    for (const target of targets) outcomeOf(target, mutate(target.bytes, target.bytes, random), random)
  }
  const heldAtStart = await heldBytes()
  for (let now = begun; tried < end && now < deadline; tried++) {
    const target = random.pick(targets)
    const bytes = mutate(target.bytes, random.pick(targets).bytes, random)
    const start = performance.now()
    const outcome = outcomeOf(target, bytes, random)
    now = performance.now()
    if (now - start > slowest.ms) slowest = { target: target.name, ms: now - start }
    if (outcome === null) accepted++
    else if (outcome instanceof ProtocolError) refused[outcome.code] = (refused[outcome.code] ?? 0) + 1
    else if (failures.length < keptFailures) {
      failures.push({ target: target.name, hex: Buffer.from(bytes).toString('hex'), error: outcome })
    }
    // What node:zlib has decompressed stays until the turn is over.
    if (tried % 1000 === 999) await nextTurn()
    if (onProgress !== undefined && now - told > 1000) {
      told = now
      onProgress(tried, failures.length)
    }
  }
  const ms = performance.now() - begun
  const grownBytes = (await heldBytes()) - heldAtStart
  return { targets: targets.length, tried, accepted, refused, failures, ms, slowest, grownBytes }
}

/** What was thrown; null when the bytes were accepted. */
function outcomeOf(target: FuzzTarget, bytes: Uint8Array, random: SeededRandom): unknown {
  try {
    target.decode(bytes, random)
    return null
  } catch (error) {
    return error ?? new Error('nothing was thrown, which is not an error')
  }
}

/** Bytes that are in use once the garbage is gone. */
async function heldBytes(): Promise<number> {
  collectGarbage ??= exposedGc()
  await nextTurn()
  collectGarbage()
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

let collectGarbage: (() => void) | undefined

/** Node hands it out only at start; a context made after the flag is set has it too. */
function exposedGc(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
