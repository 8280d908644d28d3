/** Numbers from 0 up to 2^32 that look random and are the same in each run (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

function noise(size: number): Buffer {
  const next = randomNumbers(size)
  return Buffer.from(Uint8Array.from({ length: size }, () => next()))
}

/** Lines of JSON as services write them: names repeat, numbers and ids do not. */
function jsonLines(size: number): Buffer {
  const next = randomNumbers(7)
  const names = ['alice', 'bob', 'carol', 'dave', 'eve', 'frank']
  let text = ''
  for (let i = 0; text.length < size; i++) {
    text += `{"id":${i},"user":"${names[next() % 6]}","amount":${next() % 100_000},"trace":"${next().toString(16)}"}\n`
  }
  return Buffer.from(text.slice(0, size))
}

/** Bytes of few values and no repetition to speak of: entropy coding alone helps. */
function skewed(size: number): Buffer {
  const next = randomNumbers(11)
  return Buffer.from(Uint8Array.from({ length: size }, () => Math.clz32(next()) * 7 + (next() & 1)))
}

/** Blocks of noise that come again much later. */
function farRepeats(size: number): Buffer {
  const next = randomNumbers(13)
  const parts = Array.from({ length: 6 }, (_, i) => noise(2000 + i))
  const chosen: Buffer[] = []
  for (let length = 0; length < size; length += chosen.at(-1)!.length) chosen.push(parts[next() % 6]!)
  return Buffer.concat(chosen).subarray(0, size)
}

const makers = {
  nothing: () => Buffer.alloc(0),
  'one byte': () => Buffer.from('k'),
  'a short text': () => Buffer.from('kafka, kafka, kafka and more kafka'),
  zeros: () => Buffer.alloc(300_000),
  'a short period': () => Buffer.from('abc'.repeat(50_000)),
  noise: () => noise(10_000),
  'json lines': () => jsonLines(140_000),
  'few json lines': () => jsonLines(900),
  'skewed bytes': () => skewed(30_000),
  'far repeats': () => farRepeats(300_000),
  'noise in zeros': () => Buffer.concat([Buffer.alloc(70_000), noise(5000), Buffer.alloc(70_000)]),
}

export type SampleName = keyof typeof makers

/** What is compressed in tests, by name. */
export const samples = Object.entries(makers).map(([name, make]) => ({
  name: name as SampleName,
  bytes: make(),
}))

export function sample(name: SampleName): Buffer {
  return makers[name]()
}
