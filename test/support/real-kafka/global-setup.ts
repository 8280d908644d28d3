import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestProject } from 'vitest/node'
import { howToGetKafka } from './availability.ts'
import { SharedKafkaStarter, sharedKafkaUrlVariable } from './shared-kafka.ts'

/**
 * Vitest's global setup. Starts no Kafka: it listens for workers that want one, and owns what is then started, as a
 * worker lives for one test file only.
 *
 * @returns the teardown.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const starter = new SharedKafkaStarter()
  const server = createServer(async (request, response) => {
    const listeners = request.url?.includes('listeners=true') ?? false
    try {
      response.end(JSON.stringify(await starter.addresses(listeners)))
    } catch (error) {
      response.statusCode = 500
      response.end(error instanceof Error ? error.message : String(error))
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  const { port } = server.address() as AddressInfo
  process.env[sharedKafkaUrlVariable] = `http://127.0.0.1:${port}/`

  return async () => {
    server.close()
    delete process.env[sharedKafkaUrlVariable]
    await starter.stop()
    const skipped = countSkipped(project)
    if (skipped > 0) {
      const tests =
        skipped === 1 ? '1 test needs a real Kafka and was' : `${skipped} tests need a real Kafka and were`
      process.stderr.write(`${tests} skipped (${howToGetKafka})\n`)
    }
  }
}

function countSkipped(project: TestProject): number {
  let skipped = 0
  for (const module of project.vitest.state.getTestModules()) {
    for (const suite of module.children.allSuites()) {
      if (suite.meta().needsKafka) skipped += [...suite.children.tests('skipped')].length
    }
  }
  return skipped
}
