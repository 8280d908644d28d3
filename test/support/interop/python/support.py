"""What the scripts share: their input, their answer, and the reading of a number of records."""

import json
import sys
import time

# librdkafka tells of refused requests and lost brokers on its own; what counts is in the results.
QUIET = {"log_level": 0}


def told():
    """The JSON object on standard input."""
    return json.load(sys.stdin)


def answer(**values):
    print(json.dumps(values))


def read(consumers, count, timeout=20):
    """Polls the consumers in turn until they have read so many records together: a list of them for each."""
    read = [[] for _ in consumers]
    deadline = time.monotonic() + timeout
    while sum(len(one) for one in read) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"read {[len(one) for one in read]} records of {count}")
        for consumer, records in zip(consumers, read):
            for message in consumer.consume(500, 0.05):
                if message.error():
                    raise Exception(message.error())
                records.append(message)
    return read


def until(condition, consumers, timeout=20):
    """Polls the consumers, which have nothing to read, until the condition holds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come to that")
        for consumer in consumers:
            message = consumer.poll(0.02)
            if message is not None:
                raise Exception(message.error() or "a record that should not be there")


def text(value):
    return None if value is None else value.decode()
