"""A member that reads until its standard input ends: prints a line of JSON for each record and each assignment."""

import json
import sys
import threading

from confluent_kafka import Consumer
from support import QUIET, text

given = json.loads(sys.stdin.readline())
stopped = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()


def tell(**values):
    print(json.dumps(values), flush=True)


config = {"bootstrap.servers": given["bootstrapServers"], "group.id": given["group"], **QUIET, **given["config"]}
consumer = Consumer({**config, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 20})
consumer.subscribe([given["topic"]])
held = -1
while not stopped.is_set():
    message = consumer.poll(0.05)
    now = len(consumer.assignment())
    if now != held:
        held = now
        tell(held=held)
    if message is None:
        continue
    if message.error():
        raise Exception(message.error())
    tell(value=text(message.value()))
consumer.close()
