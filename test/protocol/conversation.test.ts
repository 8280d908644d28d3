import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it, test } from 'vitest'
import { apiVersions } from '../../src/protocol/apis/api-versions.ts'
import { metadata } from '../../src/protocol/apis/metadata.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { saslHandshake } from '../../src/protocol/apis/sasl-handshake.ts'
import { Conversation, type Exchange } from '../../src/protocol/conversation.ts'
import { explain } from '../../src/protocol/explain.ts'
import { splitFrames } from '../../src/protocol/frames.ts'
import { encodeRequestFrame } from '../../src/protocol/headers.ts'
import type { Api } from '../../src/protocol/message.ts'
import type { FieldMap, StructInput } from '../../src/protocol/schema.ts'
import { responseFrame, sized } from '../support/scripted-broker.ts'

function ask<Q extends FieldMap>(
  api: Api<Q, FieldMap>,
  version: number,
  id: number,
  body: StructInput<Q>,
): Buffer {
  return Buffer.concat(encodeRequestFrame(api, version, id, 'me', body))
}

function answer<S extends FieldMap>(
  api: Api<FieldMap, S>,
  version: number,
  id: number,
  body: StructInput<S>,
): Uint8Array {
  return responseFrame(
    api as unknown as Api<FieldMap, FieldMap>,
    { version, correlationId: id },
    body as never,
  )
}

const told = ({ problems }: Conversation) =>
  problems.map(({ kind, from, message }) => `${from} ${kind}: ${message}`)

describe('splitFrames', () => {
  it('cuts bytes into frames, wherever the chunks end', () => {
    const bytes = Buffer.concat([
      sized(Buffer.from('one')),
      sized(Buffer.alloc(0)),
      sized(Buffer.from('three')),
      Buffer.from([0, 0]),
    ])
    for (let size = 1; size <= bytes.length; size++) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      )
      const { frames, rest, error } = splitFrames(chunks)
      expect(frames.map((frame) => [frame.offset, Buffer.from(frame.bytes).toString()])).toEqual([
        [0, 'one'],
        [7, ''],
        [11, 'three'],
      ])
      expect([rest.length, error]).toEqual([2, null])
    }
  })

  it('ends at a size that cannot be one', () => {
    const { frames, rest, error } = splitFrames(
      Buffer.concat([sized(Buffer.from('one')), Buffer.from('HTTP/1.1')]),
    )
    expect(frames.length).toBe(1)
    expect(error?.message).toBe('frame of 1213486160 bytes, allowed are 0 to 104857600 at byte 7')
    expect(Buffer.from(rest).toString()).toBe('HTTP/1.1')
  })
})

