import { addAbortListener, removeAbortListener } from '../abort-listeners.ts'
import { Cluster } from '../cluster/cluster.ts'
import { Deadline } from '../deadline.ts'
import { IllegalStateError } from '../errors.ts'
import { clusterOptions } from '../options/cluster-options.ts'
import { parseOptions } from '../options/parse-options.ts'
import { type AdminOptions, adminOptions, type CallOptions } from './admin-options.ts'
import { checkInteger, checkObject, int32Max, invalidArgument } from './arguments.ts'
import { type ClusterDescription, type DescribeClusterOptions, describeCluster } from './describe-cluster.ts'
import {
  type DescribeTopicResult,
  describeTopics,
  type ListTopicsOptions,
  listTopics,
  type TopicListing,
} from './describe-topics.ts'
import { type GroupLagRow, groupLag } from './group-lag.ts'
import { type DescribeGroupResult, describeGroups } from './groups.ts'
import { type GroupListings, type ListGroupsOptions, listGroups } from './list-groups.ts'
import type { NewTopic } from './new-topic.ts'
import {
  type CreatePartitionsResult,
  type CreateTopicResult,
  createPartitions,
  createTopics,
  type DeleteTopicResult,
  deleteTopics,
  type NewPartitions,
  type TopicCallOptions,
  type TopicIds,
  type ValidatedTopicCallOptions,
} from './topics.ts'

export type { Node } from '../cluster/metadata.ts'
export type { TopicPartition } from '../cluster/partition-leaders.ts'
export type { AclOperation } from './acl-operation.ts'
export type { AdminOptions, CallOptions } from './admin-options.ts'
export type { ClusterDescription, DescribeClusterOptions } from './describe-cluster.ts'
export type {
  DescribeTopicResult,
  ListTopicsOptions,
  TopicDescription,
  TopicListing,
  TopicPartitionInfo,
} from './describe-topics.ts'
export type { GroupLagRow } from './group-lag.ts'
export type { DescribeGroupResult, GroupDescription, GroupMember } from './groups.ts'
export type {
  GroupListing,
  GroupListings,
  GroupState,
  GroupType,
  ListGroupsOptions,
} from './list-groups.ts'
export type { NewTopic } from './new-topic.ts'
export { allOrThrow, type ItemResult } from './results.ts'
export type {
  ConfigEntry,
  ConfigSource,
  CreatedTopic,
  CreatePartitionsResult,
  CreateTopicResult,
  DeleteTopicResult,
  NewPartitions,
  TopicCallOptions,
  TopicIds,
  ValidatedTopicCallOptions,
} from './topics.ts'

/**
 * Looks at a cluster and changes it: Java's Admin. Connects with the first call.
 *
 * A call about several items resolves to a result for each of them, in the order given. **An item that failed does not
 * make the call reject**: its result has an `error`. `allOrThrow(await admin.createTopics(...))` throws it instead. A
 * call rejects when it failed as a whole: wrong arguments (InvalidArgumentError), no way to the cluster, no answer
 * within `timeoutMs` (TimeoutError), the signal's reason, or IllegalStateError once the client is closed.
 */
export class Admin implements AsyncDisposable {
  readonly #cluster: Cluster
  readonly #defaultApiTimeoutMs: number
  /** Calls that are not over. */
  readonly #calls = new Map<AbortController, Promise<unknown>>()

  /** @throws InvalidOptionError that names the option, its value and what is allowed. */
  constructor(options: AdminOptions) {
    const parsed = parseOptions('admin', adminOptions, options)
    this.#defaultApiTimeoutMs = parsed.defaultApiTimeoutMs
    this.#cluster = new Cluster(clusterOptions(parsed, { allowAutoTopicCreation: false }))
  }

  /**
   * Creates topics. It is done when the controller has them: it can take brokers a moment longer to know of them.
   *
   * A request that got no answer is sent again, so a topic of this very call can come back as TOPIC_ALREADY_EXISTS
   * after the connection was lost, as in Java.
   */
  createTopics(
    topics: readonly NewTopic[],
    options: ValidatedTopicCallOptions = {},
  ): Promise<CreateTopicResult[]> {
    return this.#call(options, (deadline) => createTopics(this.#cluster, topics, options, deadline))
  }

