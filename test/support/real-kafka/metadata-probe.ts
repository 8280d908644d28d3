import { once } from 'node:events'
import { connect } from 'node:net'

/**
 * Ids of the brokers that the one on `port` knows as alive (registered and not fenced).
 *
 * Written by hand, as the client under test must not be what says that a broker is ready for its tests.
 *
 * @throws if the broker refuses, closes, or does not answer within two seconds.
 */
export async function aliveBrokers(port: number): Promise<number[]> {
  const signal = AbortSignal.timeout(2_000)
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect', { signal })
    socket.write(metadataRequest())
    let answer = Buffer.alloc(0)
    while (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) {
      // 'end' is no error to `once`: without it a broker that hangs up would cost the whole deadline.
      const [chunk] = await Promise.race([
        once(socket, 'data', { signal }),
        once(socket, 'end', { signal }).then(() => [Buffer.alloc(0)]),
      ])
      if (chunk.length === 0) throw new Error(`the broker on port ${port} closed the connection`)
      answer = Buffer.concat([answer, chunk])
    }
    return brokerIds(answer)
  } finally {
    socket.on('error', () => {})
    socket.destroy()
  }
}

/** Metadata version 1 for no topics: size, header version 1, empty array. */
function metadataRequest(): Buffer {
  const request = Buffer.alloc(18)
  request.writeInt32BE(request.length - 4, 0)
  request.writeInt16BE(3, 4)
  request.writeInt16BE(1, 6)
  request.writeInt32BE(1, 8)
  request.writeInt16BE(-1, 12)
  request.writeInt32BE(0, 14)
  return request
}

function brokerIds(answer: Buffer): number[] {
  let at = 8
  const count = answer.readInt32BE(at)
  at += 4
  const ids: number[] = []
  for (let i = 0; i < count; i++) {
    ids.push(answer.readInt32BE(at))
    at += 4
    at += 2 + answer.readInt16BE(at)
    at += 4
    at += 2 + Math.max(0, answer.readInt16BE(at))
  }
  return ids
}
