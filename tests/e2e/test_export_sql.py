"""`millrace export-sql`: every dialect's script is parsed by sqlglot, and run where the engine is here."""

import datetime
import json
import os
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))
import glue as glue_service  # noqa: E402
import readers  # noqa: E402

DIALECTS = ["athena", "bigquery", "clickhouse", "duckdb", "redshift", "snowflake", "spark", "trino"]
# Statements that sqlglot knows no grammar of and takes as a whole.
WHOLE = (
    "CALL ", "LOAD ", "CREATE OR REPLACE SECRET", "CREATE EXTERNAL SCHEMA", "CREATE EXTERNAL VOLUME", "CREATE CATALOG INTEGRATION",
    "ALTER EXTERNAL TABLE", "ALTER ICEBERG TABLE", "CREATE OR REPLACE EXTERNAL TABLE",
)  # fmt: skip
AWKWARD = {
    "id": 1,
    "select": "word",
    "it's \"quoted\" `so`": 2.5,
    "line\n; DROP TABLE x; --": True,
    "Üñï \\ code": "x",
    "device": {"os": {"name": "linux", "v 1": 2}, "order": 3},
    "tags": ["a"],
    "at": "2026-01-02T03:04:05Z",
}
CONFIG = """
name: "told\\n; DROP SCHEMA y; --"
data_dir: data
sources:
  events: { file: { path: "in/*.ndjson" }, topic: events }
tables:
  bronze.events: { from: events, files: { path: "{ingested:%Y/%m/%d/%H}" } }
  bronze.columns: { from: events, columns: { at: timestamptz, id: long }, files: { encoding: parquet, path: "{ingested:%Y/%m/%d/%H}" } }
  silver.events: { from: events, key: [id], iceberg: { partition_by: ["day(at)"] } }
"""


def parse(script, dialect):
    sys.path.append(str(ROOT / ".deps/sqlglot"))
    import sqlglot
    from sqlglot import exp

    # One by one: a statement is over where we end it and nowhere else, whatever is in a name.
    statements = [sqlglot.parse_one(s, dialect=dialect, error_level=sqlglot.ErrorLevel.RAISE) for s in script.split(";\n\n") if s.strip()]
    taken = [s.sql(dialect=dialect, comments=False) for s in statements if isinstance(s, exp.Command)]
    assert [s for s in taken if not s.startswith(WHOLE)] == []
    assert not any(isinstance(s, exp.Drop) for s in statements)
    return statements


