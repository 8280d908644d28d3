import { beforeAll, describe, it } from 'vitest'
import { javaIsAvailable } from '../real-kafka/availability.ts'
import { kafkaJars } from '../real-kafka/kafka-jars.ts'
import { kcatPath } from './kcat.ts'
import { pythonPath } from './python.ts'

const clients = {
  kcat: {
    isThere: async () => (await kcatPath()) !== null,
    howToGet: 'kcat on PATH (.ci/install-interop installs it)',
  },
  python: {
    isThere: async () => pythonPath() !== null,
    howToGet: 'confluent-kafka for Python in .cache/python (.ci/install-interop installs it)',
  },
  java: { isThere: async () => javaIsAvailable(), howToGet: 'Java 17 and Maven' },
} as const

/**
 * `describe` for tests of somebody else's client. Where it is missing they are skipped with a line that says how to get
 * it; with `KAFKAWIRE_REQUIRE_KAFKA=1` they fail.
 */
export async function describeClient(
  client: keyof typeof clients,
  name: string,
  fn: () => void,
): Promise<void> {
  const { isThere, howToGet } = clients[client]
  const isAvailable = await isThere()
  if (!isAvailable && process.env.KAFKAWIRE_REQUIRE_KAFKA !== '1') {
    process.stderr.write(`skipped: ${name}: needs ${howToGet}\n`)
    describe.skip(name, fn)
    return
  }
  describe(name, () => {
    if (!isAvailable) {
      it('has the client that it is about', () => {
        throw new Error(`KAFKAWIRE_REQUIRE_KAFKA is set, and these tests need ${howToGet}`)
      })
      return
    }
    // The first run of all downloads them.
    if (client === 'java') beforeAll(kafkaJars, 600_000)
    fn()
  })
}
