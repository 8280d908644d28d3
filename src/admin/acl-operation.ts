/** What can be allowed or denied (Java's AclOperation), by its number on the wire. */
const operations = [
  'UNKNOWN',
  'ANY',
  'ALL',
  'READ',
  'WRITE',
  'CREATE',
  'DELETE',
  'ALTER',
  'DESCRIBE',
  'CLUSTER_ACTION',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
  'IDEMPOTENT_WRITE',
  'CREATE_TOKENS',
  'DESCRIBE_TOKENS',
  'TWO_PHASE_COMMIT',
] as const

export type AclOperation = (typeof operations)[number]

/** What brokers answer when they were not asked, or do not know (KIP-430). */
const notTold = -0x80000000

/** The operations whose bits are set; null when the broker does not tell. Those of a newer Kafka are left out. */
export function authorizedOperations(bits: number): AclOperation[] | null {
  return bits === notTold ? null : operations.filter((_, number) => (bits & (1 << number)) !== 0)
}
