"""Two members share a topic of four partitions; one leaves, and the other takes over and goes on where it was."""

from confluent_kafka import Consumer, Producer, TopicPartition
from support import QUIET, answer, read, text, told, until

given = told()
servers = {"bootstrap.servers": given["bootstrapServers"], **QUIET}
topic = given["topic"]
partitions = range(4)


def join():
    config = {"group.id": given["group"], "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({**servers, **config, **given["config"], "fetch.wait.max.ms": 20})
    consumer.subscribe([topic])
    return consumer


def produce(value):
    producer = Producer({**servers, "linger.ms": 0})
    for partition in partitions:
        producer.produce(topic, f"{value}-{partition}", partition=partition)
    if producer.flush(10) != 0:
        raise Exception("not all was delivered")


def held(consumer):
    return sorted(one.partition for one in consumer.assignment())


def committed(consumer):
    asked = [TopicPartition(topic, partition) for partition in partitions]
    return [one.offset for one in consumer.committed(asked, 10)]


first, second = join(), join()
until(lambda: len(held(first)) == 2 and len(held(second)) == 2, [first, second])
shared = held(first) + held(second)
produce("both")
by_first, by_second = read([first, second], 4)
for consumer in (first, second):
    consumer.commit(asynchronous=False)
before = committed(first)

second.close()
until(lambda: len(held(first)) == 4, [first])
produce("one")
[later] = read([first], 4)
first.commit(asynchronous=False)
answer(
    shared=sorted(shared),
    by_first=sorted(text(message.value()) for message in by_first),
    by_second=sorted(text(message.value()) for message in by_second),
    before=before,
    later=sorted(text(message.value()) for message in later),
    after=committed(first),
    metadata=first.consumer_group_metadata() is not None,
)
first.close()
