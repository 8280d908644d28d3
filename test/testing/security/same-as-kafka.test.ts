import { afterAll, beforeAll, describe, it } from 'vitest'
import { connectRaw } from '../../../src/network/raw-connection.ts'
import { api } from '../../../src/protocol/registry.ts'
import { startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { describeKafka, type RealKafka, startRealKafka } from '../../support/real-kafka/index.ts'
import { type Answer, cases, type SecurityCase } from './security-cases.ts'

const users = { admin: 'admin-secret', alice: 'alice-secret', bob: 'bob-secret' }
const superUsers = ['User:ANONYMOUS', 'User:admin']
const secret = { 'delegation.token.secret.key': 'secret' }

/** Answers one by one; a connection that was closed is the last of them. */
async function ask(address: string, { steps }: SecurityCase): Promise<Answer[]> {
  const [host, port] = address.split(':')
  await using connection = await connectRaw({ host: host!, port: Number(port), timeoutMs: 10_000 })
  const answers: Answer[] = []
  for (const { name, version, body } of steps) {
    const request = typeof body === 'function' ? body(answers) : body
    try {
      const { decoded } = await connection.send(api(name), version, request)
      answers.push(decoded as Answer)
    } catch (error) {
      answers.push({ failed: (error as { code?: unknown }).code })
      return answers
    }
  }
  return answers
}

describe('a broker in memory with security', () => {
  let kafka: TestKafka
  beforeAll(async () => {
    kafka = await startKafka({
      listeners: [{ name: 'PLAIN' }, { name: 'SASL', sasl: { users } }],
      acls: { superUsers },
      configs: secret,
    })
  })
  afterAll(() => kafka.close())

  it.each(cases)('$name', async (one) => {
    one.check(await ask(kafka.bootstrapServersOf(one.sasl ? 'SASL' : 'PLAIN'), one))
  })
})

describeKafka(
  'a real Kafka with security',
  () => {
    let kafka: RealKafka
    beforeAll(async () => {
      kafka = await startRealKafka({
        listeners: { sasl: true },
        users,
        brokerProperties: {
          ...secret,
          'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
          'super.users': superUsers.join(';'),
        },
      })
    }, 120_000)
    afterAll(() => kafka?.stop())

    it.each(cases)('$name', async (one) => {
      const address = one.sasl ? kafka.saslBootstrapServers! : kafka.bootstrapServers
      one.check(await ask(address, one))
    })
  },
  { needs: 'own' },
)