describe('a conversation', () => {
  it('pairs answers with requests, with bytes in any pieces', () => {
    const conversation = new Conversation()
    const asked = Buffer.concat([ask(metadata, 12, 7, { topics: null }), ask(metadata, 4, 8, { topics: [] })])
    for (const byte of asked) conversation.client(Uint8Array.of(byte), 1)
    conversation.server(answer(metadata, 12, 7, { clusterId: 'c' }), 2)
    conversation.server(answer(metadata, 4, 8, { controllerId: 5 }), 3)
    conversation.finish()
    expect(conversation.problems).toEqual([])
    expect(conversation.exchanges).toMatchObject([
      {
        api: 'Metadata',
        version: 12,
        correlationId: 7,
        clientId: 'me',
        at: 1,
        answeredAt: 2,
        request: { topics: null },
        response: { clusterId: 'c' },
      },
      {
        api: 'Metadata',
        version: 4,
        correlationId: 8,
        clientId: 'me',
        at: 1,
        answeredAt: 3,
        request: { topics: [] },
        response: { controllerId: 5 },
      },
    ])
  })

  it('lets what is over be taken, and goes on with what waits for its answer', () => {
    const conversation = new Conversation()
    const idsOf = (exchanges: readonly Exchange[]) => exchanges.map(({ correlationId }) => correlationId)
    for (const id of [1, 2, 3]) conversation.client(ask(metadata, 4, id, { topics: [] }), id)
    conversation.client(ask(produce, 9, 4, { acks: 0 }), 4)
    conversation.server(answer(metadata, 4, 2, { controllerId: 2 }), 5)
    conversation.gap('server', 0, 6)

    const first = conversation.take()
    expect(idsOf(first.exchanges)).toEqual([2, 4])
    expect(first.exchanges[0]).toMatchObject({ response: { controllerId: 2 } })
    expect(first.problems.map(({ kind }) => kind)).toEqual(['outOfOrder', 'gap'])
    expect(idsOf(conversation.exchanges)).toEqual([1, 3])
    expect(conversation.take()).toEqual({ exchanges: [], tokens: [], problems: [] })

    conversation.server(answer(metadata, 4, 1, { controllerId: 1 }), 7)
    const second = conversation.take()
    expect(second.exchanges).toMatchObject([{ correlationId: 1, response: { controllerId: 1 } }])
    conversation.finish()
    const last = conversation.take()
    expect(idsOf(last.exchanges)).toEqual([3])
    expect(last.problems.map(({ kind }) => kind)).toEqual(['unanswered'])
    expect([conversation.exchanges, conversation.problems]).toEqual([[], []])
  })

  it('gives SASL tokens out with what is taken', () => {
    const conversation = new Conversation()
    conversation.client(ask(saslHandshake, 0, 1, { mechanism: 'PLAIN' }), 1)
    conversation.server(answer(saslHandshake, 0, 1, {}), 2)
    conversation.client(sized(Buffer.from('secret')), 3)
    expect(conversation.take().tokens).toMatchObject([{ from: 'client', mechanism: 'PLAIN' }])
    expect(conversation.take().tokens).toEqual([])
  })

  it('keeps few answers for requests that have not come, and tells of the others at once', () => {
    const conversation = new Conversation()
    for (let id = 0; id < 150; id++) conversation.server(answer(metadata, 4, id, {}), id)
    expect(told(conversation).length).toBe(50)
    expect(told(conversation)[0]).toBe('server unmatchedResponse: no request has the correlation id 0')
    conversation.client(ask(metadata, 4, 149, { topics: [] }), 200)
    expect(conversation.exchanges).toMatchObject([{ correlationId: 149, answeredAt: 149 }])
    conversation.finish()
    expect(conversation.problems.length).toBe(149)
  })

  it('reads a refused ApiVersions as version 0, of a version that nobody knows too', () => {
    const conversation = new Conversation()
    const request = ask(apiVersions, 4, 1, {})
    request.writeInt16BE(99, 6)
    conversation.client(request, 1)
    conversation.server(
      answer(apiVersions, 0, 1, { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] }),
      2,
    )
    conversation.finish()
    expect(told(conversation)).toEqual([
      'client unknownVersion: ApiVersions version 99 is not known here, these are: 0-5',
    ])
    expect(conversation.exchanges).toMatchObject([
      { version: 99, responseVersion: 0, response: { errorCode: 35 } },
    ])
  })

  it('expects no answer to a Produce with acks=0', () => {
    const conversation = new Conversation()
    conversation.client(ask(produce, 9, 1, { acks: 0 }), 1)
    conversation.client(ask(metadata, 4, 2, { topics: [] }), 2)
    conversation.server(answer(metadata, 4, 2, {}), 3)
    conversation.finish()
    expect(conversation.problems).toEqual([])
    expect(conversation.exchanges.map(({ expectsResponse }) => expectsResponse)).toEqual([false, true])
  })

  it.each([
    ['PLAIN', 1],
    ['SCRAM-SHA-256', 2],
    ['GSSAPI', 3],
  ])('knows the bare tokens of %s after SaslHandshake version 0', (mechanism, rounds) => {
    const conversation = new Conversation()
    conversation.client(ask(saslHandshake, 0, 1, { mechanism }), 1)
    conversation.server(answer(saslHandshake, 0, 1, { mechanisms: [mechanism] }), 2)
    for (let i = 0; i < rounds; i++) {
      conversation.client(sized(Buffer.from(`client ${i}`)), 3)
      conversation.server(sized(Buffer.from(`server ${i}`)), 4)
    }
    conversation.client(ask(metadata, 4, 2, { topics: [] }), 5)
    conversation.server(answer(metadata, 4, 2, {}), 6)
    conversation.finish()
    expect(conversation.problems).toEqual([])
    expect(conversation.tokens.length).toBe(2 * rounds)
    expect(conversation.exchanges.map(({ api, answeredAt }) => [api, answeredAt])).toEqual([
      ['SaslHandshake', 2],
      ['Metadata', 6],
    ])
  })

  it('takes no token after a refused handshake', () => {
    const conversation = new Conversation()
    conversation.client(ask(saslHandshake, 0, 1, { mechanism: 'PLAIN' }), 1)
    conversation.server(answer(saslHandshake, 0, 1, { errorCode: 33 }), 2)
    conversation.client(ask(saslHandshake, 1, 2, { mechanism: 'PLAIN' }), 3)
    conversation.server(answer(saslHandshake, 1, 2, {}), 4)
    conversation.finish()
    expect([conversation.problems, conversation.tokens]).toEqual([[], []])
  })

  it('tells of what it cannot make sense of, and goes on', () => {
    const conversation = new Conversation()
    const unknown = ask(metadata, 4, 1, { topics: [] })
    unknown.writeInt16BE(999, 4)
    conversation.client(unknown, 1)
    conversation.client(sized(Buffer.from([1])), 1)
    conversation.client(ask(metadata, 4, 2, { topics: [] }), 1)
    conversation.client(ask(metadata, 4, 3, { topics: [] }), 1)
    conversation.client(ask(metadata, 4, 4, { topics: [] }).subarray(0, 9), 1)
    conversation.server(answer(metadata, 4, 3, {}), 2)
    conversation.server(sized(Buffer.concat([answer(metadata, 4, 2, {}).subarray(4), Buffer.alloc(2)])), 2)
    conversation.server(answer(metadata, 4, 77, {}), 2)
    conversation.server(Buffer.from('HTTP/1.1 400'), 2)
    conversation.finish()
    expect(told(conversation)).toEqual([
      'client unknownApi: API key 999 is not known here',
      'client malformed: a request of 1 bytes is less than the shortest header of 8',
      'server outOfOrder: the answer to correlation id 3 comes before 2 earlier ones',
      'server outOfOrder: the answer to correlation id 2 comes before 1 earlier ones',
      'server trailingBytes: answer Metadata v4: 2 bytes after the end of the message',
      'server notFrames: frame of 1213486160 bytes, allowed are 0 to 104857600: this looks like HTTP',
      'server unmatchedResponse: no request has the correlation id 77',
      'client unanswered: no answer to API 999 with correlation id 1',
      'client cut: the end comes 9 bytes into a frame',
    ])
  })

  it('loses one frame to a gap in its middle, and the rest to one that hides a size', () => {
    const conversation = new Conversation()
    const frame = ask(metadata, 4, 1, { topics: [{ name: 'a-long-name' }] })
    conversation.client(frame.subarray(0, 20), 1)
    conversation.gap('client', frame.length - 20, 1)
    conversation.client(ask(metadata, 4, 2, { topics: [] }), 1)
    conversation.gap('client', 2, 2)
    conversation.client(ask(metadata, 4, 3, { topics: [] }), 2)
    conversation.finish()
    expect(conversation.exchanges.map(({ correlationId }) => correlationId)).toEqual([2])
    expect(conversation.problems.map(({ kind }) => kind)).toEqual([
      'gap',
      'malformed',
      'gap',
      'notFrames',
      'unanswered',
    ])
  })
})

