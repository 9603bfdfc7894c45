"""Schemas that drift from two sides: two workers of one table, each with records of its own partitions, grow it at once through Kafka, a bucket and a REST
catalogue. No value may be lost: it stands in its column, or under its path in `_rescued`."""

import json

TABLES = """
tables:
  {space}.t: {{ from: {topic}, freshness: 200ms, metadata: true, contract: {{ types: {types} }} }}
maintenance: {{ interval: 0s }}
"""
PARTS = 4


def records(part, count, first):
    """Columns of this side alone, the same column with other types, objects that grow."""
    for i in range(count):
        record = {"id": first + i, f"own_{part}_{i // 20}": i, "both": i if part % 2 else f"text {i}", "deep": {f"in_{part}": {"x": i}, "same": part % 2 == 0 or 1.5}}
        yield {**record, "wide": i if i < count // 2 else i + 0.5} if part % 2 else record


def value_of(row, path):
    """What the table has of a record's member: in its column, or rescued."""
    value = row
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if value is not None:
        return value
    rescued = json.loads(row["_rescued"] or "{}")
    for end in range(len(path), 0, -1):
        found = rescued.get(".".join(path[:end]))
        for name in path[end:]:
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None:
            return found
    value = rescued
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def leaves(record, path=()):
    for name, value in record.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value


def two_workers_drift(field, types):
    field.create(partitions=PARTS)
    tables = TABLES.replace("{types}", types)
    workers = [field.start(field.config(name, tables=tables)) for name in ("one", "two")]
    sent = {}
    for round_number in range(3):
        for part in range(PARTS):
            first = (round_number * PARTS + part) * 100
            for record in records(part + PARTS * round_number, 100, first):
                sent[record["id"]] = record
                field.send(record, partition=part)
        assert field.producer.flush(60) == 0
        field.wait_until(lambda: field.rows("t") == len(sent))
    for worker in workers:
        field.stop(worker)
    rows = {row["id"]: row for row in field.walk("t")}
    assert len(rows) == len(sent)
    for record in sent.values():
        for path, value in leaves(record):
            assert value_of(rows[record["id"]], path) == value, (record, rows[record["id"]], path)
    return field.lake().metadata(f"{field.space}.t")


def test_two_workers_evolve_one_table_at_once(field):
    metadata = two_workers_drift(field, "discard_value")
    schema = next(s for s in metadata["schemas"] if s["schema-id"] == metadata["current-schema-id"])
    names = [f["name"] for f in schema["fields"]]
    assert len(set(names)) == len(names) and len([n for n in names if n.startswith("own_")]) == 3 * PARTS * 5
    ids = [f["id"] for f in schema["fields"]]
    assert len(set(ids)) == len(ids) and max(ids) <= metadata["last-column-id"]
    by_others = field.client().load_table((field.space, "t")).scan().to_arrow()
    assert by_others.num_rows == 3 * PARTS * 100


def test_a_frozen_contract_stops_at_the_record_and_goes_on_after_the_mend(field):
    field.create(partitions=1)
    frozen = "tables:\n  {space}.t: {{ from: {topic}, freshness: 100ms, columns: {{ id: long }}, contract: {{ columns: freeze, types: freeze }} }}\n"
    config = field.config(tables=frozen)
    field.produce([{"id": i} for i in range(10)])
    field.run(config)
    field.produce([{"id": 10}, {"id": 11, "extra": 1}, {"id": 12}])
    stopped = field.run(config, expect=1)
    assert f"topic {field.topic} partition 0 offset 11" in stopped.stderr and "extra" in stopped.stderr and "freeze" in stopped.stderr
    assert field.rows("t") == 10 and not [t for t in field.lake().tables() if t.startswith("quarantine." + field.space)]
    from pyiceberg.types import LongType

    with field.client().load_table((field.space, "t")).update_schema() as update:
        update.add_column("extra", LongType())
    field.run(config)
    assert {row["id"]: row.get("extra") for row in field.walk("t")} == {**{i: None for i in range(13)}, 11: 1}
