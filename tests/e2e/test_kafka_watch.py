"""Lag by partition at /metrics against a real broker, a partition that stands still, and a connector whose topic comes later."""

import json

import pytest
from connect_dialogue import ask

confluent_kafka = pytest.importorskip("confluent_kafka")

TABLES = "tables:\n  {space}.t: {{ from: {topic}, freshness: 200ms }}\nmaintenance: {{ interval: 0s }}\n"


def test_a_partition_that_an_open_transaction_holds_back_is_told(field):
    field.create(partitions=3)
    worker = field.start(field.config(tables=TABLES))
    table = f"{field.space}.t"

    def producer(name):
        made = confluent_kafka.Producer({"bootstrap.servers": field.grid.kafka.bootstrap, "transactional.id": f"{field.topic}-{name}", "transaction.timeout.ms": 300_000})
        made.init_transactions(30)
        made.begin_transaction()
        return made

    def unread():
        metrics = field.metrics()
        return [metrics.get(("millrace_table_unread_records", (("partitions", str(p)), ("table", table)))) for p in range(3)]

    def stalled():
        return field.metrics()[("millrace_table_stalled_partitions", (("table", table),))]

    first = producer("first")
    for i in range(30):
        first.produce(field.topic, b'{"id": %d}' % i, partition=i % 3)
    first.commit_transaction(30)
    field.wait_until(lambda: field.rows("t") == 30)
    # The markers of the transaction lie behind the records, and nobody is behind them.
    field.wait_until(lambda: unread() == [0, 0, 0])
    assert stalled() == 0
    open_one = producer("open")
    for i in range(7):
        open_one.produce(field.topic, b'{"id": %d}' % (30 + i), partition=1)
    open_one.flush(30)
    # Seven records, and the marker that was passed before them.
    field.wait_until(lambda: unread() == [0, 8, 0])
    assert field.rows("t") == 30
    status = field.wait_until(lambda: field.status()["tables"][table]["state"] == "stalled" and field.status()["tables"][table])
    assert status["why"].startswith("partition 1 stands still for ") and "8 records are there and none comes" in status["why"]
    assert stalled() == 1
    open_one.commit_transaction(30)
    field.wait_until(lambda: field.rows("t") == 37)
    field.wait_until(lambda: unread() == [0, 0, 0] and stalled() == 0)
    field.wait_until(lambda: field.status()["tables"][table]["state"] in ("up_to_date", "buffering", "committing"))
    field.stop(worker)


def test_a_connector_waits_for_its_topic(field):
    """As in Connect: its task runs, reads what is there, and takes up the topic when it comes."""
    field.create(partitions=1)
    worker = field.start(field.config())
    url = field.wait_until(lambda: field.status().get("server"))
    later = field.topic + "later"

    def make(name, topics):
        config = {"connector.class": "millrace.Table", "topics": topics, "table": f"{field.space}.{name}_${{topic}}", "freshness": "200ms"}
        status, said = ask(url, "POST", "/connectors", {"name": name, "config": config})
        assert status == 201, said

    def states(name):
        said = ask(url, "GET", f"/connectors/{name}/status")[1]
        return [said["connector"]["state"], *((task["state"], task.get("trace")) for task in said["tasks"])]

    field.produce({"id": i} for i in range(10))
    make("both", f"{field.topic},{later}")
    make("alone", later)
    tables = [f"both_{field.topic}", f"both_{later}", f"alone_{later}"]
    field.wait_until(lambda: field.rows(tables[0]) == 10)
    for name in ("both", "alone"):
        field.wait_until(lambda: states(name) == ["RUNNING", ("RUNNING", None)])  # noqa: B023
    assert field.rows(tables[1]) == field.rows(tables[2]) == 0

    field.admin.create_topics([field.new_topic(later, 2, 1)])[later].result(30)
    for i in range(20):
        field.producer.produce(later, json.dumps({"id": i}).encode(), partition=i % 2)
    field.produce({"id": i} for i in range(10, 15))
    field.wait_until(lambda: [field.rows(table) for table in tables] == [15, 20, 20])
    for name in ("both", "alone"):
        assert states(name) == ["RUNNING", ("RUNNING", None)]
    said = field.stop(worker)
    assert f"connector alone: task 0 waits for topics that are not there: {later}" in said
