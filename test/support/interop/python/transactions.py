"""Copies a topic to another one in transactions, aborts one of them, and is fenced by a producer of the same id."""

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from support import QUIET, answer, read, text, told

given = told()
servers = {"bootstrap.servers": given["bootstrapServers"], **QUIET}
source, target, group = given["source"], given["target"], given["group"]


def consumer(name, isolation):
    config = {"group.id": name, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    return Consumer({**servers, **config, "isolation.level": isolation, "fetch.wait.max.ms": 20, **given["config"]})


def transactional():
    producer = Producer({**servers, "transactional.id": given["transactionalId"], "linger.ms": 0})
    producer.init_transactions(20)
    return producer


def copy(producer, messages):
    for message in messages:
        producer.produce(target, message.value())
    positions = reader.position(reader.assignment())
    producer.send_offsets_to_transaction(positions, reader.consumer_group_metadata(), 10)


def committed():
    return reader.committed([TopicPartition(source, 0)], 10)[0].offset


plain = Producer({**servers, "linger.ms": 0})
for i in range(10):
    plain.produce(source, str(i))
plain.flush(10)

reader = consumer(group, "read_committed")
reader.subscribe([source])
[messages] = read([reader], 10)

producer = transactional()
producer.begin_transaction()
copy(producer, messages)
producer.flush(10)
producer.abort_transaction(10)
after_abort = committed()

producer.begin_transaction()
copy(producer, messages)
producer.commit_transaction(10)
after_commit = committed()


def values(isolation, count):
    one = Consumer({**servers, "group.id": "unused", "isolation.level": isolation, "fetch.wait.max.ms": 20})
    one.assign([TopicPartition(target, 0, 0)])
    [records] = read([one], count)
    one.close()
    return [text(record.value()) for record in records]


# A producer of the same id comes: this one's transaction is aborted, and it may never write again.
producer.begin_transaction()
producer.produce(target, "zombie")
producer.flush(10)
successor = transactional()
try:
    producer.commit_transaction(10)
    fenced = None
except KafkaException as refusal:
    fenced = refusal.args[0].name()
successor.begin_transaction()
successor.produce(target, "last")
successor.commit_transaction(10)

answer(
    afterAbort=after_abort,
    afterCommit=after_commit,
    fenced=fenced,
    committed=values("read_committed", 11),
    uncommitted=values("read_uncommitted", 22),
)
reader.close()
