"""Writes records and tells what the delivery reports said, then reads them back without a group."""

from confluent_kafka import Consumer, Producer, TopicPartition
from support import QUIET, answer, read, text, told

given = told()
servers = {"bootstrap.servers": given["bootstrapServers"], **QUIET}
topic = given["topic"]

producer = Producer({**servers, **given["config"], "linger.ms": 5})
reports = []


def report(error, message):
    reports.append([error and error.name(), message.partition(), message.offset()])


for i in range(given["count"]):
    producer.produce(topic, f"value {i}", f"key {i}", partition=i % 3, headers={"i": str(i)}, on_delivery=report)
left = producer.flush(20)

consumer = Consumer({**servers, "group.id": "unused", "check.crcs": True, "fetch.wait.max.ms": 20})
consumer.assign([TopicPartition(topic, partition, 0) for partition in range(3)])
[records] = read([consumer], given["count"])
watermarks = [consumer.get_watermark_offsets(TopicPartition(topic, partition)) for partition in range(3)]
consumer.close()
answer(
    left=left,
    reports=sorted(reports),
    records=[[text(m.key()), text(m.value()), [[k, text(v)] for k, v in m.headers()]] for m in records],
    watermarks=watermarks,
)