  /** Deletes topics, by name or by `{ ids }` (Kafka 2.8). Their data is gone for good. */
  deleteTopics(
    topics: readonly string[] | TopicIds,
    options: TopicCallOptions = {},
  ): Promise<DeleteTopicResult[]> {
    return this.#call(options, (deadline) => deleteTopics(this.#cluster, topics, options, deadline))
  }

  /** Raises the number of partitions of topics (KIP-195). Records with keys go to other partitions from then on. */
  createPartitions(
    topics: readonly NewPartitions[],
    options: ValidatedTopicCallOptions = {},
  ): Promise<CreatePartitionsResult[]> {
    return this.#call(options, (deadline) => createPartitions(this.#cluster, topics, options, deadline))
  }

  /** All topics that this client may see, by name. */
  listTopics(options: ListTopicsOptions = {}): Promise<TopicListing[]> {
    return this.#call(options, (deadline) => listTopics(this.#cluster, options, deadline))
  }

  /**
   * Partitions, leaders and replicas of topics. A topic that the broker asked does not know has the error
   * UNKNOWN_TOPIC_OR_PARTITION at once: nothing is waited for, and nothing is created.
   */
  describeTopics(names: readonly string[], options: CallOptions = {}): Promise<DescribeTopicResult[]> {
    return this.#call(options, (deadline) => describeTopics(this.#cluster, names, deadline))
  }

  /** Id, controller and brokers of the cluster. */
  describeCluster(options: DescribeClusterOptions = {}): Promise<ClusterDescription> {
    return this.#call(options, (deadline) => describeCluster(this.#cluster, options, deadline))
  }

  /**
   * The groups of all brokers, and an error for each broker that could not be asked. Right after a broker has died, the
   * groups that move from it to another may be missing for a moment, without an error: no broker tells of them then.
   */
  listGroups(options: ListGroupsOptions = {}): Promise<GroupListings> {
    return this.#call(options, (deadline) => listGroups(this.#cluster, options, deadline))
  }

  /**
   * State, members and assignments of classic groups. A group that does not exist has the error GROUP_ID_NOT_FOUND
   * (before Kafka 4.0: the state `Dead`), and so has one of the new protocol (KIP-848).
   */
  describeGroups(groupIds: readonly string[], options: CallOptions = {}): Promise<DescribeGroupResult[]> {
    return this.#call(options, (deadline) => describeGroups(this.#cluster, groupIds, deadline))
  }

  /**
   * How far a group is behind, partition by partition: what `kafka-consumer-groups --describe` prints. Partitions that
   * a member is assigned to and that have no commit yet are there with nulls.
   *
   * @throws BrokerError GROUP_ID_NOT_FOUND when there is no such group.
   */
  groupLag(groupId: string, options: CallOptions = {}): Promise<GroupLagRow[]> {
    return this.#call(options, (deadline) => groupLag(this.#cluster, groupId, deadline))
  }

  /** Ends the calls under way with an IllegalStateError, and closes all connections. Again: does nothing. */
  async close(): Promise<void> {
    const reason = new IllegalStateError('the admin client is closed')
    const calls = [...this.#calls]
    // Before the connections go: a call would take their end for a failure that another try may mend.
    for (const [call] of calls) call.abort(reason)
    this.#cluster.close()
    await Promise.allSettled(calls.map(([, over]) => over))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #call<T>(options: CallOptions, work: (deadline: Deadline) => Promise<T>): Promise<T> {
    if (this.#cluster.isClosed) throw new IllegalStateError('the admin client is closed')
    checkObject('the options', options)
    const { timeoutMs = this.#defaultApiTimeoutMs, signal } = options
    checkInteger('timeoutMs', timeoutMs, 0, int32Max)
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw invalidArgument('signal', signal, 'an AbortSignal')
    }
    signal?.throwIfAborted()
    const call = new AbortController()
    const onAbort = () => call.abort(signal?.reason)
    addAbortListener(signal, onAbort)
    const over = work(new Deadline(timeoutMs, call.signal))
    this.#calls.set(call, over)
    try {
      return await over
    } finally {
      removeAbortListener(signal, onAbort)
      this.#calls.delete(call)
      // A call about many brokers that has failed with one of them still waits for the others: nobody wants these now.
      call.abort()
    }
  }
}
