export { describeClient } from './describe-client.ts'
export {
  JavaConsumer,
  type JavaConsumerOptions,
  type JavaConsumerRecord,
  startJavaConsumer,
} from './java-consumer.ts'
export { consoleOptions, kafkaTools, runKafkaTool } from './kafka-tool.ts'
export { kcatPath, runKcat } from './kcat.ts'
export { pythonPath, runPython } from './python.ts'
export { PythonMember } from './python-member.ts'
export type { CommandOptions, CommandResult } from './run-command.ts'
export { Signal } from './signal.ts'
