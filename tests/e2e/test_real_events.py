"""The main job on real input: every table agrees with the input to the row and the value, by readers that are not ours."""

import csv
import datetime
import gzip
import json

import pytest

import oracle
import readers

CONFIG = """
name: github
data_dir: data
sources:
  events: {{ file: {{ path: "{root}/examples/data/github_events.ndjson" }}, topic: events }}
  cards: {{ file: {{ path: "{root}/examples/data/cards_data.csv" }}, topic: cards, drop: [card_number, cvv] }}
topics:
  events: {{ partitions: 4 }}
tables:
  bronze.events: {{ from: events, files: {{ compression: gzip }} }}
  silver.events:
    from: events
    iceberg: {{ partition_by: [day(created_at)] }}
    key: [id]
    columns: {{ created_at: timestamptz }}
    metadata: true
  silver.cards: {{ from: cards, key: [id] }}
models: models
"""

BY_TYPE = """-- ---
-- materialized: table
-- ---
SELECT type, date_trunc('hour', created_at) AS hour, count(*) AS events FROM silver.events GROUP BY ALL
"""

DEDUPLICATED = """-- ---
-- materialized: incremental
-- over: silver.events
-- key: [id]
-- partition_by: [type, day(created_at)]
-- ---
SELECT id, type, actor.login AS login, repo.name AS repo, created_at FROM silver.events
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory, root):
    from conftest import Millrace

    program = Millrace(tmp_path_factory.mktemp("github"))
    program.write("millrace.yaml", CONFIG.format(root=root))
    program.write("models/gold/events_by_hour.sql", BY_TYPE)
    program.write("models/gold/events.sql", DEDUPLICATED)
    program.run("run", "--until-idle")
    return program


@pytest.fixture(scope="module")
def sent(root):
    with open(root / "examples/data/github_events.ndjson", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def agrees(value, stored, path="$", null_list_is_empty=False):
    """Why `stored` (a Python value out of Arrow) is not the JSON `value`; None when it is. A member that is absent reads as NULL."""
    if value is None:
        if null_list_is_empty and stored == []:
            return None
        return None if stored is None or (isinstance(stored, dict) and not any(stored.values())) else f"{path}: null became {stored!r}"
    if isinstance(value, dict):
        if stored is None:
            return None if not value else f"{path}: object became NULL"
        unknown = [k for k in value if k not in stored and value[k] not in (None, {}, [])]
        if unknown:
            return f"{path}: members {unknown} are gone"
        for name, item in stored.items():
            wrong = agrees(value.get(name), item, f"{path}.{name}", null_list_is_empty)
            if wrong:
                return wrong
        return None
    if isinstance(value, list):
        if stored is None or len(stored) != len(value):
            return None if not value and stored is None else f"{path}: list of {len(value)} became {stored!r}"
        return next((w for i, (a, b) in enumerate(zip(value, stored)) if (w := agrees(a, b, f"{path}[{i}]", null_list_is_empty))), None)
    if isinstance(stored, datetime.datetime):
        value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    return None if value == stored and type(value) is type(stored) else f"{path}: {value!r} became {stored!r}"


def without(row, *names):
    return {k: v for k, v in row.items() if k not in names}


META = ("_topic", "_partition", "_offset", "_event_time", "_ingested_at", "_key", "_rescued")


def check_events(rows, sent, null_list_is_empty=False):
    """`null_list_is_empty`: pyiceberg 0.12 reads a null list of structs inside a struct as [], in tables of its own making too."""
    by_id = {row["id"]: row for row in rows}
    oracle.compare([e["id"] for e in sent], [r["id"] for r in rows], "event ids")
    for event in sent:
        row = by_id[event["id"]]
        if row["_rescued"]:
            restore(row, json.loads(row["_rescued"]))
        wrong = agrees(event, without(row, *META), null_list_is_empty=null_list_is_empty)
        assert wrong is None, f"event {event['id']}: {wrong}"


def restore(row, rescued):
    """Puts rescued values (path -> value) back where they came from."""
    for path, value in rescued.items():
        *parents, name = path.split(".")
        for parent in parents:
            row = row[parent]
        row[name] = value


def test_silver_is_the_input_by_our_own_walk_of_the_files(lake, sent):
    check_events(oracle.Lake(lake.folder / "data").walk("silver.events"), sent)


def test_silver_is_the_input_by_pyiceberg(lake, sent):
    check_events(readers.pyiceberg_rows(lake.folder / "data", "silver.events"), sent, null_list_is_empty=True)


def test_only_empty_lists_had_to_be_rescued_and_nothing_quarantined(lake):
    """`"assets": []` says nothing of the type of assets, so there is no column for it yet; the text is kept."""
    rows = readers.pyiceberg_rows(lake.folder / "data", "silver.events")
    assert {r["_rescued"] for r in rows if r["_rescued"]} == {'{"payload.release.assets":[]}'}
    assert not [t for t in oracle.Lake(lake.folder / "data").tables() if t.startswith("quarantine.")]


def test_duckdb_counts_what_went_in(lake, sent):
    location = oracle.Lake(lake.folder / "data").metadata_location("silver.events")
    rows = readers.duckdb_rows(location, "id, type, repo.name AS repo, _rescued")
    oracle.compare([(e["id"], e["type"], e["repo"]["name"]) for e in sent], [(r["id"], r["type"], r["repo"]) for r in rows])


def test_bronze_keeps_every_event_as_it_came(lake, sent):
    lines = []
    for path in sorted((lake.folder / "data/lake/bronze/events").rglob("*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines += [json.loads(line) for line in file]
    strip = lambda event: json.dumps({k: v for k, v in event.items() if not k.startswith("_")}, sort_keys=True)
    oracle.compare([json.dumps(e, sort_keys=True) for e in sent], [strip(line) for line in lines], "bronze lines")
    assert {line["_topic"] for line in lines} == {"events"}
    places = [(line["_partition"], line["_offset"]) for line in lines]
    assert len(set(places)) == len(places)


def test_cards_keep_their_values_and_lose_their_secrets(lake, root):
    with open(root / "examples/data/cards_data.csv", encoding="utf-8", newline="") as file:
        cards = list(csv.DictReader(file))
    rows = readers.pyiceberg_rows(lake.folder / "data", "silver.cards")
    assert "card_number" not in rows[0] and "cvv" not in rows[0]
    names = [n for n in cards[0] if n not in ("card_number", "cvv")]
    as_text = lambda v: "" if v is None else str(v)
    oracle.compare([tuple(c[n] for n in names) for c in cards], [tuple(as_text(r[n]) for n in names) for r in rows], "cards")


def test_gold_is_what_python_computes_from_the_input(lake, sent):
    hours = {}
    for event in sent:
        hour = datetime.datetime.fromisoformat(event["created_at"].replace("Z", "+00:00")).replace(minute=0, second=0)
        hours[event["type"], hour] = hours.get((event["type"], hour), 0) + 1
    rows = readers.pyiceberg_rows(lake.folder / "data", "gold.events_by_hour")
    assert {(r["type"], r["hour"]): r["events"] for r in rows} == hours
    gold = readers.pyiceberg_rows(lake.folder / "data", "gold.events")
    oracle.compare([(e["id"], e["actor"]["login"]) for e in sent], [(r["id"], r["login"]) for r in gold])


def test_query_prints_the_same_numbers(lake, sent):
    printed = lake.run("query", "SELECT type, count(*) AS n FROM silver.events GROUP BY type", "--format", "json").stdout
    counts = {}
    for event in sent:
        counts[event["type"]] = counts.get(event["type"], 0) + 1
    assert {row["type"]: row["n"] for row in json.loads(printed)} == counts


def test_a_second_run_changes_nothing(lake):
    judge = oracle.Lake(lake.folder / "data")
    before = {t: judge.metadata_location(t) for t in judge.tables()}
    lake.run("run", "--until-idle")
    assert {t: judge.metadata_location(t) for t in judge.tables()} == before


def test_spark_reads_every_table_and_appends_and_we_go_on(lake, sent, root):
    """Spark and pyiceberg write into our table; what we land afterwards is right and theirs stays."""
    data = lake.folder / "data"
    tables = [t for t in oracle.Lake(data).tables()]
    counts = readers.spark(data, [f"SELECT count(*) AS n FROM millrace.{t}" for t in tables])
    ours = {t: len(oracle.Lake(data).walk(t)) for t in tables}
    assert {t: rows[0]["n"] for t, rows in zip(tables, counts)} == ours

    readers.spark(data, ["INSERT INTO millrace.silver.cards (id, client_id, card_brand) VALUES (900001, 1, 'Spark')"])
    cards = readers.pyiceberg_catalog(data).load_table("silver.cards")
    import pyarrow as pa

    names = {f.name: f for f in cards.schema().as_arrow()}
    row = {n: [None] for n in names} | {"id": [900002], "client_id": [2], "card_brand": ["pyiceberg"]}
    cards.append(pa.table(row, schema=pa.schema([pa.field(n, f.type) for n, f in names.items()])))

    more = lake.folder / "more.csv"
    header = (root / "examples/data/cards_data.csv").read_text().splitlines()[0]
    more.write_text(header + "\n900003,3,Millrace,Debit,1,Dec-30,1,YES,1,1,Jan-20,2020,No\n4524,825,Visa,Debit,4.34E+15,Dec-22,623,YES,2,24295,Sep-02,2008,No\n")
    text = (lake.folder / "millrace.yaml").read_text()
    (lake.folder / "millrace.yaml").write_text(text.replace('cards_data.csv"', f'cards_data.csv", "{more}"]').replace('path: "' + str(root) + '/examples/data/cards', 'path: ["' + str(root) + '/examples/data/cards'))
    lake.run("run", "--until-idle")
    rows = oracle.Lake(data).walk("silver.cards")
    brands = [r["card_brand"] for r in rows if r["id"] > 900000]
    assert sorted(brands) == ["Millrace", "Spark", "pyiceberg"]
    assert len(rows) == ours["silver.cards"] + 3, "the card with a known key must not land again"
