import { Backoff } from '../../backoff.ts'
import type { Cluster, RequestOptions } from '../../cluster/cluster.ts'
import type { Body } from '../../network/connection.ts'
import { errorCodes } from '../../protocol/broker-errors.ts'
import type { Api } from '../../protocol/message.ts'
import type { FieldMap, StructOf } from '../../protocol/schema.ts'

/** Markers of the transaction before are written in a few milliseconds (Java's ADD_PARTITIONS_RETRY_BACKOFF_MS). */
const concurrentBackoffMs = 20

/**
 * Asks until there is an answer or an error that no retry mends. While the transaction before is still being ended, that
 * is sooner than after other errors.
 */
export async function askCoordinator<Q extends FieldMap, S extends FieldMap>(
  cluster: Cluster,
  api: Api<Q, S>,
  body: Body<Q>,
  options: RequestOptions<S> & { readonly errorOf: (response: StructOf<S>) => number },
): Promise<StructOf<S>> {
  const { errorOf, deadline } = options
  const backoff = new Backoff(concurrentBackoffMs, cluster.options.retryBackoffMaxMs)
  for (;;) {
    let isConcurrent = false
    const response = await cluster.request(api, body, {
      ...options,
      errorOf: (answer) => {
        const code = errorOf(answer)
        // At its deadline this is an error like any other.
        isConcurrent = code === errorCodes.concurrentTransactions && !deadline.expired
        return isConcurrent ? errorCodes.none : code
      },
    })
    if (!isConcurrent) return response
    await cluster.pause(backoff.next(), deadline)
  }
}
