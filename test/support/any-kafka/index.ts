export { type AnyKafka, type DescribeAnyKafkaOptions, describeAnyKafka } from './describe-any-kafka.ts'
export { type MemoryKafka, startMemoryKafka } from './memory-kafka.ts'
