"""A bucket or a catalogue that is away for long: nothing ends but by a stop, memory stays, the group keeps its member, and all of it lands after.

The long form (`./dev soak outages`) stalls the bucket for ten minutes.
"""

import json
import os
import re
import time

import pytest
from confluent_kafka import KafkaError, KafkaException

TABLES = """
tables:
  {space}.clicks: {{ from: {topic}, freshness: 500ms, metadata: true }}
  {space}.lines: {{ from: {topic}, files: {{ compression: none, buffer_time: 500ms }} }}
maintenance: {{ interval: 0s }}
"""
SILVER = "tables:\n  {space}.clicks: {{ from: {topic}, freshness: 300ms }}\nmaintenance: {{ interval: 0s }}\n"


def resident_mib(process):
    with open(f"/proc/{process.pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024


def members(field, table):
    """(state of the group, names of its members, as the broker has them)"""
    name = f"{field.topic}.grid/{field.space}.{table}"
    deadline = time.monotonic() + 30
    while True:
        try:
            group = field.admin.describe_consumer_groups([name])[name].result(30)
            break
        except KafkaException as failure:  # such as NOT_COORDINATOR: the client's idea of who coordinates is older than the broker's
            if not failure.args[0].retriable() and failure.args[0].code() != KafkaError.NOT_COORDINATOR or time.monotonic() > deadline:
                raise
            time.sleep(0.5)
    return str(group.state), sorted(member.member_id for member in group.members)


def lines(field):
    found = []
    for path in (field.grid.s3.folder / f"objects/lake/wh/{field.space}/lines").rglob("*.jsonl"):
        found += [json.loads(line)["id"] for line in path.read_text().splitlines()]
    return found


def test_a_stalled_bucket_is_waited_for(field):
    seconds = 600 if os.environ.get("MILLRACE_LONG_TESTS") else 25
    field.create(partitions=3)
    # Half the stall: longer than a busy machine keeps a broker from answering, short enough that who is not heard of is out.
    slower = lambda text: text.replace("session_timeout: 6s", "session_timeout: 12s")  # noqa: E731
    worker = field.start(field.config(tables=TABLES, memory="128MiB", change=slower))
    records = 0

    def produce(count):
        nonlocal records
        field.produce([{"id": records + i, "text": "x" * 400, "more": {"a": i}} for i in range(count)], key="id")
        records += count

    produce(2000)
    field.wait_until(lambda: field.rows("clicks") == records and len(lines(field)) == records)
    before = {table: members(field, table) for table in ("clicks", "lines")}
    assert all(state.endswith("STABLE") and len(names) == 1 for state, names in before.values()), before
    # Requests are taken and never answered.
    field.grid.bucket.inject(effect="late", delay=seconds + 3600, times=-1)
    begin, memory = time.monotonic(), []
    while time.monotonic() - begin < seconds:
        produce(20_000 if records < 400_000 else 100)  # of about 170 MB in the end, more than it may buffer
        memory.append(resident_mib(worker))
        assert worker.poll() is None, worker.communicate()[1]
        time.sleep(0.5)
    rows = field.rows("clicks")
    assert rows < records, "the bucket was not stalled"
    settled = memory[len(memory) // 2 :]
    assert max(settled) < 128 + 250, memory
    assert max(settled) - min(settled) < 60, memory
    assert {table: members(field, table) for table in ("clicks", "lines")} == before, "the group lost its member"
    field.grid.bucket.clear()
    field.wait_until(lambda: field.rows("clicks") == records, seconds=240)
    field.wait_until(lambda: len(lines(field)) >= records, seconds=240)
    field.stop(worker)
    assert sorted(row["id"] for row in field.walk("clicks")) == list(range(records))
    assert sorted(lines(field)) == list(range(records))


@pytest.mark.parametrize("peer", ["catalog", "bucket"])
def test_a_stop_ends_a_table_that_an_outage_keeps_waiting(field, peer):
    """Its lanes wait for the peer, the queue before them is full, and the driver waits for room in it."""
    field.create(partitions=1)
    config = field.config(tables=SILVER)
    worker = field.start(config)
    field.produce([{"id": i} for i in range(100)])
    field.wait_until(lambda: field.rows("clicks") == 100)
    proxy = getattr(field.grid, peer)
    proxy.inject(effect="status", status=503, times=-1)
    for part in range(40):  # each batch has a column that the table lacks
        field.produce([{"id": 100 + part * 10 + i, f"c{part}": "x" * 1000} for i in range(10)])
        time.sleep(0.02)
    words = {"catalog": ("catalog", "outcome_unknown"), "bucket": ("store",)}[peer]
    why = field.wait_until(lambda: field.status()["tables"][f"{field.space}.clicks"]["state"] in words and field.status(), seconds=60)
    assert "503" in why["tables"][f"{field.space}.clicks"]["why"]
    begin = time.monotonic()
    said = field.stop(worker, expect=69, seconds=60)
    assert time.monotonic() - begin < 45
    assert "Nothing that was committed is lost; the next start goes on from there" in said, said
    proxy.clear()
    field.run(config)
    assert sorted(row["id"] for row in field.walk("clicks")) == list(range(500))
