"""What others do to a table while a pipeline writes to it, over the SQL catalogue and over Apache's REST catalogue: after it nothing is missing
and nothing is there twice, or the pipeline has stopped and says what to do. pyiceberg is the stranger, and counts."""

import json
import pathlib
import signal
import sys
import time

import oracle
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))

from rest_catalog import RestCatalog  # noqa: E402

TABLE = "silver.t"
CONFIG = """
name: shop
data_dir: data
lake: {lake}
sources: {{ in: {{ file: {{ path: "in/*.jsonl", follow: true }}, topic: t }} }}
tables: {{ silver.t: {{ from: t, freshness: 100ms }} }}
"""


class Shop:
    """A pipeline, and the table as a stranger sees it."""

    def __init__(self, millrace, lake, client):
        self.millrace = millrace
        self.client = client
        self.running = None
        millrace.write("millrace.yaml", CONFIG.format(lake=lake))

    def write(self, name, ids, **more):
        # Complete when it shows: the source may look at any moment.
        path = self.millrace.write(f"in/{name}.part", "".join(json.dumps({"id": i, **more}) + "\n" for i in ids))
        path.rename(path.with_suffix(".jsonl"))

    def land(self, expect=0):
        return self.millrace.run("run", "--until-idle", expect=expect)

    def start(self):
        self.running = self.millrace.start("run")

    def stop(self):
        self.running.send_signal(signal.SIGTERM)
        assert self.running.wait(timeout=120) == 0, self.running.stderr.read()

    def said_at_the_end(self):
        """Of a run that ends by itself."""
        _, said = self.running.communicate(timeout=120)
        assert self.running.returncode == 1, said
        return said

    def table(self):
        return self.client().load_table(TABLE)

    def rows(self):
        return self.table().scan().to_arrow().to_pylist()

    def ids(self):
        return [row["id"] for row in self.rows()]

    def wait_for(self, count):
        deadline = time.monotonic() + 120
        while len(self.ids()) < count:
            assert self.running is None or self.running.poll() is None, self.running.stderr.read()
            assert time.monotonic() < deadline, f"{len(self.ids())} of {count} rows have landed"
            time.sleep(0.2)


@pytest.fixture(params=["sql", "rest"])
def shop(request, millrace):
    if request.param == "sql":
        import readers

        yield Shop(millrace, "{}", lambda: readers.pyiceberg_catalog(millrace.folder / "data"))
        return
    if not (ROOT / ".deps/rest").exists():
        pytest.skip("scripts/setup --servers fetches the catalogue")
    from pyiceberg.catalog.rest import RestCatalog as Client

    warehouse = millrace.folder / "warehouse"
    with RestCatalog(millrace.folder / "rest", warehouse=f"file://{warehouse}") as server:
        lake = f'{{ warehouse: {warehouse}, catalog: {{ rest: {{ uri: "{server.uri}" }} }} }}'
        yield Shop(millrace, lake, lambda: Client("judge", uri=server.uri))


@pytest.fixture(autouse=True)
def nothing_stays(shop):
    yield
    if shop.running and shop.running.poll() is None:
        shop.running.kill()
        shop.running.communicate()


def test_a_rollback_under_a_run_stops_it_until_a_person_says_where_to_go_on(shop):
    shop.start()
    for part in range(2):
        shop.write(part, range(10 * part, 10 * part + 10))
        if part == 0:
            wait_for_table(shop)
        shop.wait_for(10 * part + 10)
    table = shop.table()
    with table.manage_snapshots() as change:
        change.rollback_to_snapshot(table.current_snapshot().parent_snapshot_id)
    shop.write("after", range(20, 30))
    said = shop.said_at_the_end()
    assert "rolled back" in said and "millrace offsets set" in said
    kept = shop.ids()
    assert sorted(kept) == list(range(len(kept)))
    shop.millrace.run("offsets", "set", TABLE, f"0={len(kept)}")
    shop.land()
    oracle.compare(range(30), shop.ids())


