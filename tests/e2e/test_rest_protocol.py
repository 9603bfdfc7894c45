"""What a REST catalogue may offer beyond tables, from Apache's own behind a proxy that adds it to the answers: keys for the files, which a real S3 server knows
and forgets; idempotency keys; headers. And what it may do to columns: other field ids than before."""

import json
import re
import time

SILVER = "tables:\n  {space}.t: {{ from: {topic}, freshness: 200ms }}\nmaintenance: {{ interval: 0s }}\n"


def without_own_keys(text):
    text = re.sub(r", access_key:.*?\} \}", " }", text)
    assert "LAKE_KEY" not in text
    return text.replace("rest: {", "rest: { vended_credentials: true,")


def keys(name, **more):
    return {"s3.access-key-id": name, "s3.secret-access-key": f"secret of {name}", **more}


def vend(field, name, **more):
    """From now on; who does not ask gets none."""
    field.grid.catalog.clear()
    answer = {"config": keys("nobody"), "storage-credentials": [{"prefix": "s3://lake/wh", "config": keys(name, **more)}, {"prefix": "s3", "config": keys("nobody")}]}
    field.grid.catalog.inject(path="/tables", header="X-Iceberg-Access-Delegation: vended-credentials", effect="merge", body=answer, times=-1)


def test_keys_that_the_catalogue_vends_are_used_and_renewed(field):
    s3 = field.grid.s3
    s3.add_keys("first", "secret of first")
    vend(field, "first")
    field.create(partitions=1)
    config = field.config(tables=SILVER, change=without_own_keys)
    worker = field.start(config, env={"LAKE_KEY": "", "LAKE_SECRET": ""})
    field.produce([{"id": i} for i in range(100)] + [b"no json"])
    field.wait_until(lambda: field.rows("t") == 100)
    # The store does not know them any more, which nobody tells the worker.
    s3.add_keys("second", "secret of second")
    vend(field, "second")
    s3.drop_keys("first")
    field.produce([{"id": 100 + i} for i in range(100)])
    field.wait_until(lambda: field.rows("t") == 200)
    # They end by their own time: newer ones are asked for before that.
    s3.add_keys("third", "secret of third")
    soon = str(int(time.time() * 1000) + 60_000)
    vend(field, "third", **{"s3.session-token-expires-at-ms": soon})
    field.produce([{"id": 200 + i} for i in range(100)])
    field.wait_until(lambda: field.rows("t") == 300)
    asked = field.grid.catalog.hits()[0]
    field.produce([{"id": 300 + i} for i in range(100)])
    field.wait_until(lambda: field.rows("t") == 400)
    assert field.grid.catalog.hits()[0] > asked
    field.stop(worker)
    shown = field.millrace.run("query", f"SELECT count(*) AS n FROM {field.space}.t", "-c", config, "--format", "json")
    assert json.loads(shown.stdout) == [{"n": 400}]
    assert sorted(row["id"] for row in field.walk("t")) == list(range(400))
    for name in ("second", "third"):
        s3.drop_keys(name)


def test_a_lost_answer_is_asked_for_again_under_the_same_idempotency_key(field):
    catalog = field.grid.catalog
    catalog.inject(path="/v1/config", effect="merge", body={"idempotency-key-lifetime": "PT30M", "overrides": {"header.X-Tenant": "shop"}}, times=-1)
    pattern = "Idempotency-Key: [0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    catalog.inject(method="POST", path="/tables/t$", header=pattern, effect="lost")
    catalog.inject(method="POST", path="/tables/t$", header=pattern, effect="late", delay=0.0)
    field.create(partitions=1)
    config = field.config(tables=SILVER)
    field.produce([{"id": i} for i in range(100)])
    field.run(config)
    sent = catalog.met("Idempotency-Key")
    assert len(sent) == 2 and sent[0] == sent[1], sent
    assert set(catalog.met("X-Tenant")) == {"shop"}
    assert sorted(row["id"] for row in field.walk("t")) == list(range(100))


def test_no_key_is_sent_to_a_catalogue_that_does_not_know_them(field):
    field.grid.catalog.inject(method="POST", header="Idempotency-Key", effect="status", status=400, times=-1)
    field.create(partitions=1)
    field.produce([{"id": 1}])
    field.run(field.config(tables=SILVER))
    assert field.grid.catalog.hits() == [0] and field.rows("t") == 1


def test_a_column_that_is_another_one_under_its_old_name_is_written_by_its_new_id(field):
    """Others drop a column and make one of the same name, while the worker runs: the catalogue's ids count, not those it knew."""
    from pyiceberg.types import StringType

    field.create(partitions=1)
    config = field.config(tables=SILVER)
    worker = field.start(config)
    field.produce([{"id": i, "name": "old"} for i in range(50)])
    field.wait_until(lambda: field.rows("t") == 50)
    table = field.client().load_table((field.space, "t"))
    before = table.schema().find_field("name").field_id
    with table.update_schema() as update:
        update.delete_column("name")
    with table.update_schema() as update:
        update.add_column("name", StringType())
    after = table.refresh().schema().find_field("name").field_id
    assert after != before
    for part in range(5):
        field.produce([{"id": 50 + part * 10 + i, "name": "new"} for i in range(10)])
        time.sleep(0.3)
    field.wait_until(lambda: field.rows("t") == 100)
    field.stop(worker)
    field.produce([{"id": 100, "name": "new"}])
    field.run(config)
    rows = {row["id"]: row["name"] for row in field.client().load_table((field.space, "t")).scan().to_arrow().to_pylist()}
    assert sorted(rows) == list(range(101))
    assert all(rows[i] is None for i in range(50)), "values of the column that was dropped are gone with it"
    assert rows[100] == "new"
    # What was decoded before the worker saw the change went to the old column, at most the commit that was under way.
    late = [i for i in range(50, 100) if rows[i] != "new"]
    assert late == list(range(50, 50 + len(late))) and len(late) <= 20, late
