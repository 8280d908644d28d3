"""Does with topics, configs, groups, offsets, users and ACLs what an AdminClient can."""

import time

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    ElectionType,
    KafkaException,
    Producer,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka import admin as a
from support import QUIET, answer, read, told

given = told()
servers = {"bootstrap.servers": given["bootstrapServers"], **QUIET}
topic, group = given["topic"], given["group"]
admin = a.AdminClient(servers)
results = {}


def one(futures):
    """The one result of a call for one thing, or Kafka's name of the error."""
    [future] = futures.values() if isinstance(futures, dict) else [futures]
    try:
        return future.result(20)
    except KafkaException as refusal:
        return refusal.args[0].name()


new = a.NewTopic(topic, 2, given["replicas"], config={"retention.ms": "60000"})
results["create"] = one(admin.create_topics([new]))
results["createAgain"] = one(admin.create_topics([new]))
results["badConfig"] = one(admin.create_topics([a.NewTopic(topic + "-bad", 1, 1, config={"retention.ms": "x"})]))
results["grow"] = one(admin.create_partitions([a.NewPartitions(topic, 3)]))
description = one(admin.describe_topics(TopicCollection([topic]), include_authorized_operations=True))
results["partitions"] = [[p.id, len(p.replicas), len(p.isr)] for p in description.partitions]
results["operations"] = sorted(operation.name for operation in description.authorized_operations)
cluster = admin.describe_cluster().result(20)
results["nodes"] = sorted(node.id for node in cluster.nodes)
results["listed"] = topic in admin.list_topics(timeout=10).topics

resource = a.ConfigResource(a.ConfigResource.Type.TOPIC, topic)


def value(name):
    entry = one(admin.describe_configs([resource]))[name]
    return [entry.value, a.ConfigSource(entry.source).name]


results["retention"] = value("retention.ms")
change = a.ConfigEntry("segment.bytes", "1048576", incremental_operation=a.AlterConfigOpType.SET)
undo = a.ConfigEntry("retention.ms", None, incremental_operation=a.AlterConfigOpType.DELETE)
altered = a.ConfigResource(a.ConfigResource.Type.TOPIC, topic, incremental_configs=[change, undo])
results["alter"] = one(admin.incremental_alter_configs([altered]))
results["altered"] = [value("retention.ms"), value("segment.bytes")]
broker = a.ConfigResource(a.ConfigResource.Type.BROKER, "1")
results["brokerConfigs"] = "log.retention.hours" in one(admin.describe_configs([broker]))

producer = Producer({**servers, "linger.ms": 0})
now = int(time.time() * 1000)
for i in range(30):
    producer.produce(topic, str(i), partition=i % 3, timestamp=now + i)
producer.flush(10)
config = {"group.id": group, "auto.offset.reset": "earliest", "client.id": "python", "fetch.wait.max.ms": 20}
consumer = Consumer({**servers, **config})
consumer.subscribe([topic])
read([consumer], 30)
listing = admin.list_consumer_groups().result(20).valid
results["group"] = [[g.state.name, g.is_simple_consumer_group] for g in listing if g.group_id == group]
described = one(admin.describe_consumer_groups([group]))
results["described"] = [described.state.name, described.partition_assignor]
[member] = described.members
results["member"] = [member.client_id, member.host, sorted(p.partition for p in member.assignment.topic_partitions)]
results["deleteBusy"] = one(admin.delete_consumer_groups([group]))
consumer.close()
asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition) for partition in range(3)])
offsets = one(admin.list_consumer_group_offsets([asked]))
results["offsets"] = [p.offset for p in offsets.topic_partitions]
back = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 0, 1)])
one(admin.alter_consumer_group_offsets([back]))
results["offsetsAfter"] = [p.offset for p in one(admin.list_consumer_group_offsets([asked])).topic_partitions]

at = TopicPartition(topic, 0)
results["latest"] = one(admin.list_offsets({at: a.OffsetSpec.latest()})).offset
results["deleteRecords"] = one(admin.delete_records([TopicPartition(topic, 0, 4)])).low_watermark
results["earliest"] = one(admin.list_offsets({at: a.OffsetSpec.earliest()})).offset
results["maxTimestamp"] = one(admin.list_offsets({at: a.OffsetSpec.max_timestamp()})).offset
results["elect"] = admin.elect_leaders(ElectionType.PREFERRED, [at]).result(20)[at].name()
results["deleteGroup"] = one(admin.delete_consumer_groups([group]))

scram = a.ScramCredentialInfo(a.ScramMechanism.SCRAM_SHA_256, 4096)
upsert = a.UserScramCredentialUpsertion(given["user"], scram, b"password", b"salt")
results["upsert"] = one(admin.alter_user_scram_credentials([upsert]))
user = one(admin.describe_user_scram_credentials([given["user"]]))
results["user"] = [[c.mechanism.name, c.iterations] for c in user.scram_credential_infos]

rule = [a.ResourceType.TOPIC, topic, a.ResourcePatternType.LITERAL, "User:bob", "*"]
allow = [a.AclOperation.READ, a.AclPermissionType.ALLOW]
results["createAcl"] = one(admin.create_acls([a.AclBinding(*rule, *allow)]))
found = admin.describe_acls(a.AclBindingFilter(*rule[:3], None, None, a.AclOperation.ANY, a.AclPermissionType.ANY))
results["acls"] = [[acl.principal, acl.host, acl.operation.name] for acl in found.result(20)]
results["deletedAcls"] = len(one(admin.delete_acls([a.AclBindingFilter(*rule, *allow)])))

results["delete"] = one(admin.delete_topics([topic]))
results["deleteAgain"] = one(admin.delete_topics([topic]))
answer(**results)
