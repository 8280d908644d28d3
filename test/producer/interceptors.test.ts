import { describe, expect, test } from 'vitest'
import type { KafkaError } from '../../src/errors.ts'
import type { ProducerInterceptor } from '../../src/producer/interceptors.ts'
import type { ProducerRecord } from '../../src/producer/producer-record.ts'
import { startProducer } from '../support/start-producer.ts'

type Text = string | Uint8Array | null
type Interceptor = ProducerInterceptor<Text, Text>

/** An interceptor that writes down what it is told. */
function recorder(): Interceptor & { readonly told: unknown[] } {
  const told: unknown[] = []
  return {
    told,
    onAcknowledgement({ topic, partition, offset }, error, { value }) {
      told.push([`${topic}-${partition}@${offset}`, (error as KafkaError | null)?.code ?? null, value])
    },
  }
}

function appending(suffix: string): Interceptor {
  return { onSend: (record) => ({ ...record, value: `${record.value}${suffix}` }) }
}

describe('interceptors', () => {
  test('change records one after the other, whichever way these are sent', async () => {
    const { cluster, producer } = await startProducer({ interceptors: [appending('1'), appending('2')] })
    await producer.send({ topic: 't', value: 'a' })
    await producer.sendMany([{ topic: 't', value: 'b' }])
    producer.produce({ topic: 't', value: 'c' })
    await producer.flush()
    expect(cluster.log('t').values).toEqual(['a12', 'b12', 'c12'])
  })

  test('are told of each record, before its sender is', async () => {
    const seen = recorder()
    const { producer } = await startProducer({ interceptors: [seen] })
    await producer.send({ topic: 't', value: 'a' })
    const [range] = await producer.sendMany([
      { topic: 't', value: 'b' },
      { topic: 't', value: 'c' },
    ])
    expect(range).toEqual({ topic: 't', partition: 0, baseOffset: 1, count: 2 })
    producer.produce({ topic: 't', value: 'd' }, () => seen.told.push('callback'))
    await producer.flush()
    expect(seen.told).toEqual([
      ['t-0@0', null, 'a'],
      ['t-0@1', null, 'b'],
      ['t-0@2', null, 'c'],
      ['t-0@3', null, 'd'],
      'callback',
    ])
  })

  test('decide on the timestamp that the sender is told', async () => {
    const { producer } = await startProducer({
      interceptors: [{ onSend: (record) => ({ ...record, timestamp: 77 }) }],
    })
    expect(await producer.send({ topic: 't', value: 'a' })).toMatchObject({ timestamp: 77 })
  })

  test('are told of records that fail, before or after they were sent', async () => {
    const seen = recorder()
    const { cluster, producer } = await startProducer({ interceptors: [seen], maxRequestSize: 200 })
    cluster.onBatch = () => ({ error: 87 })
    await expect(producer.send({ topic: 't', value: 'a' })).rejects.toMatchObject({ code: 'INVALID_RECORD' })
    const large = { topic: 't', partition: 0, value: 'x'.repeat(300) }
    await expect(producer.send(large)).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' })
    expect(() => producer.produce({ ...large, topic: '' })).toThrow(/must be a name/)
    expect(seen.told).toEqual([
      ['t-0@-1', 'INVALID_RECORD', 'a'],
      ['t-0@-1', 'RECORD_TOO_LARGE', large.value],
      ['-0@-1', 'INVALID_ARGUMENT', large.value],
    ])
  })

  test('that throw are told to onError, and lose no record', async () => {
    const errors: string[] = []
    const fails = (text: string) => () => {
      throw new Error(text)
    }
    const { cluster, producer } = await startProducer({
      interceptors: [
        { onSend: fails('one'), onAcknowledgement: fails('two'), close: fails('three') },
        { onSend: () => null as unknown as ProducerRecord },
        { onSend: (async () => ({ topic: 't', value: 'late' })) as unknown as () => ProducerRecord },
        { close: (async () => fails('four')()) as unknown as () => void },
        appending('!'),
      ],
      onError: ({ code, message }) => errors.push(`${code} ${message}`),
    })
    await producer.send({ topic: 't', value: 'a' })
    await producer.close()
    expect(cluster.log('t').values).toEqual(['a!'])
    const of = 'of an interceptor for a record of topic t'
    expect(errors).toEqual([
      `INTERCEPTOR_FAILED onSend ${of}: one`,
      `INTERCEPTOR_FAILED onSend ${of}: it must give a record, not null`,
      `INTERCEPTOR_FAILED onSend ${of}: it must give a record, not a promise`,
      `INTERCEPTOR_FAILED onAcknowledgement ${of}: two`,
      'INTERCEPTOR_FAILED close of an interceptor: three',
      'INTERCEPTOR_FAILED close of an interceptor: four',
    ])
  })

  test('that throw lose no record either when nobody listens', async () => {
    const { producer } = await startProducer({
      interceptors: [
        {
          onSend() {
            throw new Error('no')
          },
        },
      ],
    })
    expect(await producer.send({ topic: 't', value: 'a' })).toMatchObject({ offset: 0 })
  })

  test('are closed with the producer, after its last record', async () => {
    const order: string[] = []
    const { producer } = await startProducer({
      interceptors: [{ onAcknowledgement: () => order.push('told'), close: () => order.push('closed') }],
    })
    producer.produce({ topic: 't', value: 'a' })
    await producer.close()
    await producer.close()
    expect(order).toEqual(['told', 'closed'])
  })

  test.each([[{}], [null], [() => {}], [{ onSend: 1 }], ['a.b.Interceptor']])(
    '%j is none, and refused by the constructor',
    async (wrong) => {
      const options = { interceptors: [wrong as unknown as Interceptor] }
      await expect(startProducer(options)).rejects.toThrow(
        /interceptors\.\[0\] is .*; allowed: an object with onSend/,
      )
    },
  )
})
