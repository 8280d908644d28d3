export {
  JavaConsumer,
  type JavaConsumerOptions,
  type JavaConsumerRecord,
  startJavaConsumer,
} from './java-consumer.ts'
export { consoleOptions, kafkaTools, runKafkaTool } from './kafka-tool.ts'
export { kcatPath, runKcat } from './kcat.ts'
export type { CommandOptions, CommandResult } from './run-command.ts'
