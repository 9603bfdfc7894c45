"""The way into tables of Apache's REST catalogue, over a proxy that loses answers, with kills between; pyiceberg counts."""

import json
import pathlib
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))

from fault_proxy import FaultProxy  # noqa: E402
from rest_catalog import RestCatalog  # noqa: E402

pytestmark = pytest.mark.skipif(not (ROOT / ".deps/rest").exists(), reason="scripts/setup --servers fetches the catalogue")

ROWS = 20_000

CONFIG = """
name: shop
lake:
  warehouse: {warehouse}
  catalog: {{ rest: {{ uri: "{uri}" }} }}
sources:
  clicks: {{ file: {{ path: in/*.jsonl }}, topic: clicks }}
topics: {{ clicks: {{ partitions: 2 }} }}
tables:
  silver.clicks: {{ from: clicks, iceberg: {{ partition_by: ["bucket(4, id)"] }}, freshness: 100ms }}
"""


def write_rows(millrace, name, first, count, **more):
    lines = (json.dumps({"id": i, "name": f"n{i % 7}", **more}) for i in range(first, first + count))
    return millrace.write(f"in/{name}.jsonl", "\n".join(lines) + "\n")


@pytest.fixture
def rest(tmp_path):
    warehouse = tmp_path / "warehouse"
    with RestCatalog(tmp_path / "rest", warehouse=f"file://{warehouse}") as server:
        server.folder_of_tables = warehouse
        yield server


def table_of(rest, name="silver.clicks"):
    from pyiceberg.catalog.rest import RestCatalog as Client

    return Client("judge", uri=rest.uri).load_table(name)


def ids_in(rest):
    return sorted(table_of(rest).scan().to_arrow()["id"].to_pylist())


def config(millrace, rest, uri):
    millrace.write("millrace.yaml", CONFIG.format(warehouse=rest.folder_of_tables, uri=uri))


def test_every_verb_goes_over_the_catalogue(millrace, rest):
    config(millrace, rest, rest.uri)
    write_rows(millrace, "a", 0, 1000)
    millrace.run("check")
    millrace.run("run", "--until-idle")
    assert ids_in(rest) == list(range(1000))
    assert "silver.clicks" in millrace.run("tables", "list").stdout
    counted = millrace.run("query", "SELECT count(*) AS n, sum(id) AS s FROM silver.clicks", "--format", "json").stdout
    assert "1000" in counted and "499500" in counted
    millrace.run("status")
    assert not (millrace.folder / "millrace-data/catalog.db").exists()


def test_columns_that_others_add_and_columns_that_come(millrace, rest):
    config(millrace, rest, rest.uri)
    write_rows(millrace, "a", 0, 10)
    millrace.run("run", "--until-idle")
    from pyiceberg.types import StringType

    with table_of(rest).update_schema() as update:
        update.add_column("theirs", StringType())
    write_rows(millrace, "b", 10, 10, theirs="x", ours=1.5)
    millrace.run("run", "--until-idle")
    table = table_of(rest)
    assert {f.name for f in table.schema().fields} >= {"id", "name", "theirs", "ours"}
    rows = {row["id"]: row for row in table.scan().to_arrow().to_pylist()}
    assert len(rows) == 20
    assert rows[3]["ours"] is None and rows[12]["ours"] == 1.5 and rows[12]["theirs"] == "x"


def test_nothing_is_lost_or_doubled_when_answers_are_lost_and_the_program_dies(millrace, rest):
    with FaultProxy("http", rest.uri.removeprefix("http://")) as proxy:
        config(millrace, rest, proxy.url)
        for part in range(10):
            write_rows(millrace, f"p{part}", part * ROWS // 10, ROWS // 10)
        for effect in ("lost", "answered", "reset", "refused"):
            proxy.inject(method="POST", path="/tables/clicks", effect=effect, status=504, at=10)
        for attempt in range(3):
            running = millrace.start("run", "--until-idle")
            time.sleep(0.3 + 0.4 * attempt)
            running.kill()
            running.communicate()
        millrace.run("run", "--until-idle")
        assert sum(proxy.hits()) > 0
    assert ids_in(rest) == list(range(ROWS))


def test_nobody_there_is_one_sentence_and_exit_69(millrace, rest):
    config(millrace, rest, "http://127.0.0.1:1")
    write_rows(millrace, "a", 0, 1)
    done = millrace.run("run", "--until-idle", expect=69)
    assert "the REST catalogue at http://127.0.0.1:1 does not answer" in done.stderr


def test_a_table_made_again_by_others_is_filled_from_the_stream(millrace, rest):
    config(millrace, rest, rest.uri)
    write_rows(millrace, "a", 0, 10)
    millrace.run("run", "--until-idle")
    from pyiceberg.catalog.rest import RestCatalog as Client

    client = Client("judge", uri=rest.uri)
    schema = client.load_table("silver.clicks").schema()
    client.drop_table("silver.clicks")
    client.create_table("silver.clicks", schema)
    write_rows(millrace, "b", 10, 10)
    millrace.run("run", "--until-idle")
    assert ids_in(rest) == list(range(20))
