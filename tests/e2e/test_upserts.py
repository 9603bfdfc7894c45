"""Tables with one row a key: Debezium's events become the tables they tell of, as every reader sees them, also after maintenance and
beside other engines that delete, rewrite and append; deletes of others (by value, deletion vectors) are read and applied."""

import json
import shutil
import subprocess

import oracle
import readers


def query(millrace, sql):
    done = millrace.run("query", sql, "--format", "json")
    return json.loads(done.stdout)


def canonical(rows):
    return [json.dumps(row, sort_keys=True, default=str) for row in rows]


def replay(path, key):
    """What a table holds after its change events, in a dozen lines."""
    rows = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        event = event.get("payload", event)
        if event["op"] in ("c", "r", "u"):
            rows[event["after"][key]] = event["after"]
        elif event["op"] == "d":
            rows.pop(event["before"][key], None)
    return rows


def agree(millrace, table, wanted, columns):
    """pyiceberg, DuckDB's extension, the walk by hand and our own query hold these rows."""
    data = millrace.folder / "data"
    rows = [{column: row.get(column) for column in columns} for row in wanted]
    lake = oracle.Lake(data)
    select = ", ".join(columns)
    for name, found in (
        ("by hand", lake.walk(table)),
        ("pyiceberg", readers.pyiceberg_rows(data, table)),
        ("DuckDB", readers.duckdb_rows(lake.metadata_location(table), select)),
        ("millrace", query(millrace, f"SELECT {select} FROM {table}")),
    ):
        found = [{column: row.get(column) for column in columns} for row in found]
        oracle.compare(canonical(rows), canonical(found), f"{table} {name}")


def test_a_database_follows_its_change_events(millrace, root, tmp_path):
    shutil.copytree(root / "examples/cdc", tmp_path, dirs_exist_ok=True)
    config = (tmp_path / "millrace.yaml").read_text().replace("${MILLRACE_CDC_DATA:-./millrace-data}", "data")
    millrace.write("millrace.yaml", config + "maintenance: { interval: 0s }\n")
    said = millrace.run("run", "--until-idle").stderr
    customers = replay(tmp_path / "changes/customers.ndjson", "id")
    orders = replay(tmp_path / "changes/orders.ndjson", "order_id")
    assert len(customers) == 11 and len(orders) == 26, "the example says what it always said"
    agree(millrace, "silver.customers", customers.values(), ["id", "name", "city", "tier"])
    agree(millrace, "silver.orders", orders.values(), ["order_id", "customer_id", "status", "cents"])
    assert "deletes" in said
    (truncation,) = query(millrace, "SELECT cause FROM quarantine.silver_orders")
    assert truncation["cause"] == "operation"
    assert {row["__op"] for row in query(millrace, "SELECT __op FROM silver.customers")} <= {"r", "c", "u"}
    assert sum(row["orders"] for row in query(millrace, "FROM gold.orders_by_city")) == 26

    # The database goes on: an update whose key changes, a delete, a late event that is older than the row.
    def event(op, before, after, lsn):
        return json.dumps({"before": before, "after": after, "op": op, "source": {"lsn": lsn}, "ts_ms": 1})

    some, other = list(customers)[:2]
    moved = {**customers[some], "id": 900}
    late = {**customers[other], "name": "late"}
    lines = [event("u", customers[some], moved, 90001), event("u", customers[other], late, 5), event("d", {"id": 4711}, None, 90002)]
    with (tmp_path / "changes/customers.ndjson").open("a") as file:
        file.write("\n".join(lines) + "\n")
    del customers[some]
    customers[900] = moved
    millrace.run("run", "--until-idle")
    agree(millrace, "silver.customers", customers.values(), ["id", "name", "city", "tier"])

    before = oracle.Lake(millrace.folder / "data").positions("silver.customers")
    deletes = [file for file in oracle.Lake(millrace.folder / "data").live("silver.customers") if file["content"] != 0]
    assert deletes, "merge-on-read has deleted by position"
    assert all(file["content"] == 0 for file in oracle.Lake(millrace.folder / "data").live("silver.orders")), "copy-on-write has not"
    listed = json.loads(millrace.run("tables", "files", "silver.customers", "--json").stdout)
    assert sum(file["content"] == "position deletes" for file in listed) == len(deletes)
    millrace.run("maintain")
    agree(millrace, "silver.customers", customers.values(), ["id", "name", "city", "tier"])
    assert all(file["content"] == 0 for file in oracle.Lake(millrace.folder / "data").live("silver.customers")), "they were applied"
    assert oracle.Lake(millrace.folder / "data").positions("silver.customers") == before


