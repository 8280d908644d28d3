import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Kafka } from '../../src/kafka.ts'
import { startKafka, type TestKafka } from '../../src/testing/index.ts'
import { describeClient, kafkaTools, runKafkaTool } from '../support/interop/index.ts'

await describeClient('java', "Kafka's tools for groups, offsets and clusters, and a Kafka in memory", () => {
  const failures: Error[] = []
  let kafka: TestKafka
  let client: Kafka
  beforeAll(async () => {
    kafka = await startKafka({
      onError: (error) => failures.push(error),
      brokers: 3,
      acls: { superUsers: ['User:ANONYMOUS'], allowEveryoneIfNoAclFound: true },
    })
    client = new Kafka({ bootstrapServers: kafka.bootstrapServers, clientId: 'ours' })
  })
  afterAll(async () => {
    await kafka.close()
    expect(failures).toEqual([])
  })

  /** What a tool prints, with each run of blanks as one blank. */
  async function run(tool: keyof typeof kafkaTools, ...args: string[]): Promise<string> {
    const servers = ['--bootstrap-server', kafka.bootstrapServers]
    // This one takes no option before its verb.
    const all = tool === 'cluster' ? [...args, ...servers] : [...servers, ...args]
    const { code, stdout, stderr } = await runKafkaTool(kafkaTools[tool], all)
    expect({ code, stderr, stdout }).toMatchObject({ code: 0 })
    return stdout.replace(/[ \t]+/g, ' ')
  }

  /** A topic of two partitions, with ten records in the second. */
  async function topicOf(): Promise<string> {
    const topic = `tools-${randomUUID()}`
    kafka.createTopics([{ name: topic, numPartitions: 2 }])
    await using producer = client.producer()
    await producer.sendMany(
      Array.from({ length: 10 }, (_, i) => ({ topic, partition: 1, value: String(i), timestamp: 1000 + i })),
    )
    return topic
  }

  it('list, describe, reset and delete a group and its offsets', async () => {
    const topic = await topicOf()
    const group = `tools-${randomUUID()}`
    const about = ['--group', group]
    await using consumer = client.consumer({ groupId: group, topics: [topic], autoOffsetReset: 'earliest' })
    let left = 10
    for await (const _record of consumer) {
      left--
      if (left === 0) break
    }
    await consumer.commit()
    const [busy, members, state] = await Promise.all([
      run('consumerGroups', '--describe', ...about),
      run('consumerGroups', '--describe', '--members', ...about),
      run('consumerGroups', '--describe', '--state', ...about),
    ])
    expect(busy).toMatch(new RegExp(`${group} ${topic} 1 10 10 0 \\S+ /127\\.0\\.0\\.1 ours`))
    expect(members).toMatch(new RegExp(`${group} \\S+ /127\\.0\\.0\\.1 ours 2`))
    expect(state).toMatch(new RegExp(`${group} 127\\.0\\.0\\.1:\\d+ \\(\\d\\) \\S+ Stable 1`))
    await consumer.close()

    const [list, types] = await Promise.all([
      run('consumerGroups', '--list', '--state', 'empty'),
      run('groups', '--list'),
    ])
    expect(list).toContain(`${group} Empty`)
    expect(types).toContain(`${group} Classic consumer`)
    const reset = await run(
      'consumerGroups',
      ...about,
      ...['--reset-offsets', '--shift-by', '-4', '--topic', topic, '--execute'],
    )
    expect(reset).toContain(`${group} ${topic} 1 6`)
    const empty = await run('consumerGroups', '--describe', ...about)
    expect(empty).toContain(`${group} ${topic} 1 6 10 4 - - -`)
    const deleted = await run('consumerGroups', ...about, '--delete-offsets', '--topic', `${topic}:1`)
    expect(deleted).toContain(`${topic} 1 Successful`)
    expect(await run('consumerGroups', ...about, '--delete')).toContain('was successful')
    expect(kafka.cluster.groups.get(group)).toBeUndefined()
  })

  it('tell offsets by time', async () => {
    const topic = await topicOf()
    const at = async (...time: string[]) =>
      (await run('getOffsets', '--topic', topic, ...time)).trim().split('\n')
    const [latest, earliest, later, max] = await Promise.all([
      at(),
      at('--time', 'earliest'),
      at('--time', '1005'),
      at('--time', 'max-timestamp'),
    ])
    expect(latest).toEqual([`${topic}:0:0`, `${topic}:1:10`])
    expect(earliest).toEqual([`${topic}:0:0`, `${topic}:1:0`])
    // Partitions without a record of that time are left out.
    expect(later).toEqual([`${topic}:1:5`])
    expect(max).toEqual([`${topic}:1:9`])
  })

  it('add, list and remove access rules', async () => {
    const topic = `tools-${randomUUID()}`
    const rule = ['--allow-principal', 'User:bob', '--operation', 'Read', '--topic', topic]
    await run('acls', '--add', ...rule)
    const acl = '(principal=User:bob, host=*, operation=READ, permissionType=ALLOW)'
    expect(await run('acls', '--list', '--topic', topic)).toContain(acl)
    await run('acls', '--remove', '--force', ...rule)
    expect(await run('acls', '--list', '--topic', topic)).not.toContain('User:bob')
  })

  it('describe the cluster, and find no transaction that hangs', async () => {
    const [id, quorum, versions, hanging] = await Promise.all([
      run('cluster', 'cluster-id'),
      run('metadataQuorum', 'describe', '--status'),
      run('brokerApiVersions'),
      run('transactions', 'find-hanging', '--broker-id', '1'),
    ])
    expect(id.trim()).toBe(`Cluster ID: ${kafka.cluster.clusterId}`)
    expect(quorum).toContain(`ClusterId: ${kafka.cluster.clusterId}`)
    expect(quorum).toContain('LeaderId: 1')
    expect(versions.match(/Produce\(0\): 0 to 13 \[usable: 13\]/g)).toHaveLength(3)
    expect(hanging.trim().split('\n')).toHaveLength(1)
  })
})
