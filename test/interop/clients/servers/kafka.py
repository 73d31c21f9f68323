"""librdkafka's mock cluster of three brokers, which speaks real Kafka. Prints the brokers' ports, the first as `port`."""

import json
import sys

from confluent_kafka import Producer

producer = Producer({"bootstrap.servers": "ignored", "test.mock.num.brokers": 3, "log_level": 0})
brokers = sorted(broker.port for broker in producer.list_topics(timeout=10).brokers.values())
print(json.dumps({"ready": True, "port": brokers[0], "brokers": brokers}, separators=(",", ":")), flush=True)
sys.stdin.read()
