import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../../src/errors.ts'
import { BrokerConfig } from '../../../src/testing/configs/broker-config.ts'
import { brokerConfigDefinitions } from '../../../src/testing/configs/known-configs.ts'

describe('BrokerConfig', () => {
  it("has Kafka's defaults, by type", () => {
    const config = new BrokerConfig()
    expect(config.getNumber('num.partitions')).toBe(1)
    expect(config.getNumber('log.retention.bytes')).toBe(-1)
    expect(config.getNumber('log.cleaner.min.cleanable.ratio')).toBe(0.5)
    expect(config.getBoolean('auto.create.topics.enable')).toBe(true)
    expect(config.getString('compression.type')).toBe('producer')
    expect(config.getString('broker.rack')).toBeNull()
    expect(config.getList('group.consumer.assignors')).toEqual(['uniform', 'range'])
    expect(config.getList('log.dirs')).toEqual([])
  })

  it('differs from Kafka where tests would wait or lack brokers', () => {
    const factor = 'transaction.state.log.replication.factor'
    expect(new BrokerConfig().getNumber('group.initial.rebalance.delay.ms')).toBe(0)
    expect([1, 2, 3, 5].map((brokers) => new BrokerConfig({}, brokers).getNumber(factor))).toEqual([
      1, 2, 3, 3,
    ])
    const inSync = 'transaction.state.log.min.isr'
    expect([1, 2, 3].map((brokers) => new BrokerConfig({}, brokers).getNumber(inSync))).toEqual([1, 2, 2])
    expect(new BrokerConfig({ [factor]: '2' }, 5).getNumber(factor)).toBe(2)
  })

  it('reads values with blanks, as Java does', () => {
    const config = new BrokerConfig({ 'num.partitions': ' +12 ', 'auto.create.topics.enable': ' False ' })
    expect(config.getNumber('num.partitions')).toBe(12)
    expect(config.getBoolean('auto.create.topics.enable')).toBe(false)
    config.set('log.cleanup.policy', ' compact , delete ')
    expect(config.getList('log.cleanup.policy')).toEqual(['compact', 'delete'])
  })

  it('names a config that is not known and the one that is nearest', () => {
    const message = "unknown broker config 'num.partition'; did you mean 'num.partitions'?"
    expect(() => new BrokerConfig({ 'num.partition': '3' })).toThrow(new InvalidOptionError(message))
    expect(() => new BrokerConfig().getNumber('num.partition')).toThrow(message)
    expect(() => new BrokerConfig().set('num.partition', '3')).toThrow(message)
    expect(() => new BrokerConfig().delete('num.partition')).toThrow(message)
    expect(() => new BrokerConfig().getNumber('x')).toThrow(/^unknown broker config 'x'$/)
  })

  it.each([
    [
      'num.partitions',
      'many',
      'Invalid value many for configuration num.partitions: Not a number of type INT',
    ],
    ['num.partitions', '2147483648', /Not a number of type INT/],
    ['offsets.topic.replication.factor', '32768', /Not a number of type SHORT/],
    ['auto.create.topics.enable', 'yes', /Expected value to be either true or false/],
  ])('refuses %s=%s', (name, value, message) => {
    expect(() => new BrokerConfig({ [name]: value })).toThrow(message)
    expect(() => new BrokerConfig().set(name, value)).toThrow(InvalidOptionError)
  })

  it('refuses to read a config as another type, and a number that is not there', () => {
    const config = new BrokerConfig()
    expect(() => config.getNumber('compression.type')).toThrow("'compression.type' is of type STRING")
    expect(() => config.getBoolean('num.partitions')).toThrow("'num.partitions' is of type INT")
    expect(() => config.getString('log.dirs')).toThrow("'log.dirs' is of type LIST")
    expect(() => config.getList('compression.type')).toThrow(InvalidOptionError)
    expect(() => config.getNumber('log.retention.ms')).toThrow("config 'log.retention.ms' has no value")
  })

  it('puts a value for one broker before that for all, and this before what it was started with', () => {
    const config = new BrokerConfig({ 'log.segment.bytes': '1' })
    config.set('log.segment.bytes', '2', 'cluster')
    config.set('log.segment.bytes', '3')
    expect(config.describe('log.segment.bytes')).toMatchObject({
      value: '3',
      source: 2,
      synonyms: [
        { name: 'log.segment.bytes', value: '3', source: 2 },
        { name: 'log.segment.bytes', value: '2', source: 3 },
        { name: 'log.segment.bytes', value: '1', source: 4 },
        { name: 'log.segment.bytes', value: '1073741824', source: 5 },
      ],
    })
    config.delete('log.segment.bytes')
    expect(config.getNumber('log.segment.bytes')).toBe(2)
    config.delete('log.segment.bytes', 'cluster')
    expect(config.getNumber('log.segment.bytes')).toBe(1)
    expect(config.describe('log.segment.bytes').source).toBe(4)
  })

  it('lists what is not a default of Kafka', () => {
    const config = new BrokerConfig({ 'num.partitions': '4' })
    config.set('log.retention.ms', '1', 'cluster')
    config.set('log.retention.ms', '2')
    const overridden = config.overridden()
    expect(overridden.get('num.partitions')).toBe('4')
    expect(overridden.get('log.retention.ms')).toBe('2')
    expect(overridden.get('group.initial.rebalance.delay.ms')).toBe('0')
    expect(overridden.has('log.retention.bytes')).toBe(false)
    expect([...config.dynamic('broker')]).toEqual([['log.retention.ms', '2']])
  })

  // Recorded from Kafka 4.3.1 with log.retention.hours=5 and log.roll.ms=7000 in its file, log.retention.ms=1234 set.
  it('lists the same in other units as Kafka does', () => {
    const config = new BrokerConfig({ 'log.retention.hours': '5', 'log.roll.ms': '7000' })
    expect(config.synonyms('log.retention.ms')).toEqual([])
    config.set('log.retention.ms', '1234')
    const hours = [
      { name: 'log.retention.hours', value: '5', source: 4 },
      { name: 'log.retention.hours', value: '168', source: 5 },
    ]
    expect(config.synonyms('log.retention.hours')).toEqual(hours)
    expect(config.synonyms('log.retention.ms')).toEqual([
      { name: 'log.retention.ms', value: '1234', source: 2 },
      ...hours,
    ])
    expect(config.synonyms('log.roll.ms')).toEqual([
      { name: 'log.roll.ms', value: '7000', source: 4 },
      { name: 'log.roll.hours', value: '168', source: 5 },
    ])
    expect(config.synonyms('log.roll.hours')).toEqual([{ name: 'log.roll.hours', value: '168', source: 5 }])
  })

  it('never shows a password', () => {
    const config = new BrokerConfig({ 'ssl.key.password': 'hidden' })
    expect(config.getString('ssl.key.password')).toBe('hidden')
    const described = config.describe('ssl.key.password')
    expect(described.value).toBeNull()
    expect(described.synonyms).toEqual([{ name: 'ssl.key.password', value: null, source: 4 }])
  })

  it('knows what can be changed, and for whom', () => {
    const modes = ['num.partitions', 'log.retention.ms', 'listeners', 'ssl.keystore.location'].map(
      (name) => brokerConfigDefinitions().get(name)?.updateMode,
    )
    expect(modes).toEqual(['read-only', 'cluster-wide', 'per-broker', 'per-broker'])
  })
})
