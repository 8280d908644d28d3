import type { FollowerConfigRow } from './config-definitions.ts'

/** Configs of a subscription to client metrics (KIP-714) in Kafka 4.3. Recorded by scripts/record-broker-tables.ts. */
export const clientMetricsConfigs: readonly FollowerConfigRow[] = [
  // name, type, default, the broker configs that it follows: the first with a value counts
  ['interval.ms', 'INT', '300000', []],
  ['match', 'LIST', '', []],
  ['metrics', 'LIST', '', []],
]
