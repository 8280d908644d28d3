"""Sends or reads records of 100 bytes with librdkafka, and prints how many in a second: MODE BOOTSTRAP TOPIC RECORDS."""

import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

mode, bootstrap, topic, records = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def produce():
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 5,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    value = b"v" * 100

    def send(count):
        for _ in range(count):
            while True:
                try:
                    producer.produce(topic, value)
                    break
                except BufferError:
                    producer.poll(0.001)
        if producer.flush(60) > 0:
            sys.exit("not all records are confirmed")

    send(records // 10)
    begun = time.monotonic()
    send(records)
    return time.monotonic() - begun


def consume():
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-librdkafka",
            "enable.auto.commit": False,
            "check.crcs": True,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    count = size = 0
    begun = None
    while count < records:
        for message in consumer.consume(10_000, 1.0):
            if begun is None:
                begun = time.monotonic()
            if message.error() is not None:
                sys.exit(str(message.error()))
            size += len(message.value())
            count += 1
    seconds = time.monotonic() - begun
    consumer.close()
    return seconds


print(int(records / (produce() if mode == "produce" else consume())))
