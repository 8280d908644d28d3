"""Sends records of 100 bytes with librdkafka and prints how many it sends in a second: BOOTSTRAP TOPIC RECORDS."""

import sys
import time

from confluent_kafka import Producer

bootstrap, topic, records = sys.argv[1], sys.argv[2], int(sys.argv[3])
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
print(int(records / (time.monotonic() - begun)))
