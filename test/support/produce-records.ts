import { Cluster } from '../../src/cluster/cluster.ts'
import { Deadline } from '../../src/deadline.ts'
import { clientOptions } from '../../src/options/client-options.ts'
import { clusterOptions } from '../../src/options/cluster-options.ts'
import { parseOptions } from '../../src/options/parse-options.ts'
import { createTopics } from '../../src/protocol/apis/create-topics.ts'
import { initProducerId } from '../../src/protocol/apis/init-producer-id.ts'
import { produce } from '../../src/protocol/apis/produce.ts'
import { BrokerError, errorCodes } from '../../src/protocol/broker-errors.ts'
import {
  encodeRecordBatch,
  type RecordBatchOptions,
  type RecordInput,
} from '../../src/protocol/records/encode-record-batch.ts'

/** What the tests of the consumer need of the other side: topics, and batches written byte for byte. */
export class TopicWriter implements AsyncDisposable {
  readonly cluster: Cluster

  constructor(bootstrapServers: string) {
    const options = parseOptions('test client', clientOptions, { bootstrapServers })
    this.cluster = new Cluster(clusterOptions(options, { allowAutoTopicCreation: false }))
  }

  /** Creates the topic and waits until its partitions have leaders. */
  async createTopic(
    name: string,
    numPartitions = 1,
    configs: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const deadline = new Deadline(30_000)
    const response = await this.cluster.request(
      createTopics,
      {
        topics: [
          {
            name,
            numPartitions,
            replicationFactor: 1,
            configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
          },
        ],
        timeoutMs: 30_000,
      },
      { to: 'controller', deadline },
    )
    const errorCode = response.topics[0]?.errorCode ?? 0
    if (errorCode !== 0) throw new BrokerError(errorCode, { topic: name, api: 'CreateTopics' })
    const topic = await this.cluster.metadata.topic(name, deadline)
    while (topic.partitions.some((_, index) => this.#leader(name, index) < 0)) {
      await this.cluster.metadata.refresh([name])
    }
  }

  /** Writes one batch; gives the offset of its first record. */
  async write(
    topic: string,
    partition: number,
    records: readonly (Partial<RecordInput> | string)[],
    options: RecordBatchOptions = {},
    transactionalId: string | null = null,
  ): Promise<number> {
    const inputs = records.map((record, index) => ({
      offset: BigInt(index),
      timestamp: BigInt(Date.now()),
      key: null,
      value: null,
      ...(typeof record === 'string' ? { value: record } : record),
    }))
    return await this.writeBytes(topic, partition, encodeRecordBatch(options, inputs), transactionalId)
  }

  /** Again while the partition's leader does not yet know that it is that. */
  async writeBytes(
    topic: string,
    partition: number,
    records: Uint8Array,
    transactionalId: string | null = null,
  ): Promise<number> {
    const deadline = new Deadline(30_000)
    for (;;) {
      const answer = await this.#produce(topic, partition, records, transactionalId, deadline)
      if (answer.errorCode === errorCodes.none) return Number(answer.baseOffset)
      const error = new BrokerError(answer.errorCode, { topic, partition, api: 'Produce' })
      if (!error.retriable || deadline.expired) throw error
      await deadline.race(this.cluster.metadata.refresh([topic]), 'metadata')
    }
  }

  /** Begins as a transactional producer; what the one before under this name has left open is aborted by that. */
  async initTransactions(transactionalId: string): Promise<RecordBatchOptions> {
    const { producerId, producerEpoch } = await this.cluster.request(
      initProducerId,
      { transactionalId, transactionTimeoutMs: 60_000 },
      {
        to: { transaction: transactionalId },
        deadline: new Deadline(30_000),
        errorOf: ({ errorCode }) => errorCode,
      },
    )
    return { producerId, producerEpoch, baseSequence: 0, isTransactional: true }
  }

  async #produce(
    topic: string,
    partition: number,
    records: Uint8Array,
    transactionalId: string | null,
    deadline: Deadline,
  ) {
    const { id } = await this.cluster.metadata.topic(topic, deadline)
    const response = await this.cluster.request(
      produce,
      (version) => ({
        transactionalId,
        acks: -1,
        timeoutMs: 30_000,
        topicData: [
          {
            ...(version >= 13 ? { topicId: id! } : { name: topic }),
            partitionData: [{ index: partition, records }],
          },
        ],
      }),
      { to: { node: this.#leader(topic, partition) }, deadline },
    )
    return response.responses[0]!.partitionResponses[0]!
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cluster.close()
  }

  #leader(topic: string, partition: number): number {
    return this.cluster.metadata.partition(topic, partition)?.leader ?? -1
  }
}
