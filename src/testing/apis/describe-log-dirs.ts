import { describeLogDirs } from '../../protocol/apis/describe-log-dirs.ts'
import { handler } from '../broker/api-handler.ts'
import type { RequestContext } from '../broker/request-context.ts'
import type { Partition } from '../cluster/partition.ts'
import { errors } from '../error-codes.ts'

type Asked = readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null

/** Of the volume: in memory there is none, so it is any. */
const totalBytes = 2n ** 40n

export const describeLogDirsHandler = handler(describeLogDirs, (request, context) => {
  // The code at the top came with version 3; before it there is nowhere to put one (KIP-784).
  if (!context.allows('DESCRIBE', 'CLUSTER')) return { errorCode: errors.CLUSTER_AUTHORIZATION_FAILED }
  const { cluster, broker } = context
  const here = hosted(request.topics, context)
  const used = here.reduce((sum, { log }) => sum + log.sizeInBytes, 0)
  const cordoned = cluster.configs.broker(broker.id).getList('cordoned.log.dirs')
  return {
    results: cluster.logDirs.paths.map((logDir) => ({
      logDir,
      topics: byTopic(here.filter((one) => cluster.logDirs.of(one, broker.id) === logDir)),
      totalBytes,
      usableBytes: totalBytes - BigInt(used),
      isCordoned: cordoned.includes(logDir),
    })),
  }
})

function hosted(asked: Asked, { cluster, broker }: RequestContext): Partition[] {
  const all =
    asked === null
      ? [...cluster.topics].flatMap(({ partitions }) => partitions)
      : asked.flatMap(({ topic, partitions }) =>
          partitions.flatMap((index) => cluster.topics.partition(topic, index) ?? []),
        )
  return [...new Set(all)].filter(({ replicas }) => replicas.includes(broker.id))
}

function byTopic(partitions: readonly Partition[]) {
  const names = new Set(partitions.map(({ topic }) => topic.name))
  return [...names].map((name) => ({
    name,
    partitions: partitions
      .filter(({ topic }) => topic.name === name)
      .map(({ index, log }) => ({
        partitionIndex: index,
        partitionSize: BigInt(log.sizeInBytes),
        offsetLag: 0n,
        isFutureKey: false,
      })),
  }))
}
