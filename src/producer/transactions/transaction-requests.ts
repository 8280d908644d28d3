import { Backoff } from '../../backoff.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { byTopic, partitionKey } from '../../cluster/partition-leaders.ts'
import type { Deadline } from '../../deadline.ts'
import { BrokerError, UnsupportedVersionError } from '../../errors.ts'
import type { Connection } from '../../network/connection.ts'
import { addOffsetsToTxn } from '../../protocol/apis/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../../protocol/apis/add-partitions-to-txn.ts'
import { endTxn } from '../../protocol/apis/end-txn.ts'
import { initProducerId } from '../../protocol/apis/init-producer-id.ts'
import { txnOffsetCommit } from '../../protocol/apis/txn-offset-commit.ts'
import { brokerErrorInfo, errorCodes } from '../../protocol/broker-errors.ts'
import type { PartitionQueue, ProducerIdentity } from '../partition-queue.ts'
import { askCoordinator } from './ask-coordinator.ts'
import type { ConsumerGroupMetadata, TransactionOffset } from './transaction-offsets.ts'

/** First versions of KIP-890, for clusters with `transaction.version` 2 alone. */
const firstOfVersion2 = { endTxn: 5, txnOffsetCommit: 5 } as const
/** Later versions are for brokers. */
const highestAddPartitions = 3
/** Later versions know topics by id alone. */
const highestOffsetCommit = 5

/** What the coordinator can do, as its answer to ApiVersions says. */
export interface CoordinatorAbilities {
  /** Transactions of KIP-890: no AddPartitionsToTxn, and each end raises the epoch. */
  readonly isVersion2: boolean
  /** Gives the next epoch to a producer that names the one it has (KIP-360). */
  readonly canRaiseEpoch: boolean
}

/** What a transactional producer asks the coordinators, each until it is answered. */
export class TransactionRequests {
  readonly #cluster: Cluster
  readonly #transactionalId: string
  readonly #timeoutMs: number

  /** @param timeoutMs `transactionTimeoutMs`. */
  constructor(cluster: Cluster, transactionalId: string, timeoutMs: number) {
    this.#cluster = cluster
    this.#transactionalId = transactionalId
    this.#timeoutMs = timeoutMs
  }

  /** @param held the identity to be given the next epoch; null: claims the id from whoever has it. */
  async init(
    held: ProducerIdentity | null,
    deadline: Deadline,
  ): Promise<{ identity: ProducerIdentity; abilities: CoordinatorAbilities }> {
    let abilities: CoordinatorAbilities = { isVersion2: false, canRaiseEpoch: false }
    const response = await askCoordinator(
      this.#cluster,
      initProducerId,
      {
        transactionalId: this.#transactionalId,
        transactionTimeoutMs: this.#timeoutMs,
        ...(held === null ? {} : { producerId: held.producerId, producerEpoch: held.producerEpoch }),
      },
      {
        ...this.#to(deadline),
        errorOf: (answer) => answer.errorCode,
        onConnection: (connection) => {
          abilities = abilitiesOf(connection)
        },
      },
    )
    return { identity: transactional(response), abilities }
  }

  /**
   * Before KIP-890: names partitions before they are written to.
   *
   * @param isWanted false once they will not be: an answer that asks for another try is then the last. It says that the
   *   coordinator has added nothing, which no answer at all would not.
   * @throws BrokerError of the first partition that was refused.
   */
  async addPartitions(
    identity: ProducerIdentity,
    queues: readonly PartitionQueue[],
    isWanted: () => boolean,
    deadline: Deadline,
  ): Promise<void> {
    const response = await askCoordinator(
      this.#cluster,
      addPartitionsToTxn,
      {
        v3AndBelowTransactionalId: this.#transactionalId,
        v3AndBelowProducerId: identity.producerId,
        v3AndBelowProducerEpoch: identity.producerEpoch,
        v3AndBelowTopics: [...byTopic(queues)].map(([name, mine]) => ({
          name,
          partitions: mine.map(({ partition }) => partition),
        })),
      },
      {
        ...this.#to(deadline),
        maxVersion: highestAddPartitions,
        // Until they are told apart below, the ones that are worth another try; they are the same for all partitions.
        errorOf: ({ resultsByTopicV3AndBelow }) => {
          if (!isWanted()) return errorCodes.none
          const codes = resultsByTopicV3AndBelow.flatMap((topic) =>
            topic.resultsByPartition.map((one) => one.partitionErrorCode),
          )
          return codes.find((code) => code !== errorCodes.none && brokerErrorInfo(code).retriable) ?? 0
        },
      },
    )
    const answered = new Map<string, number>()
    for (const { name, resultsByPartition } of response.resultsByTopicV3AndBelow) {
      for (const { partitionIndex, partitionErrorCode } of resultsByPartition) {
        answered.set(partitionKey({ topic: name, partition: partitionIndex }), partitionErrorCode)
      }
    }
    let refused: BrokerError | null = null
    for (const { topic, partition } of queues) {
      const code = answered.get(partitionKey({ topic, partition })) ?? errorCodes.unknownServerError
      if (code === errorCodes.none) continue
      const error = new BrokerError(code, { topic, partition, api: 'AddPartitionsToTxn' })
      // It says only that another one was refused.
      if (refused === null || refused.errorCode === errorCodes.operationNotAttempted) refused = error
    }
    if (refused !== null) throw refused
  }

