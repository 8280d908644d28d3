import { randomUUID } from 'node:crypto'
import { Deadline } from '../../src/deadline.ts'
import { Kafka } from '../../src/kafka.ts'
import { incrementalAlterConfigs } from '../../src/protocol/apis/incremental-alter-configs.ts'
import { BrokerError, errorCodes } from '../../src/protocol/broker-errors.ts'
import { TopicWriter } from './produce-records.ts'

/** `ConfigResource.Type.GROUP`. */
const groupResource = 32

/** Sets configs of a group; one that is not there yet has them once it is. */
export async function setGroupConfigs(
  { cluster }: TopicWriter,
  groupId: string,
  configs: Readonly<Record<string, string>>,
): Promise<void> {
  const { responses } = await cluster.request(
    incrementalAlterConfigs,
    {
      resources: [
        {
          resourceType: groupResource,
          resourceName: groupId,
          configs: Object.entries(configs).map(([name, value]) => ({ name, configOperation: 0, value })),
        },
      ],
      validateOnly: false,
    },
    { to: 'any', deadline: new Deadline(30_000) },
  )
  for (const { errorCode, errorMessage } of responses) {
    if (errorCode === errorCodes.none) continue
    throw new BrokerError(errorCode, { api: incrementalAlterConfigs.name, groupId }, errorMessage)
  }
}

/** A topic, and a share group that begins at its start. */
export interface ShareGroupTopic extends AsyncDisposable {
  readonly topic: string
  readonly groupId: string
  readonly kafka: Kafka
  readonly writer: TopicWriter
}

export async function shareGroupTopic(
  bootstrapServers: string,
  { partitions = 1, configs = {} }: { partitions?: number; configs?: Readonly<Record<string, string>> } = {},
): Promise<ShareGroupTopic> {
  const writer = new TopicWriter(bootstrapServers)
  const topic = `share-${randomUUID()}`
  const groupId = `share-group-${randomUUID()}`
  await writer.createTopic(topic, partitions)
  await setGroupConfigs(writer, groupId, { 'share.auto.offset.reset': 'earliest', ...configs })
  return {
    topic,
    groupId,
    kafka: new Kafka({ bootstrapServers }),
    writer,
    [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose](),
  }
}

/** `value 0`, `value 1` and so on. */
export function values(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `value ${from + i}`)
}
