import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { Kafka } from '../../../src/index.ts'
import { startKafka, type TestKafka } from '../../../src/testing/index.ts'
import { newFolder } from '../support/data-folder.ts'

const program = join(import.meta.dirname, '..', 'support', 'writer-process.ts')

/**
 * Runs a cluster that is being written to, and kills it once its log has so many bytes on the disk: an answer does not
 * wait for the disk, so that of what was acknowledged a slow one may have nothing. Gives the bytes that were seen.
 */
async function killedWhileWriting(dataDir: string, bytes: number): Promise<number> {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: 45_000,
  })
  let seen = 0
  for await (const _ of createInterface(child.stdout)) {
    if (child.killed) continue
    seen = sizeOfLogs(dataDir)
    if (seen >= bytes) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  expect(child.signalCode).toBe('SIGKILL')
  return seen
}

function sizeOfLogs(dataDir: string): number {
  const folder = join(dataDir, 'logs')
  if (!existsSync(folder)) return 0
  const paths = readdirSync(folder, { recursive: true }).map((path) => join(folder, String(path)))
  return paths.filter((path) => path.endsWith('.log')).reduce((sum, path) => sum + statSync(path).size, 0)
}

function numbersOf(kafka: TestKafka): number[] {
  return kafka.records('orders').map(({ value }) => Number.parseInt(value!.toString(), 10))
}

/** A folder in which the topic `orders` has three batches, and the path of their file. */
async function folderWithOrders(): Promise<{ dataDir: string; log: string }> {
  const dataDir = newFolder()
  await using kafka = await startKafka({ dataDir, topics: ['orders'] })
  await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer()
  for (const value of ['0', '1', '2']) await producer.send({ topic: 'orders', value })
  return { dataDir, log: join(dataDir, 'logs', kafka.cluster.topics.get('orders')!.id, '0.log') }
}

describe('a process that was killed while it wrote', () => {
  it('leaves a folder that the next takes over, with all that had come to the disk', async () => {
    const dataDir = newFolder()
    let before = 0
    for (const bytes of [200_000, 1_200_000]) {
      const written = await killedWhileWriting(dataDir, bytes)
      expect(existsSync(join(dataDir, 'lock'))).toBe(true)
      await using kafka = await startKafka({ dataDir })
      // But for one batch, of which the kill may have cut off the end.
      expect(sizeOfLogs(dataDir)).toBeGreaterThan(written - 20 * 600)
      const numbers = numbersOf(kafka)
      // In their order and without a gap, behind those of the run before.
      const mine = numbers.slice(before)
      expect(mine).toEqual(mine.map((_, i) => i))
      expect(mine.length).toBeGreaterThan(300)
      expect(kafka.records('orders').map(({ offset }) => offset)).toEqual(numbers.map((_, i) => i))
      await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer()
      const { offset } = await producer.send({ topic: 'orders', value: `${mine.length}` })
      expect(offset).toBe(numbers.length)
      before = numbers.length + 1
    }
  })

  it('leaves a last batch that was cut short, which is taken off', async () => {
    const { dataDir, log } = await folderWithOrders()
    truncateSync(log, statSync(log).size - 5)
    for (const numbers of [
      [0, 1],
      [0, 1, 7],
    ]) {
      await using kafka = await startKafka({ dataDir })
      if (numbers.length === 3) expect(numbersOf(kafka)).toEqual(numbers)
      else {
        expect(numbersOf(kafka)).toEqual(numbers)
        await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer()
        await producer.send({ topic: 'orders', value: '7' })
      }
    }
  })
})

