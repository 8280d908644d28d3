// Uses the installed package by `require`, with nothing but Node. Also what smoke.mjs does with what it has imported.
const assert = require('node:assert/strict')

async function smoke({ Kafka, InvalidOptionError, KafkaError, json, string }, protocol, registry, testing) {
  const kafka = new Kafka({ bootstrapServers: 'localhost:9092', clientId: 'smoke' })
  const clients = [
    kafka.producer({ valueSerializer: json() }),
    kafka.consumer({ groupId: 'smoke' }),
    kafka.admin(),
  ]
  for (const client of clients) await client.close()
  assert.throws(() => new Kafka({ bootstrapServers: 'nowhere' }), InvalidOptionError)
  assert.ok(new InvalidOptionError('an option') instanceof KafkaError)
  assert.equal(string.deserialize(Buffer.from('text')), 'text')

  const value = Buffer.from('value')
  const bytes = protocol.encodeRecordBatch({}, [{ offset: 0n, timestamp: 1n, key: null, value }])
  const records = [...protocol.decodeRecords(bytes)].flatMap((batch) => [...batch])
  assert.equal(records.length, 1)
  assert.deepEqual(Buffer.from(records[0].value), value)
  assert.equal(protocol.crc32c(Buffer.from('123456789')), 0xe3069283)

  const request = registry.message('MetadataRequest')
  const version = request.versions.max
  const decoded = request.decode(version, request.encode(version, { topics: [{ name: 'orders' }] }))
  assert.equal(decoded.topics[0].name, 'orders')

  const broker = await testing.startKafka({ topics: ['orders'] })
  const client = new Kafka({ bootstrapServers: broker.bootstrapServers })
  const producer = client.producer()
  await producer.send({ topic: 'orders', value: 'hello' })
  await producer.close()
  assert.equal(broker.records('orders')[0].value.toString(), 'hello')
  await broker.close()
  // One tree of errors, whatever entry they come from.
  await assert.rejects(testing.startKafka({ brokers: 0 }), InvalidOptionError)
}

module.exports = { smoke }

if (require.main === module) {
  smoke(
    require('kafkawire'),
    require('kafkawire/protocol'),
    require('kafkawire/protocol/registry'),
    require('kafkawire/testing'),
  )
}
