/** A difference that is meant to be. One that is no more fails the test, so that the list stays true. */
export interface KnownDifference {
  /** Of the cases' names. */
  readonly in: RegExp
  /** Of the places of the differences. */
  readonly at: RegExp
  /** As it stands in docs/testing.md. */
  readonly reason: string
}

export const knownDifferences: readonly KnownDifference[] = [
  {
    in: /^ApiVersions/,
    at: /\.apiKeys\.key8[3-9]$/,
    reason:
      'no streams groups (KIP-1071), and none of the APIs by which coordinators of share groups speak to each other',
  },
  {
    in: /^ApiVersions: what is no request/,
    at: /of -2 topics/,
    reason: 'a list of a length below -1 is no request here; Kafka takes it for null, as -1',
  },
  {
    in: /^TxnOffsetCommit/,
    at: /errorCode$/,
    reason:
      'the transactional id is looked at even when the producer has an open transaction in the group already',
  },
  {
    in: /^DescribeConfigs: of topics/,
    at: /\.documentation$/,
    reason: "the documentation of a config is no copy of Kafka's",
  },
]
