/** One figure of a client, under the name that Java's client has for it. */
export interface Metric {
  /** `record-send-rate`. */
  readonly name: string
  /** `producer-metrics`, `producer-topic-metrics`. */
  readonly group: string
  /** What it is about: always `client-id`, and `topic`, `partition` or `node-id` where it is about one. */
  readonly tags: Readonly<Record<string, string>>
  /** NaN where nothing was measured in the window. */
  readonly value: number
  readonly description: string
}
