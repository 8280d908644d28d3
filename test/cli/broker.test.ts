import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Kafka } from '../../src/index.ts'
import { kcatPath, runKcat } from '../support/interop/index.ts'
import { newFolder } from '../testing/support/data-folder.ts'
import { runBroker } from './run-broker.ts'
import { runCli } from './run-cli.ts'
import { runProcess } from './run-process.ts'

const hasKcat = (await kcatPath()) !== null

describe('kafkawire broker', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'serves clients until %s, and ends with exit code 0',
    async (signal) => {
      const broker = await runBroker('--topic', 'orders:3', '--brokers', '2')
      expect(broker.bootstrapServers).toMatch(/^127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$/)
      const kafka = new Kafka({ bootstrapServers: broker.bootstrapServers })
      await using producer = kafka.producer()
      expect(await producer.partitionsFor('orders')).toHaveLength(3)
      expect(await producer.send({ topic: 'orders', partition: 2, value: 'a' })).toMatchObject({ offset: 0 })
      await producer.close()
      expect(await broker.stop(signal)).toBe(0)
    },
  )

  it('finds with --data what the run before has left', async () => {
    const folder = newFolder()
    for (const offset of [0, 1]) {
      const broker = await runBroker('--data', folder)
      const kafka = new Kafka({ bootstrapServers: broker.bootstrapServers })
      await using producer = kafka.producer()
      expect(await producer.send({ topic: 'orders', value: 'a' })).toMatchObject({ offset })
      await producer.close()
      expect(await broker.stop('SIGTERM')).toBe(0)
    }
  })

  it('takes configs, users and what clients are told to connect to', async () => {
    const broker = await runBroker(
      ...['--config', 'num.partitions=5', '--sasl-user', 'alice:secret:1', '--sasl-user', 'bob:secret'],
      ...['--advertised-host', 'localhost', '--version', '3.9', '--seed', '7'],
    )
    expect(broker.bootstrapServers).toMatch(/^localhost:\d+$/)
    const sasl = { mechanism: 'PLAIN', username: 'alice', password: 'secret:1' } as const
    const kafka = new Kafka({ bootstrapServers: broker.bootstrapServers, sasl })
    await using producer = kafka.producer()
    expect(await producer.partitionsFor('orders')).toHaveLength(5)
    await producer.close()
    expect(await broker.stop('SIGTERM')).toBe(0)
  })

  it.runIf(hasKcat)('serves kcat', async () => {
    const broker = await runBroker()
    const topic = `kcat-${randomUUID()}`
    const at = ['-b', broker.bootstrapServers, '-t', topic]
    await runKcat(['-P', ...at], { stdin: 'hello\n' })
    const { stdout } = await runKcat(['-C', ...at, '-o', 'beginning', '-e', '-q'])
    expect(stdout).toBe('hello\n')
    expect(await broker.stop('SIGTERM')).toBe(0)
  })

  it('says that a port is in use, with exit code 1', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { code, out, err } = await runProcess(['broker', '--port', `${port}`])
    other.close()
    expect({ code, out, err }).toEqual({
      code: 1,
      out: '',
      err: `error: 127.0.0.1:${port} is in use; --port 0 takes a free one\n`,
    })
  })

  it.each([
    { args: ['--port', '65536'], err: /--port.*0 to 65535/ },
    { args: ['--brokers', '0'], err: /--brokers.*1 to 1000/ },
    { args: ['--version', '1.0'], err: /Allowed choices are 2\.1, 2\.8, 3\.9, 4\.3/ },
    { args: ['--topic', 'a:b'], err: /as orders:3/ },
    { args: ['--config', 'x'], err: /as num\.partitions=3/ },
    { args: ['--config', 'num.partition=3'], err: /num\.partition/ },
    { args: ['--sasl-user', 'alice'], err: /as alice:secret/ },
    { args: ['--host', '0.0.0.0'], err: /--host 0\.0\.0\.0 needs --advertised-host/ },
    { args: ['--data', '/dev/null/x'], err: /dataDir is "\/dev\/null\/x", which cannot be used/ },
  ])('is used wrongly with $args', async ({ args, err }) => {
    const result = await runCli(['broker', '--port', '0', ...args])
    expect(result).toEqual({ code: 2, out: '', err: expect.stringMatching(err) })
  })
})