  /** Before KIP-890: names a group before its offsets are committed. */
  async addOffsets(identity: ProducerIdentity, groupId: string, deadline: Deadline): Promise<void> {
    const { producerId, producerEpoch } = identity
    await askCoordinator(
      this.#cluster,
      addOffsetsToTxn,
      { transactionalId: this.#transactionalId, producerId, producerEpoch, groupId },
      { ...this.#to(deadline), groupId, errorOf: (answer) => answer.errorCode },
    )
  }

  /**
   * Gives the group's coordinator the offsets; they count when the transaction is committed.
   *
   * @throws BrokerError of the first partition that was refused.
   * @throws UnsupportedVersionError when the brokers cannot check the member (before 2.5), and it has a generation.
   */
  async commitOffsets(
    { producerId, producerEpoch }: ProducerIdentity,
    group: ConsumerGroupMetadata,
    offsets: readonly TransactionOffset[],
    isVersion2: boolean,
    deadline: Deadline,
  ): Promise<void> {
    const { groupId, generationId, memberId, groupInstanceId } = group
    const backoff = new Backoff(this.#cluster.options.retryBackoffMs, this.#cluster.options.retryBackoffMaxMs)
    let left = offsets
    for (;;) {
      const response = await askCoordinator(
        this.#cluster,
        txnOffsetCommit,
        (version) => {
          if (version < 3 && generationId >= 0) {
            throw new UnsupportedVersionError(
              'TxnOffsetCommit: these brokers do not know the generation of a group (KIP-447, Kafka 2.5): ' +
                "give the offsets with a generationId of -1 and a transactional id for each of the input's partitions",
              { groupId, api: 'TxnOffsetCommit' },
            )
          }
          return {
            transactionalId: this.#transactionalId,
            groupId,
            producerId,
            producerEpoch,
            ...(version >= 3 ? { generationIdOrMemberEpoch: generationId, memberId, groupInstanceId } : {}),
            topics: [...byTopic(left)].map(([name, mine]) => ({
              name,
              partitions: mine.map(({ partition, offset, leaderEpoch, metadata }) => ({
                partitionIndex: partition,
                committedOffset: BigInt(offset),
                committedLeaderEpoch: leaderEpoch ?? -1,
                committedMetadata: metadata ?? '',
              })),
            })),
          }
        },
        {
          to: { group: groupId },
          deadline,
          groupId,
          maxVersion: isVersion2 ? highestOffsetCommit : firstOfVersion2.txnOffsetCommit - 1,
          // An answer that all partitions have alike is one about the group or its coordinator.
          errorOf: ({ topics }) => {
            const codes = new Set(topics.flatMap((topic) => topic.partitions.map((one) => one.errorCode)))
            const [only = 0] = codes
            return codes.size === 1 ? only : errorCodes.none
          },
        },
      )
      const retry: TransactionOffset[] = []
      const answered = new Map<string, number>()
      for (const { name, partitions } of response.topics) {
        for (const { partitionIndex, errorCode } of partitions) {
          answered.set(partitionKey({ topic: name, partition: partitionIndex }), errorCode)
        }
      }
      let last: BrokerError | null = null
      for (const one of left) {
        const { topic, partition } = one
        const code = answered.get(partitionKey(one)) ?? errorCodes.unknownServerError
        if (code === errorCodes.none) continue
        last = new BrokerError(code, { topic, partition, groupId, api: 'TxnOffsetCommit' })
        if (!last.retriable) throw last
        retry.push(one)
      }
      if (last === null) return
      if (deadline.expired) throw last
      left = retry
      await this.#cluster.pause(backoff.next(), deadline)
    }
  }

  /** Ends the transaction; gives the identity for the next one. A repetition whose answer was lost does no harm. */
  async end(
    identity: ProducerIdentity,
    committed: boolean,
    isVersion2: boolean,
    deadline: Deadline,
  ): Promise<ProducerIdentity> {
    const { producerId, producerEpoch } = identity
    const response = await askCoordinator(
      this.#cluster,
      endTxn,
      { transactionalId: this.#transactionalId, producerId, producerEpoch, committed },
      {
        ...this.#to(deadline),
        maxVersion: isVersion2 ? firstOfVersion2.endTxn : firstOfVersion2.endTxn - 1,
        errorOf: (answer) => answer.errorCode,
      },
    )
    return response.producerId >= 0n ? transactional(response) : identity
  }

  #to(deadline: Deadline) {
    return { to: { transaction: this.#transactionalId }, deadline }
  }
}

function transactional({ producerId, producerEpoch }: ProducerIdentity): ProducerIdentity {
  return { producerId, producerEpoch, isTransactional: true }
}

function abilitiesOf(connection: Connection): CoordinatorAbilities {
  return {
    isVersion2:
      connection.feature('transaction.version') >= 2 && connection.version(endTxn) >= firstOfVersion2.endTxn,
    canRaiseEpoch: connection.version(initProducerId) >= 3,
  }
}
