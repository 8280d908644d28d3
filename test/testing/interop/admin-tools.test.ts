import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startKafka } from '../../../src/testing/start-kafka.ts'
import type { TestKafka } from '../../../src/testing/test-kafka.ts'
import { kafkaTools, runKafkaTool } from '../../support/interop/index.ts'
import { describeKafka } from '../../support/real-kafka/index.ts'

type Tool = keyof typeof kafkaTools

/** Runs one of Kafka's own tools, and gives what it prints. */
async function run(kafka: TestKafka, tool: Tool, ...args: string[]): Promise<string> {
  const command = ['--bootstrap-server', kafka.bootstrapServers, ...args]
  const { code, stdout, stderr } = await runKafkaTool(kafkaTools[tool], command)
  expect({ code, stderr, stdout }).toMatchObject({ code: 0 })
  return stdout
}

describeKafka(
  "Kafka's own tools on a Kafka in memory",
  () => {
    it('create, describe, enlarge and delete topics', { timeout: 120_000 }, async () => {
      await using kafka = await startKafka({ brokers: 3 })
      const created = await run(
        kafka,
        'topics',
        ...['--create', '--topic', 't', '--partitions', '2', '--replication-factor', '3'],
        ...['--config', 'retention.ms=5000'],
      )
      expect(created).toContain('Created topic t.')
      const described = await run(kafka, 'topics', '--describe', '--topic', 't')
      expect(described).toMatch(/PartitionCount: 2\tReplicationFactor: 3\tConfigs: .*retention\.ms=5000/)
      await run(kafka, 'topics', '--alter', '--topic', 't', '--partitions', '4')
      expect(kafka.cluster.topics.get('t')?.partitions).toHaveLength(4)
      expect(await run(kafka, 'topics', '--list')).toBe('t\n')
      await run(kafka, 'topics', '--delete', '--topic', 't')
      expect(await run(kafka, 'topics', '--list')).toBe('\n')
    })

    it('change configs of topics, brokers, groups and users', { timeout: 120_000 }, async () => {
      await using kafka = await startKafka({ topics: ['t'] })
      const topic = ['--entity-type', 'topics', '--entity-name', 't']
      await run(kafka, 'configs', ...topic, '--alter', '--add-config', 'cleanup.policy=[compact,delete]')
      expect(await run(kafka, 'configs', ...topic, '--describe')).toContain('cleanup.policy=compact,delete')
      await run(kafka, 'configs', ...topic, '--alter', '--delete-config', 'cleanup.policy')
      expect(await run(kafka, 'configs', ...topic, '--describe')).not.toContain('cleanup.policy')
      const broker = ['--entity-type', 'brokers', '--entity-name', '1']
      await run(kafka, 'configs', ...broker, '--alter', '--add-config', 'background.threads=12')
      expect(await run(kafka, 'configs', ...broker, '--describe')).toContain('background.threads=12')
      const group = ['--entity-type', 'groups', '--entity-name', 'g']
      await run(kafka, 'configs', ...group, '--alter', '--add-config', 'consumer.session.timeout.ms=50000')
      expect(await run(kafka, 'configs', ...group, '--describe')).toContain(
        'consumer.session.timeout.ms=50000',
      )
      const user = ['--entity-type', 'users', '--entity-name', 'alice']
      await run(kafka, 'configs', ...user, '--alter', '--add-config', 'producer_byte_rate=1024')
      expect(await run(kafka, 'configs', ...user, '--describe')).toContain('producer_byte_rate=1024')
    })

    it('describe log directories and features, and elect leaders', { timeout: 120_000 }, async () => {
      await using kafka = await startKafka({ brokers: 2, topics: ['t'] })
      expect(await run(kafka, 'logDirs', '--describe', '--topic-list', 't')).toContain('"partition":"t-0"')
      expect(await run(kafka, 'features', 'describe')).toContain('Feature: transaction.version')
      const elected = await run(
        kafka,
        'leaderElection',
        ...['--election-type', 'preferred', '--all-topic-partitions'],
      )
      expect(elected).not.toContain('Error')
    })

    it('move replicas and delete records', { timeout: 120_000 }, async () => {
      await using kafka = await startKafka({ brokers: 3 })
      const folder = await mkdtemp(join(tmpdir(), 'kafkawire-'))
      onTestFinished(() => rm(folder, { recursive: true }))
      const { partitions } = kafka.cluster.topics.create({ name: 't', assignment: [[1, 2]] })
      const plan = join(folder, 'plan.json')
      await writeFile(plan, '{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[3,2]}]}')
      const reassign = ['--reassignment-json-file', plan]
      await run(kafka, 'reassignPartitions', ...reassign, '--execute')
      expect(await run(kafka, 'reassignPartitions', ...reassign, '--verify')).toContain(
        'Reassignment of partition t-0 is completed.',
      )
      expect(partitions[0]).toMatchObject({ replicas: [3, 2], leader: 3 })
      const offsets = join(folder, 'offsets.json')
      await writeFile(offsets, '{"version":1,"partitions":[{"topic":"t","partition":0,"offset":-1}]}')
      expect(await run(kafka, 'deleteRecords', '--offset-json-file', offsets)).toContain('low_watermark: 0')
    })
  },
  { needs: 'own' },
)
