import { JavaProcess } from '../real-kafka/java-process.ts'
import { kafkaJars, kafkaVersion } from '../real-kafka/kafka-jars.ts'
import { type CommandOptions, type CommandResult, finish } from './run-command.ts'

/** Command-line classes of Kafka by the name of their script. */
export const kafkaTools = {
  topics: 'org.apache.kafka.tools.TopicCommand',
  configs: 'kafka.admin.ConfigCommand',
  acls: 'org.apache.kafka.tools.AclCommand',
  consoleProducer: 'org.apache.kafka.tools.ConsoleProducer',
  consoleConsumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  consumerGroups: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  shareGroups: 'org.apache.kafka.tools.consumer.group.ShareGroupCommand',
  groups: 'org.apache.kafka.tools.GroupsCommand',
  transactions: 'org.apache.kafka.tools.TransactionsCommand',
  deleteRecords: 'org.apache.kafka.tools.DeleteRecordsCommand',
  reassignPartitions: 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  leaderElection: 'org.apache.kafka.tools.LeaderElectionCommand',
  features: 'org.apache.kafka.tools.FeatureCommand',
  logDirs: 'org.apache.kafka.tools.LogDirsCommand',
  delegationTokens: 'org.apache.kafka.tools.DelegationTokenCommand',
  brokerApiVersions: 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  getOffsets: 'org.apache.kafka.tools.GetOffsetShell',
  cluster: 'org.apache.kafka.tools.ClusterTool',
  metadataQuorum: 'org.apache.kafka.tools.MetadataQuorumCommand',
  producerPerformance: 'org.apache.kafka.tools.ProducerPerformance',
  consumerPerformance: 'org.apache.kafka.tools.ConsumerPerformance',
  verifiableProducer: 'org.apache.kafka.tools.VerifiableProducer',
  verifiableConsumer: 'org.apache.kafka.tools.VerifiableConsumer',
  messageCopier: 'org.apache.kafka.tools.TransactionalMessageCopier',
} as const

const [major = 0, minor = 0] = kafkaVersion.split('.').map(Number)
const hasNewNames = major > 4 || (major === 4 && minor >= 2)

/** Options of the console tools that KIP-1147 (4.2) renamed; under its old name each prints a warning. */
export const consoleOptions = hasNewNames
  ? { formatter: '--formatter-property', reader: '--reader-property', client: '--command-property' }
  : { formatter: '--property', reader: '--property', client: '--consumer-property' }

export const toolJvmOptions = ['-Xmx256m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

/**
 * Runs one of Kafka's own command-line classes to its end; its warnings are on stderr. Takes a good second. An exit
 * code other than 0 is a result, not an error.
 *
 * @throws if it needs longer than `timeoutMs`.
 */
export async function runKafkaTool(
  className: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const java = new JavaProcess({
    jars: await kafkaJars(),
    jvmOptions: toolJvmOptions,
    mainClass: className,
    args,
  })
  const command = {
    stdin: java.stdin,
    stdout: java.stdout,
    stderr: java.stderr,
    exited: java.exited,
    kill: () => java.signalGroup('SIGKILL'),
  }
  return await finish(className, command, options)
}