describe('a data folder', () => {
  it('is used by one cluster at a time', async () => {
    const dataDir = newFolder()
    await using kafka = await startKafka({ dataDir })
    await expect(startKafka({ dataDir })).rejects.toThrow(/another Kafka of this process uses/)
    await kafka.close()
    writeFileSync(join(dataDir, 'lock'), String(process.ppid))
    await expect(startKafka({ dataDir })).rejects.toThrow(`process ${process.ppid} uses`)
    // Our own id in the lock of nobody: in a container each run has the same.
    writeFileSync(join(dataDir, 'lock'), String(process.pid))
    await (await startKafka({ dataDir })).close()
    expect(existsSync(join(dataDir, 'lock'))).toBe(false)
  })

  it('of another format is refused, and left as it is', async () => {
    const { dataDir } = await folderWithOrders()
    const path = join(dataDir, 'state.json')
    const later = readFileSync(path, 'utf8').replace('"formatVersion":1', '"formatVersion":99')
    writeFileSync(path, later)
    await expect(startKafka({ dataDir })).rejects.toThrow(/has format version 99; this version reads 1/)
    expect(readFileSync(path, 'utf8')).toBe(later)
    expect(existsSync(join(dataDir, 'lock'))).toBe(false)
  })

  it.each([
    { what: 'no JSON', text: '{"formatVersion":1' },
    { what: 'no topics', text: '{"formatVersion":1,"clusterId":"c","kafkaVersion":"4.3"}' },
    {
      what: 'a topic config that there is none of',
      text: '{"formatVersion":1,"clusterId":"c","kafkaVersion":"4.3","topics":[{"name":"a","id":"b","configs":{"x.y":"1"},"partitions":[]}]}',
    },
  ])('with a state of $what is refused, and left as it is', async ({ text }) => {
    const dataDir = newFolder()
    const path = join(dataDir, 'state.json')
    writeFileSync(path, text)
    await expect(startKafka({ dataDir })).rejects.toThrow(/state\.json is damaged: /)
    expect(readFileSync(path, 'utf8')).toBe(text)
    expect(existsSync(join(dataDir, 'lock'))).toBe(false)
  })

  it('with a damaged log is refused, with the place', async () => {
    const { dataDir, log } = await folderWithOrders()
    const { size } = statSync(log)
    appendFileSync(log, Buffer.alloc(100, 1))
    await expect(startKafka({ dataDir })).rejects.toThrow(`0.log is damaged at byte ${size}: `)
    const bytes = readFileSync(log)
    bytes[65]! ^= 1
    writeFileSync(log, bytes)
    await expect(startKafka({ dataDir })).rejects.toThrow(/damaged at byte 0: a batch with a wrong checksum/)
    expect(statSync(log).size).toBe(size + 100)
  })

  it('with something else in it is refused', async () => {
    const dataDir = newFolder()
    writeFileSync(join(dataDir, 'thesis.txt'), 'x')
    await expect(startKafka({ dataDir })).rejects.toThrow(/has no state\.json and is not empty: thesis\.txt/)
  })

  it('that is a file is refused', async () => {
    const dataDir = join(newFolder(), 'file')
    writeFileSync(dataDir, 'x')
    await expect(startKafka({ dataDir })).rejects.toThrow(/cannot be used: EEXIST/)
  })

  it('is made with its parents where it is missing', async () => {
    const dataDir = join(newFolder(), 'a', 'b')
    await (await startKafka({ dataDir })).close()
    expect(existsSync(join(dataDir, 'state.json'))).toBe(true)
  })

  it('that cannot be written any more is told of once, and the cluster goes on', async () => {
    const dataDir = newFolder()
    const errors: Error[] = []
    await using kafka = await startKafka({
      dataDir,
      topics: ['orders'],
      onError: (error) => errors.push(error),
    })
    const { id } = kafka.cluster.topics.get('orders')!
    // In the place of the folder of the topic's logs.
    writeFileSync(join(dataDir, 'logs'), '')
    await using producer = new Kafka({ bootstrapServers: kafka.bootstrapServers }).producer()
    for (let i = 0; i < 5; i++) await producer.send({ topic: 'orders', value: `${i}` })
    await expect.poll(() => errors).toHaveLength(1)
    expect(errors[0]!.message).toContain(id)
    expect(numbersOf(kafka)).toEqual([0, 1, 2, 3, 4])
    await kafka.close()
    expect(errors).toHaveLength(1)
  })
})