UPSERTED = """
name: u
data_dir: data
sources: { c: { file: { path: "in/*.ndjson" } } }
tables:
  silver.t: { from: c, key: [id], upsert: { operation: op }, iceberg: { partition_by: [kind] } }
  silver.t3: { from: c, key: [id], upsert: { operation: op }, iceberg: { partition_by: [kind], format_version: 2 } }
  silver.plain: { from: c%s }
maintenance: { interval: 0s }
"""


def changes(millrace, number, records):
    millrace.write(f"in/{number}.ndjson", "".join(json.dumps(record) + "\n" for record in records))
    millrace.run("run", "--until-idle")


def upgraded(config):
    return config.replace("format_version: 2", "format_version: 3")


def vectors(data, table):
    """The deletes by position of a table of format 3 are vectors, and there are some."""
    deletes = [file for file in oracle.Lake(data).live(table) if file["content"] == 1]
    assert deletes and all(file["file_format"] == "PUFFIN" for file in deletes), deletes


def delete_by_value(data, root, table, spec, columns, *rows):
    jars = root / ".deps/jars"
    hadoop = next((root / ".deps/venv/lib").glob("python3*/site-packages/pyspark/jars"))
    done = subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*:{hadoop}/*", str(root / "tests/judge/EqualityDeletes.java"),
         f"{data}/catalog.db", f"file://{data}/lake", table, str(spec), columns, *rows],
        capture_output=True, text=True, timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_beside_engines_that_delete_rewrite_and_append(millrace, root):
    data = millrace.folder / "data"
    rows = {i: {"id": i, "kind": "ab"[i % 2], "v": i} for i in range(40)}
    millrace.write("millrace.yaml", UPSERTED % "")
    changes(millrace, 1, rows.values())
    changes(millrace, 11, [{"id": 39, "op": "d"}, {"id": 38, "kind": "a", "v": 1}, {"id": 38, "kind": "b", "v": 380}])
    del rows[39]
    rows[38] = {"id": 38, "kind": "b", "v": 380}
    assert {file["file_format"] for file in oracle.Lake(data).live("silver.t3")} == {"PARQUET"}
    delete_by_value(data, root, "silver.plain", 0, "id", "id=2", "id=777")
    lake = oracle.Lake(data)
    by_duckdb = readers.duckdb_rows(lake.metadata_location("silver.plain"), "id, kind, v")
    oracle.compare(canonical({k: r[k] for k in ("id", "kind", "v")} for r in lake.walk("silver.plain")), canonical(by_duckdb))
    # From here on the plain table has a second spec: deletes by value of the first one reach everywhere, and Spark is the judge
    # (DuckDB's extension takes deletes of one partition for deletes of all, and fails where a table has two specs).
    # And silver.t3 is of format 3, its deletes of format 2 become part of vectors.
    millrace.write("millrace.yaml", upgraded(UPSERTED % ", iceberg: { partition_by: [kind] }"))
    more = [{"id": i, "kind": "ab"[i % 2], "v": i, "word": None if i % 5 else f"w{i}"} for i in range(40, 60)]
    changes(millrace, 2, more + [{"id": 3, "op": "d"}, {"id": 4, "kind": "b", "v": 400}])
    rows.update({record["id"]: record for record in more})
    del rows[3]
    rows[4] = {"id": 4, "kind": "b", "v": 400}
    for table in ("silver.t", "silver.t3"):
        agree(millrace, table, rows.values(), ["id", "kind", "v", "word"])
    vectors(data, "silver.t3")
    delete_by_value(data, root, "silver.plain", 0, "id", "id=1", "id=45", "id=777")
    delete_by_value(data, root, "silver.plain", 1, "id,kind", "id=42,kind=a", "id=43,kind=a", "id=46,kind=a")
    delete_by_value(data, root, "silver.plain", 1, "word", "word=null,kind=b")
    changes(millrace, 3, [{"id": 45, "kind": "b", "v": 9}, {"id": 5, "op": "D"}])
    del rows[5]
    rows[45] = {"id": 45, "kind": "b", "v": 9}
    # A column that deletes compare may go.
    with readers.pyiceberg_catalog(data).load_table("silver.plain").update_schema() as update:
        update.delete_column("word")

    spark = readers.spark(
        data,
        [
            "SELECT id, kind, v FROM millrace.silver.plain",
            "CREATE TABLE millrace.silver.v3 (id BIGINT, name STRING) USING iceberg TBLPROPERTIES ('format-version'='3', "
            "'write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read')",
            "INSERT INTO millrace.silver.v3 SELECT id, concat('n', id) FROM range(0, 1000)",
            "INSERT INTO millrace.silver.v3 SELECT id, concat('n', id) FROM range(1000, 1500)",
            "DELETE FROM millrace.silver.v3 WHERE id % 10 = 3 OR id BETWEEN 990 AND 1010",
            "UPDATE millrace.silver.v3 SET name = 'u' WHERE id % 100 = 7",
            "SELECT id, name FROM millrace.silver.v3",
            # What others do to the upserted tables; first to that of format 3, which they delete in by vectors as well.
            *(
                statement.replace("silver.TABLE", "silver." + table)
                for table in ("t3", "t")
                for statement in (
                    "SELECT id, kind, v, word FROM millrace.silver.TABLE",
                    *(["ALTER TABLE millrace.silver.t3 SET TBLPROPERTIES ('write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read')",
                       "DELETE FROM millrace.silver.t3 WHERE id = 12"] if table == "t3" else []),
                    "CALL millrace.system.rewrite_data_files(table => 'silver.TABLE', options => map('rewrite-all', 'true'))",
                    "DELETE FROM millrace.silver.TABLE WHERE id IN (6, 7)",
                    "UPDATE millrace.silver.TABLE SET v = 1000 WHERE id = 10",
                    "INSERT INTO millrace.silver.TABLE (id, kind, v) VALUES (8, 'b', 800), (70, 'a', 70)",
                    "SELECT id, kind, v, word FROM millrace.silver.TABLE",
                    "SELECT count(*) AS n, count(DISTINCT _row_id) AS ids FROM millrace.silver.TABLE" if table == "t3" else "SELECT 1",
                )
            ),
        ],
    )
    plain, by_vectors = spark[0], spark[6]
    before3, upserted3, lineage, before, upserted = spark[7], spark[14], spark[15], spark[16], spark[21]
    for found in (before3, before):
        oracle.compare(canonical({"word": None, **row} for row in rows.values()), canonical(found), "as Spark reads it")
    assert lineage[0]["n"] == lineage[0]["ids"], "every row has an id of its own"
    oracle.compare(canonical(plain), canonical({k: r[k] for k in ("id", "kind", "v")} for r in oracle.Lake(data).walk("silver.plain")))
    oracle.compare(canonical(plain), canonical(query(millrace, "SELECT id, kind, v FROM silver.plain")), "deletes by value")
    assert query(millrace, "SELECT count(*) AS n FROM silver.plain WHERE id = 45")[0]["n"] == 1
    oracle.compare(canonical(by_vectors), canonical(query(millrace, "SELECT id, name FROM silver.v3")), "deletion vectors")
    oracle.compare(canonical(upserted), canonical(query(millrace, "SELECT id, kind, v, word FROM silver.t")), "what Spark did")
    oracle.compare(canonical(upserted3), canonical(query(millrace, "SELECT id, kind, v, word FROM silver.t3")), "what Spark did")

    # Landing goes on over it: moved, deleted and doubled rows are found.
    for gone in (6, 7):
        rows.pop(gone)
    rows.update({70: {"id": 70, "kind": "a", "v": 70}, 10: {**rows[10], "v": 1000}, 8: {"id": 8, "kind": "b", "v": 800}})
    changes(millrace, 4, [{"id": 9, "kind": "a", "v": 90}, {"id": 10, "op": "d"}, {"id": 6, "kind": "b", "v": 66}, {"id": 12, "op": "d"}])
    rows.update({9: {"id": 9, "kind": "a", "v": 90}, 6: {"id": 6, "kind": "b", "v": 66}})
    del rows[10], rows[12]
    for table in ("silver.t", "silver.t3"):
        agree(millrace, table, rows.values(), ["id", "kind", "v", "word"])
    vectors(data, "silver.t3")

    # And in a table of format 3 that Spark made, over its vectors.
    of_spark = {i: {"id": i, "name": "u" if i % 100 == 7 else f"n{i}"} for i in range(1500) if i % 10 != 3 and not 990 <= i <= 1010}
    oracle.compare(canonical(of_spark.values()), canonical(by_vectors), "what Spark made")
    millrace.write("more/1.ndjson", "".join(json.dumps(record) + "\n" for record in (
        {"id": 5, "name": "x"}, {"id": 5, "name": "y"}, {"id": 7, "op": "d"}, {"id": 993, "name": "z"}, {"id": 1499, "name": "w"})))
    with_theirs = upgraded(UPSERTED % ", iceberg: { partition_by: [kind] }").replace(
        "sources: {", "sources: { d: { file: { path: 'more/*.ndjson' } },").replace(
        "tables:", "tables:\n  silver.v3: { from: d, key: [id], upsert: { operation: op } }")
    millrace.write("millrace.yaml", with_theirs)
    millrace.run("run", "--until-idle")
    del of_spark[7]
    of_spark.update({i: {"id": i, "name": name} for i, name in ((5, "y"), (993, "z"), (1499, "w"))})
    agree(millrace, "silver.v3", of_spark.values(), ["id", "name"])
    vectors(data, "silver.v3")

    # Maintenance applies deletes by value too; then pyiceberg, which refuses them, reads the table.
    before = canonical(query(millrace, "SELECT id, kind, v FROM silver.plain"))
    millrace.run("maintain", "silver.plain", "silver.t", "silver.t3", "silver.v3")
    assert all(file["content"] == 0 for table in ("silver.plain", "silver.t3") for file in oracle.Lake(data).live(table))
    oracle.compare(before, canonical({k: r[k] for k in ("id", "kind", "v")} for r in readers.pyiceberg_rows(data, "silver.plain")))
    for table in ("silver.t", "silver.t3"):
        agree(millrace, table, rows.values(), ["id", "kind", "v", "word"])
    agree(millrace, "silver.v3", of_spark.values(), ["id", "name"])


MODEL = """-- ---
-- materialized: incremental
-- over: silver.t
-- ---
SELECT id, v * 2 AS double_v FROM silver.t
"""


def test_models_over_it_are_right_and_say_when_they_take_all_rows(millrace):
    millrace.write("millrace.yaml", UPSERTED % "" + "models: models\n")
    millrace.write("models/gold/doubles.sql", MODEL)
    changes(millrace, 1, [{"id": i, "kind": "a", "v": i} for i in range(10)])
    changes(millrace, 2, [{"id": i, "kind": "a", "v": i} for i in range(10, 15)])
    assert "took all rows" not in millrace.run("refine").stderr
    assert "order_by" in millrace.run("quarantine", "replay", "silver.t", expect=64).stderr, "an old change would stand over a newer one"
    changes(millrace, 3, [{"id": 3, "kind": "b", "v": 33}, {"id": 4, "op": "d"}])
    millrace.run("refine")
    doubles = {row["id"]: row["double_v"] for row in query(millrace, "FROM gold.doubles")}
    assert doubles == {**{i: i * 2 for i in range(15) if i != 4}, 3: 66}


def test_what_cannot_be_honoured_is_refused(millrace):
    for upsert, word in (
        ("upsert: {}", "key"),
        ("key: [id], upsert: { delete_values: [x] }", "operation"),
        ("key: [id], upsert: { envelope: debezium, operation: op }", "envelope"),
        ("key: [id], upsert: { add_fields: [op] }", "envelope"),
        ("key: [id], upsert: { write: sometimes }", "merge_on_read"),
        ("key: [id], upsert: { orderby: x }", "order_by"),
        ("key: [id], upsert: {}, files: {}", "iceberg"),
    ):
        millrace.write(
            "millrace.yaml",
            f"name: u\ndata_dir: data\nsources: {{ c: {{ file: {{ path: x.ndjson }} }} }}\ntables: {{ silver.t: {{ from: c, {upsert} }} }}\n",
        )
        said = millrace.run("check", expect=78)
        assert word in said.stderr + said.stdout, (upsert, said.stderr)


def test_maintenance_leaves_no_delete_file_of_many_commits(millrace):
    """Small files are merged and their deletes with them: what was deleted stays so."""
    millrace.write(
        "millrace.yaml",
        "data_dir: data\nsources: { s: { file: { path: 'in/*.ndjson' } } }\nmaintenance: { interval: 0s, delete_ratio: 0.9 }\n"
        "tables: { silver.t: { from: s, key: [id], file_size: 1MiB, upsert: { write: merge_on_read } } }\n",
    )
    rows = {i: {"id": i, "pad": "".join(f"{(i * 7919 + k * 104729) % 1_000_003:06d}" for k in range(40)), "n": 0} for i in range(20_000)}
    changes(millrace, 0, rows.values())
    for n in (1, 2, 3):
        changed = [{**rows[i], "n": n} for i in range(n, 20_000, 997)]
        rows.update({row["id"]: row for row in changed})
        changes(millrace, n, changed)
    done = json.loads(millrace.run("maintain", "--json").stdout)[0]
    assert done["delete_files_removed"] == 3 and done["error"] is None
    agree(millrace, "silver.t", rows.values(), ["id", "n"])
