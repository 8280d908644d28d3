import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createTopics } from '../../../src/protocol/apis/create-topics.ts'
import {
  validateTopicConfig,
  validateTopicConfigs,
} from '../../../src/testing/configs/validate-topic-config.ts'
import { describeKafka } from '../../support/real-kafka/index.ts'
import { connectToKafka, skipUnlessRecorded } from '../recorded-kafka.ts'

type Values = readonly (readonly [string, string | null])[]

const invalidConfig = 40
const throttled = 'leader.replication.throttled.replicas'

/** One config each; a real broker judges them too. */
const single: Values = [
  ['retention.ms', '-1'],
  ['retention.ms', '-5'],
  ['retention.ms', ' -7 '],
  ['retention.ms', ' 5 '],
  ['retention.ms', '+5'],
  ['retention.ms', ''],
  ['retention.ms', 'abc'],
  ['retention.ms', '1.5'],
  ['retention.ms', '0x10'],
  ['retention.ms', '9223372036854775807'],
  ['retention.ms', '9223372036854775808'],
  ['retention.ms', null],
  ['retention.bytes', '-7'],
  ['no.such.config', '1'],
  ['segment.bytes', '1048576'],
  ['segment.bytes', '1048575'],
  ['segment.bytes', '3000000000'],
  ['internal.segment.bytes', '1000'],
  ['internal.segment.bytes', 'x'],
  ['segment.ms', '0'],
  ['segment.index.bytes', '3'],
  ['flush.messages', '0'],
  ['flush.ms', '-1'],
  ['max.message.bytes', '-1'],
  ['index.interval.bytes', '-1'],
  ['delete.retention.ms', '-1'],
  ['file.delete.delay.ms', '-1'],
  ['max.compaction.lag.ms', '0'],
  ['local.retention.ms', '-3'],
  ['local.retention.bytes', '-2'],
  ['message.timestamp.before.max.ms', '-1'],
  ['message.timestamp.after.max.ms', '-1'],
  ['min.insync.replicas', '0'],
  ['min.insync.replicas', '9'],
  ['min.cleanable.dirty.ratio', '0.5d'],
  ['min.cleanable.dirty.ratio', 'NaN'],
  ['min.cleanable.dirty.ratio', '2'],
  ['min.cleanable.dirty.ratio', '1.5'],
  ['min.cleanable.dirty.ratio', '-0.1'],
  ['min.cleanable.dirty.ratio', '20000000'],
  ['min.cleanable.dirty.ratio', '-0.00001'],
  ['min.cleanable.dirty.ratio', '1e22'],
  ['min.cleanable.dirty.ratio', 'Infinity'],
  ['min.cleanable.dirty.ratio', 'half'],
  ['cleanup.policy', 'delete'],
  ['cleanup.policy', 'compact, delete'],
  ['cleanup.policy', 'delete,delete'],
  ['cleanup.policy', ''],
  ['cleanup.policy', 'delete,'],
  ['cleanup.policy', 'nope,'],
  ['cleanup.policy', ','],
  ['cleanup.policy', 'delete,nope,other'],
  ['cleanup.policy', 'Delete'],
  ['compression.type', ' zstd '],
  ['compression.type', 'brotli'],
  ['compression.type', ' zz '],
  ['compression.gzip.level', '-1'],
  ['compression.gzip.level', '0'],
  ['compression.gzip.level', '10'],
  ['compression.lz4.level', '18'],
  ['compression.zstd.level', '-131073'],
  ['compression.zstd.level', '23'],
  ['message.timestamp.type', 'createtime'],
  ['preallocate', ' TRUE '],
  ['preallocate', ' no '],
  ['unclean.leader.election.enable', '1'],
  [throttled, '*'],
  [throttled, '*,'],
  [throttled, ''],
  [throttled, '0:1, 2:3'],
  [throttled, '0:1,'],
  [throttled, '0'],
  [throttled, 'a:b, *'],
  ['remote.storage.enable', 'false'],
  ['remote.storage.enable', 'true'],
]