def wait_for_table(shop):
    from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError
    from sqlalchemy.exc import OperationalError

    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            return shop.table()
        except (NoSuchTableError, NoSuchNamespaceError, OperationalError):
            assert shop.running.poll() is None, shop.running.stderr.read()
            time.sleep(0.2)
    raise AssertionError("the table does not come")


def test_files_rewritten_and_snapshots_expired_under_a_run(shop):
    """A stranger's compaction: all rows in one new file, the old files gone from the table, the snapshots with our positions expired."""
    from pyiceberg.exceptions import CommitFailedException

    shop.write("a", range(0, 10))
    shop.land()
    shop.start()
    rewritten = 0
    for part in range(1, 6):
        shop.write(f"b{part}", range(10 * part, 10 * part + 10))
        shop.wait_for(10 * part + 10)
        try:
            table = shop.table()
            table.overwrite(table.scan().to_arrow())
            rewritten += 1
            table = shop.table()
            old = [s.snapshot_id for s in table.metadata.snapshots if s.snapshot_id != table.current_snapshot().snapshot_id]
            table.maintenance.expire_snapshots().by_ids(old).commit()
        except CommitFailedException:
            pass  # ours was faster: nothing of theirs happened
    assert rewritten > 0
    shop.stop()
    shop.write("last", range(60, 70))
    shop.land()
    oracle.compare(range(70), shop.ids())


def test_a_table_dropped_and_made_again_under_a_run_is_filled_from_the_start(shop):
    shop.write("a", range(0, 10))
    shop.land()
    shop.start()
    shop.write("b", range(10, 20))
    shop.wait_for(20)
    schema = shop.table().schema()
    shop.client().drop_table(TABLE)
    shop.client().create_table(TABLE, schema)
    shop.write("c", range(20, 30))
    shop.wait_for(30)
    shop.stop()
    oracle.compare(range(30), shop.ids())


def test_columns_renamed_dropped_and_added_under_a_run(shop):
    """Ids are the catalogue's: a name that comes again is another column, what was in the old one stays out of it."""
    shop.write("a", range(0, 10), note="old", size=1)
    shop.land()
    shop.start()
    with shop.table().update_schema(allow_incompatible_changes=True) as change:
        change.delete_column("note")
    with shop.table().update_schema() as change:
        change.rename_column("size", "bytes")
    shop.write("b", range(10, 20), note="new", size=2)
    shop.wait_for(20)
    shop.stop()
    rows = {row["id"]: row for row in shop.rows()}
    assert sorted(rows) == list(range(20)) and len(shop.ids()) == 20
    assert {rows[i]["note"] for i in range(10)} == {None} and {rows[i]["note"] for i in range(10, 20)} == {"new"}
    assert {rows[i]["bytes"] for i in range(10)} == {1} and {rows[i]["size"] for i in range(10, 20)} == {2}


def test_two_writers_grow_one_table_at_once(shop):
    """Ours and theirs add columns of the same and of other names in a race; each name is there once, and every value in its column."""
    from pyiceberg.exceptions import CommitFailedException
    from pyiceberg.types import DoubleType, StringType

    shop.write("a", range(0, 10))
    shop.land()
    shop.start()
    for part in range(1, 5):
        shop.write(f"b{part}", range(10 * part, 10 * part + 10), **{f"both{part}": f"v{part}", f"ours{part}": part / 2})
        for _ in range(50):
            try:
                with shop.table().update_schema() as change:
                    change.add_column(f"theirs{part}", DoubleType())
                    if f"both{part}" not in {field.name for field in shop.table().schema().fields}:
                        change.add_column(f"both{part}", StringType())
                break
            except (CommitFailedException, ValueError):
                continue
        shop.wait_for(10 * part + 10)
    shop.stop()
    names = [field.name for field in shop.table().schema().fields]
    assert len(names) == len(set(names))
    assert {f"{who}{part}" for who in ("both", "ours", "theirs") for part in range(1, 5)} <= set(names)
    rows = shop.rows()
    oracle.compare(range(50), [row["id"] for row in rows])
    for row in rows:
        part = row["id"] // 10
        assert part == 0 or (row[f"both{part}"], row[f"ours{part}"]) == (f"v{part}", part / 2)
