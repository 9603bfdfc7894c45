"""Lag by partition at /metrics against a real broker, and a partition that stands still."""

import pytest

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