interface RecordedLine {
  connection: number
  from: 'client' | 'server'
  at: number
  base64: string
}

test('what Java clients and a broker say to each other is explained to its last byte', () => {
  const file = readFileSync(new URL('../vectors/java-conversation.ndjson.gz', import.meta.url))
  const conversations = new Map<number, Conversation>()
  for (const line of gunzipSync(file).toString().trimEnd().split('\n')) {
    const { connection, from, at, base64 } = JSON.parse(line) as RecordedLine
    const conversation = conversations.get(connection) ?? new Conversation()
    conversations.set(connection, conversation)
    conversation[from](Buffer.from(base64, 'base64'), at)
  }
  const apis = new Set<string>()
  const values: string[] = []
  for (const conversation of conversations.values()) {
    conversation.finish()
    // A consumer that is told to stop does not wait for its last fetch.
    expect(conversation.problems.filter(({ kind }) => kind !== 'unanswered')).toEqual([])
    for (const {
      api,
      version,
      responseVersion,
      requestFrame,
      responseFrame: answered,
    } of conversation.exchanges) {
      apis.add(api!)
      const frames = [
        { direction: 'request' as const, bytes: requestFrame.bytes, version },
        ...(answered === null
          ? []
          : [{ direction: 'response' as const, bytes: answered.bytes, version: responseVersion }]),
      ]
      for (const { direction, bytes, version: at } of frames) {
        const explanation = explain(bytes, { api: api!, version: at, direction, strict: true })
        const { error, recordErrors, warnings, fields } = explanation
        expect({ error, recordErrors, warnings }, `${api} ${direction}`).toEqual({
          error: null,
          recordErrors: [],
          warnings: [],
        })
        expect(fields.filter(({ type }) => type === 'rest')).toEqual([])
        expect(fields.reduce((sum, { length, inside }) => sum + (inside ? 0 : length), 0)).toBe(bytes.length)
        if (api !== 'Fetch') continue
        for (const { path, value } of fields) {
          if (/records\[\d+\]\.value$/.test(path)) values.push(Buffer.from(value as Uint8Array).toString())
        }
      }
    }
  }
  expect([...apis]).toEqual(
    expect.arrayContaining(['ApiVersions', 'Produce', 'Fetch', 'JoinGroup', 'ConsumerGroupHeartbeat']),
  )
  // 20 plain and 20 by gzip, read by two consumers.
  expect(values.length).toBe(80)
  expect(new Set(values).size).toBe(40)
})
