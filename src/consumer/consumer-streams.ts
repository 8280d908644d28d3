import type { ConsumerRecord } from './consumer-record.ts'
import type { RecordIterator } from './iterators.ts'

export type NodeRecordReadable = import('node:stream').Readable

/**
 * Records as a WHATWG stream. It asks for one only when somebody reads, and holds none itself: what its reader has asked
 * for again after is done, as in a loop.
 */
export function readableStreamOf<K, V>(iterator: RecordIterator<K, V>): ReadableStream<ConsumerRecord<K, V>> {
  return new ReadableStream<ConsumerRecord<K, V>>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await iterator.return()
      },
    },
    { highWaterMark: 0 },
  )
}

/** The same as a Readable of `node:stream`, in object mode. */
export function nodeReadableOf<K, V>(iterator: RecordIterator<K, V>): NodeRecordReadable {
  const { Readable } = process.getBuiltinModule('node:stream')
  const readable = new Readable({
    objectMode: true,
    highWaterMark: 0,
    read() {
      iterator.next().then(
        ({ done, value }) => {
          if (!readable.destroyed) readable.push(done ? null : value)
        },
        (error: Error) => readable.destroy(error),
      )
    },
    destroy(error, done) {
      iterator.return().then(
        () => done(error),
        (failure: Error) => done(error ?? failure),
      )
    },
  })
  return readable
}