/** Several together, for what is told first and for those that do not go together. */
const together: readonly Values[] = [
  [
    ['retention.ms', '-4'],
    ['retention.bytes', 'x'],
  ],
  [
    ['retention.ms', '-7'],
    ['no.such.config', '1'],
  ],
  [
    ['retention.ms', null],
    ['no.such.config', '1'],
  ],
  [
    ['min.compaction.lag.ms', '5'],
    ['max.compaction.lag.ms', '4'],
  ],
  [
    ['min.compaction.lag.ms', '5'],
    ['max.compaction.lag.ms', '5'],
  ],
  [
    ['remote.storage.enable', 'true'],
    ['min.compaction.lag.ms', '5'],
    ['max.compaction.lag.ms', '4'],
  ],
  [
    ['local.retention.ms', '5'],
    ['retention.ms', '4'],
  ],
]

describe('validateTopicConfig', () => {
  it.each([
    ['retention.ms', '-5', 'Invalid value -5 for configuration retention.ms: Value must be at least -1'],
    ['retention.ms', 'abc', 'Invalid value abc for configuration retention.ms: Not a number of type LONG'],
    ['retention.ms', null, 'Null value not supported for topic configs: retention.ms'],
    ['no.such.config', '1', 'Unknown topic config name: no.such.config'],
    [
      'cleanup.policy',
      'nope',
      'Invalid value nope for configuration cleanup.policy: String must be one of: compact, delete',
    ],
    ['cleanup.policy', 'delete,', "Configuration 'cleanup.policy' values must not be empty."],
    [
      'preallocate',
      'yes',
      'Invalid value yes for configuration preallocate: Expected value to be either true or false',
    ],
    [
      'min.cleanable.dirty.ratio',
      '20000000',
      'Invalid value 2.0E7 for configuration min.cleanable.dirty.ratio: Value must be no more than 1',
    ],
  ])('says what is wrong with %s=%s', (name, value, message) => {
    expect(validateTopicConfig(name, value)).toBe(message)
  })

  it.each([
    ['retention.ms', '-1'],
    ['retention.ms', ' +5 '],
    ['cleanup.policy', 'compact, delete'],
    ['cleanup.policy', ''],
    ['preallocate', 'TRUE'],
    ['min.cleanable.dirty.ratio', '0.5d'],
  ])('has nothing to say about %s=%s', (name, value) => {
    expect(validateTopicConfig(name, value)).toBeNull()
  })

  it("tells of several faults the first in Kafka's order, unknown names before wrong values", () => {
    const wrong: Values = [
      ['retention.ms', '-4'],
      ['retention.bytes', 'x'],
    ]
    const bytes = 'Invalid value x for configuration retention.bytes: Not a number of type LONG'
    expect(validateTopicConfigs(wrong)).toBe(bytes)
    expect(validateTopicConfigs(wrong.toReversed())).toBe(bytes)
    expect(validateTopicConfigs([...wrong, ['no.such', '1']])).toBe('Unknown topic config name: no.such')
  })

  it('holds compaction lags against the value in force of the one that is not set', () => {
    const conflict = 'conflict topic config setting min.compaction.lag.ms (5) > max.compaction.lag.ms (4)'
    expect(validateTopicConfigs([['min.compaction.lag.ms', '5']], () => '4')).toBe(conflict)
    expect(validateTopicConfigs([['min.compaction.lag.ms', '4']], () => '4')).toBeNull()
  })
})

describeKafka('a real broker', (kafka) => {
  it('judges topic configs with the same codes and words', async (context) => {
    await using connection = await connectToKafka(kafka)
    await skipUnlessRecorded(connection, context)
    const cases = [...single.map((one) => [one]), ...together]
    const topics = cases.map((values) => ({
      name: `validate-${randomUUID()}`,
      numPartitions: 1,
      replicationFactor: 1,
      configs: values.map(([name, value]) => ({ name, value })),
    }))
    const { decoded } = await connection.send(createTopics, 7, { topics, validateOnly: true })
    const answers = new Map(decoded?.topics.map((topic) => [topic.name, topic]))
    const real = topics.map(({ name, configs }) => {
      const answer = answers.get(name)
      return { configs, code: answer?.errorCode, message: answer?.errorMessage }
    })
    const ours = topics.map(({ configs }) => {
      const message = validateTopicConfigs(configs.map(({ name, value }) => [name, value]))
      return { configs, code: message === null ? 0 : invalidConfig, message }
    })
    expect(real).toEqual(ours)
    expect(real.filter(({ code }) => code === 0).length).toBeGreaterThan(15)
    expect(real.filter(({ code }) => code === invalidConfig).length).toBeGreaterThan(30)
  })
})
