import { expect, it } from 'vitest'
import { string } from '../../src/serializers.ts'
import { runKafkaTool } from '../support/interop/index.ts'
import { describeKafka } from '../support/real-kafka/index.ts'
import { shareGroupTopic, values } from '../support/share-group.ts'

const consoleShareConsumer = 'org.apache.kafka.tools.consumer.ConsoleShareConsumer'

describeKafka('Share groups with members of Java', (kafka) => {
  function javaConsumer(topic: string, groupId: string, count: number, ...more: string[]) {
    return runKafkaTool(consoleShareConsumer, [
      ...['--bootstrap-server', kafka.bootstrapServers, '--topic', topic, '--group', groupId],
      ...['--max-messages', String(count), '--timeout-ms', '60000', ...more],
    ])
  }

  const linesOf = ({ stdout }: { stdout: string }) => stdout.trim().split('\n')

  it('share the records of a topic: each is handled by one of them', async () => {
    await using made = await shareGroupTopic(kafka.bootstrapServers, { partitions: 2 })
    const { topic, groupId, writer } = made
    await using consumer = made.kafka.shareConsumer({
      groupId,
      topics: [topic],
      valueDeserializer: string,
    })
    const ours: string[] = []
    const reading = (async () => {
      for await (const { value } of consumer) ours.push(value!)
    })()
    const java = javaConsumer(topic, groupId, 40)
    let isOver = false
    java.finally(() => {
      isOver = true
    })
    let written = 0
    // Until both have had their share: which of them asks first is chance.
    while (!isOver || ours.length < 20) {
      await writer.write(topic, written % 2, [`value ${written}`])
      written++
    }
    const { code, stderr, ...printed } = await java
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const theirs = linesOf(printed)
    expect(theirs).toHaveLength(40)
    // What Java had in hand beyond its forty is released when it closes.
    await expect.poll(() => new Set([...ours, ...theirs]).size, { timeout: 20_000 }).toBe(written)
    await consumer.commit()
    await consumer.close()
    await reading
    expect(ours.filter((value) => theirs.includes(value))).toEqual([])
    expect(new Set([...ours, ...theirs])).toEqual(new Set(values(written)))
  })

  it('give each other what they release, and see how often it was given', async () => {
    await using made = await shareGroupTopic(kafka.bootstrapServers)
    const { topic, groupId, writer } = made
    await writer.write(topic, 0, values(3))
    const released = linesOf(await javaConsumer(topic, groupId, 3, '--release'))
    expect(released).toEqual(values(3))

    const consumer = made.kafka.shareConsumer({
      groupId,
      topics: [topic],
      shareAcknowledgementMode: 'explicit',
      valueDeserializer: string,
    })
    const records = await consumer.poll({ timeoutMs: 20_000 })
    expect(records.map(({ value, deliveryCount }) => [value, deliveryCount])).toEqual([
      ['value 0', 2],
      ['value 1', 2],
      ['value 2', 2],
    ])
    consumer.acknowledge(records[0]!, 'accept')
    consumer.acknowledge(records[1]!, 'release')
    consumer.acknowledge(records[2]!, 'reject')
    expect((await consumer.commit()).map(({ error }) => error)).toEqual([null])
    await consumer.close()

    expect(linesOf(await javaConsumer(topic, groupId, 1))).toEqual(['value 1'])
  })
})
