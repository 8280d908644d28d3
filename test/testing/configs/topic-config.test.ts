import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../../src/errors.ts'
import { BrokerConfig } from '../../../src/testing/configs/broker-config.ts'
import { GroupConfig } from '../../../src/testing/configs/group-config.ts'
import {
  brokerConfigDefinitions,
  topicConfigDefinitions,
} from '../../../src/testing/configs/known-configs.ts'
import { TopicConfig } from '../../../src/testing/configs/topic-config.ts'

describe('TopicConfig', () => {
  it("has Kafka's defaults for all that it knows", () => {
    const config = new TopicConfig(new BrokerConfig())
    for (const { name, defaultValue } of topicConfigDefinitions().values()) {
      expect([name, config.value(name)]).toEqual([name, defaultValue])
    }
    expect(config.getNumber('retention.ms')).toBe(604_800_000)
    expect(config.getList('cleanup.policy')).toEqual(['delete'])
    expect(config.getString('message.timestamp.type')).toBe('CreateTime')
    expect(config.getBoolean('preallocate')).toBe(false)
  })

  it('follows the broker, also when it changes', () => {
    const broker = new BrokerConfig({ 'message.max.bytes': '1000' })
    const config = new TopicConfig(broker)
    expect(config.getNumber('max.message.bytes')).toBe(1000)
    broker.set('message.max.bytes', '2000')
    expect(config.getNumber('max.message.bytes')).toBe(2000)
  })

  it('goes by its own values first', () => {
    const config = new TopicConfig(new BrokerConfig({ 'message.max.bytes': '1000' }), {
      'max.message.bytes': '5',
    })
    expect(config.getNumber('max.message.bytes')).toBe(5)
    config.set('cleanup.policy', 'compact')
    expect([...config.overrides()]).toEqual([
      ['max.message.bytes', '5'],
      ['cleanup.policy', 'compact'],
    ])
    config.delete('max.message.bytes')
    expect(config.getNumber('max.message.bytes')).toBe(1000)
  })

  it('counts milliseconds before minutes before hours', () => {
    const broker = new BrokerConfig({ 'log.retention.hours': '5' })
    const config = new TopicConfig(broker)
    expect(config.getNumber('retention.ms')).toBe(18_000_000)
    broker.set('log.retention.minutes', '3')
    expect(config.getNumber('retention.ms')).toBe(180_000)
    broker.set('log.retention.ms', '7')
    expect(config.getNumber('retention.ms')).toBe(7)
  })

  it('takes hours below none for no limit', () => {
    const config = new TopicConfig(new BrokerConfig({ 'log.retention.hours': '-1' }))
    expect(config.getNumber('retention.ms')).toBe(-1)
  })

  // Recorded from Kafka 4.3.1.
  it('tells where a value comes from as Kafka does', () => {
    const broker = new BrokerConfig({ 'log.retention.hours': '5' })
    const config = new TopicConfig(broker, { 'segment.bytes': '4000000' })
    expect(config.describe('retention.ms')).toMatchObject({ value: '18000000', source: 5, synonyms: [] })
    broker.set('log.retention.ms', '1234')
    expect(config.describe('retention.ms')).toMatchObject({
      value: '1234',
      source: 2,
      synonyms: [
        { name: 'log.retention.ms', value: '1234', source: 2 },
        { name: 'log.retention.hours', value: '5', source: 4 },
        { name: 'log.retention.hours', value: '168', source: 5 },
      ],
    })
    expect(config.describe('segment.bytes')).toMatchObject({
      value: '4000000',
      source: 1,
      synonyms: [
        { name: 'segment.bytes', value: '4000000', source: 1 },
        { name: 'log.segment.bytes', value: '1073741824', source: 5 },
      ],
    })
  })

  it('refuses what a broker refuses, and names the config that was meant', () => {
    const config = new TopicConfig(new BrokerConfig())
    expect(() => config.set('retention.ms', '-5')).toThrow(
      new InvalidOptionError('Invalid value -5 for configuration retention.ms: Value must be at least -1'),
    )
    const meant = "unknown topic config 'retension.ms'; did you mean 'retention.ms'?"
    expect(() => new TopicConfig(new BrokerConfig(), { 'retension.ms': '1' })).toThrow(meant)
    expect(() => config.getNumber('retension.ms')).toThrow(meant)
    expect(() => config.delete('retension.ms')).toThrow(meant)
    expect(config.overrides().size).toBe(0)
  })

  it('follows broker configs that there are', () => {
    const synonyms = [...topicConfigDefinitions().values()].flatMap((definition) => definition.synonyms)
    expect(synonyms.length).toBeGreaterThan(30)
    expect(synonyms.filter((name) => !brokerConfigDefinitions().has(name))).toEqual([])
  })
})

describe('GroupConfig', () => {
  it('follows the broker unless it is set', () => {
    const broker = new BrokerConfig({ 'group.consumer.session.timeout.ms': '50000' })
    const config = new GroupConfig(broker)
    expect(config.getNumber('consumer.session.timeout.ms')).toBe(50_000)
    expect(config.getString('share.auto.offset.reset')).toBe('latest')
    config.set('consumer.session.timeout.ms', '46000')
    expect(config.describe('consumer.session.timeout.ms')).toMatchObject({ value: '46000', source: 8 })
    config.delete('consumer.session.timeout.ms')
    expect(config.describe('consumer.session.timeout.ms')).toMatchObject({ value: '50000', source: 4 })
  })

  it('refuses values of another type and unknown names', () => {
    const config = new GroupConfig(new BrokerConfig())
    expect(() => config.set('consumer.session.timeout.ms', 'x')).toThrow(/Not a number of type INT/)
    expect(() => config.set('consumer.session.timeout', '1')).toThrow(
      /did you mean 'consumer.session.timeout.ms'/,
    )
  })
})