def land(millrace, config):
    millrace.write("millrace.yaml", config)
    rows = [AWKWARD, {**AWKWARD, "id": 2, "select": None}, {**AWKWARD, "id": 3}]
    millrace.write("in/a.ndjson", "".join(json.dumps(row) + "\n" for row in rows))
    millrace.run("run", "--until-idle", env=glue_service.KEYS)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake in folders."""
    from conftest import Millrace

    made = Millrace(tmp_path_factory.mktemp("lake"))
    land(made, CONFIG)
    return made


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """The same in a bucket, with Glue."""
    from conftest import Millrace

    if glue_service.lacks():
        pytest.skip(glue_service.lacks())
    with glue_service.Glue(tmp_path_factory.mktemp("glue")) as server:
        server.create_bucket("lake")
        made = Millrace(tmp_path_factory.mktemp("cloud"))
        access = f'endpoint: "{server.endpoint}", region: eu-west-1'
        land(made, CONFIG + f'lake: {{ warehouse: "s3://lake/wh", s3: {{ {access} }}, catalog: {{ glue: {{ {access} }} }} }}\n')
        yield made


def selects(statements):
    from sqlglot import exp

    return [s for s in statements if isinstance(s, exp.Select)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_parses(cloud, dialect):
    script = cloud.run("export-sql", "--dialect", dialect, env=glue_service.KEYS).stdout
    statements = parse(script, dialect)
    from sqlglot import exp

    assert len(selects(statements)) >= 15
    columns = {c.name for s in selects(statements) for c in s.find_all(exp.Column)}
    assert {"select", 'it\'s "quoted" `so`', "Üñï \\ code"} <= columns


@pytest.mark.parametrize("dialect", ["duckdb", "spark", "trino", "clickhouse"])
def test_a_local_lake_parses(lake, dialect):
    parse(lake.run("export-sql", "--dialect", dialect).stdout, dialect)


def statements_of(script):
    """Without the comments in front."""
    return [text for text in (re.sub(r"\A(-- .*\n)+", "", part) for part in script.split(";\n\n")) if text.strip()]


@pytest.mark.skipif(not os.environ.get("MILLRACE_LONG_TESTS"), reason="Spark takes half a minute: ./dev soak")
def test_spark_runs_its_script(lake):
    statements = statements_of(lake.run("export-sql", "--dialect", "spark").stdout)
    answers = dict(zip(statements, readers.spark(lake.folder / "data", statements)))
    for table in ("`bronze`.`events`", "`bronze`.`columns`", "`millrace`.`silver`.`events`"):
        of = {query.replace(f" FROM {table} AS t", ""): rows for query, rows in answers.items() if f" FROM {table} AS t" in query}
        assert of["SELECT MIN(t.`id`) AS smallest, MAX(t.`id`) AS largest, AVG(t.`id`) AS average"] == [{"smallest": 1, "largest": 3, "average": 2.0}]
        name = "t.`device`.`os`.`name`"
        found = of[f"SELECT {name} AS found_value, COUNT(*) AS row_count GROUP BY {name} ORDER BY COUNT(*) DESC LIMIT 10"]
        assert found == [{"found_value": "linux", "row_count": 3}]
        assert all(rows == [] for query, rows in of.items() if " HAVING " in query)


def test_duckdb_runs_its_script(lake):
    import duckdb

    database = duckdb.connect(config={"allow_unsigned_extensions": "true", "autoinstall_known_extensions": "false"})
    readers.load_duckdb_extensions(database)
    answers = {}
    for statement in statements_of(lake.run("export-sql", "--dialect", "duckdb").stdout):
        if not statement.startswith(("INSTALL", "LOAD")):
            answers[statement] = database.execute(statement).fetchall()
    for table in ('"bronze"."events"', '"bronze"."columns"', '"silver"."events"'):
        of = {query.replace(f" FROM {table} AS t", ""): rows for query, rows in answers.items() if f" FROM {table} AS t" in query}
        assert of['SELECT MIN(t."id") AS smallest, MAX(t."id") AS largest, AVG(t."id") AS average'] == [(1, 3, 2.0)]
        assert of['SELECT t."select" AS found_value, COUNT(*) AS row_count GROUP BY t."select" ORDER BY COUNT(*) DESC LIMIT 10'] == [("word", 2), (None, 1)]
        name = 't."device"."os"."name"'
        assert of[f"SELECT {name} AS found_value, COUNT(*) AS row_count GROUP BY {name} ORDER BY COUNT(*) DESC LIMIT 10"] == [("linux", 3)]
        missing = next(rows for query, rows in of.items() if query.startswith("SELECT COUNT(*) AS row_count, "))
        assert missing[0][0] == 3 and sum(missing[0][1:]) == 1
        twice = [rows for query, rows in of.items() if " HAVING " in query]
        assert twice and twice.count([]) == len(twice)
    for table in ('"bronze"."columns"', '"silver"."events"'):
        day = database.execute(f'SELECT on_day FROM (SELECT CAST("at" AS DATE) AS on_day FROM {table})').fetchone()
        assert day == (datetime.date(2026, 1, 2),)


def test_what_an_engine_cannot_reach_is_said(lake):
    refused = lake.run("export-sql", "--dialect", "snowflake", expect=64)
    assert "Snowflake cannot read the folder file://" in refused.stderr
    refused = lake.run("export-sql", "--dialect", "oracle", expect=64)
    assert "athena, bigquery, clickhouse, duckdb, redshift, snowflake, spark, trino" in refused.stderr
    refused = lake.run("export-sql", "--dialect", "duckdb", "silver.event", expect=64)
    assert "silver.events" in refused.stderr
