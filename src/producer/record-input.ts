import { InvalidArgumentError, messageOf, SerializationError } from '../errors.ts'
import type { Serializer } from '../serializers.ts'

type Payload = string | Uint8Array | null

export function checkTopic(topic: string): string {
  if (typeof topic === 'string' && topic !== '') return topic
  throw new InvalidArgumentError(`a topic must be a name, not ${JSON.stringify(topic) ?? typeof topic}`)
}

export function checkPartition(partition: number, topic: string): void {
  if (Number.isInteger(partition) && partition >= 0) return
  throw new InvalidArgumentError(
    `a partition of topic ${topic} must be an integer from 0 on, not ${partition}`,
    { topic },
  )
}

/** @throws SerializationError */
export function serialize<T>(
  serializer: Serializer<T> | undefined,
  payload: T | null | undefined,
  topic: string,
  isKey: boolean,
): Payload {
  if (payload === null || payload === undefined) return null
  // Without a serializer the type says string or bytes; what is neither is refused when it is written.
  if (serializer === undefined) return payload as Payload
  try {
    return serializer.serialize(payload, { topic, isKey })
  } catch (cause) {
    const what = isKey ? 'key' : 'value'
    throw new SerializationError(`the ${what} of a record for topic ${topic}: ${messageOf(cause)}`, {
      topic,
      cause,
    })
  }
}
