"""Records in quarantine become rows after the fix, once, whatever ends the program; what fails again stays; other readers count."""

import json
import shutil
import time

import pytest

import oracle
import readers

EVENTS = 1200
CRASHED = 86
CONFIG = """
name: mend
data_dir: data
memory: 128MiB
sources:
  events: {{ file: {{ path: "in/*.ndjson" }}, topic: events }}
topics:
  events: {{ partitions: 2 }}
tables:
  silver.events: {{ from: events, metadata: true, {key} columns: {{ id: long, n: long }}, contract: {{ types: {types} }} }}
"""
TABLE, QUARANTINE = "silver.events", "quarantine.silver_events"
LAST = EVENTS + 500
TEXTS = set(range(5, LAST, 40))  # their n is a text, which the contract keeps out at first
POISON = set(range(7, LAST, 100))


def line(i):
    if i in POISON:
        return f"poison {i}"
    return json.dumps({"id": i, "n": f"n{i}" if i in TEXTS else i})


def write(millrace, name, first, end):
    millrace.write(f"in/{name}.ndjson", "".join(line(i) + "\n" for i in range(first, end)))


def configure(millrace, types, key=""):
    millrace.write("millrace.yaml", CONFIG.format(types=types, key=key))


@pytest.fixture
def landed(millrace):
    configure(millrace, "discard_row")
    for part in range(6):
        write(millrace, f"a{part}", part * EVENTS // 6, (part + 1) * EVENTS // 6)
    millrace.run("run", "--until-idle")
    millrace.data = millrace.folder / "data"
    return millrace


def rows(millrace, table=TABLE):
    by_hand = oracle.Lake(millrace.data).walk(table)
    others = readers.pyiceberg_rows(millrace.data, table)
    key = "id" if table == TABLE else "offset"
    oracle.compare([r[key] for r in by_hand], [r[key] for r in others], table)
    return by_hand


def check(millrace, mended, last=EVENTS):
    """Every record is a row, or waits in the quarantine, once; in = rows + waiting."""
    found = rows(millrace)
    oracle.compare([i for i in range(last) if i not in POISON and (mended or i not in TEXTS)], [r["id"] for r in found], "rows")
    for row in found:
        if row["id"] in TEXTS:
            assert row["n"] is None and json.loads(row["_rescued"]) == {"n": f"n{row['id']}"}
    kept = rows(millrace, QUARANTINE)
    waiting = [bytes(r["record"]).decode() for r in kept if r["replayed_at"] is None]
    oracle.compare([line(i) for i in range(last) if i in POISON or (not mended and i in TEXTS)], waiting, "waiting")
    replayed = [json.loads(r["record"])["id"] for r in kept if r["replayed_at"] is not None]
    oracle.compare([i for i in range(last) if mended and i in TEXTS], replayed, "replayed")
    assert all((r["replay"] is None) == (r["replayed_at"] is None) for r in kept)
    places = {(r["_topic"], r["_partition"], r["_offset"]) for r in found}
    assert len(places) == len(found), "each row says where its record stood"
    oracle.Lake(millrace.data).positions(TABLE)


def replay(millrace, *arguments, **more):
    done = millrace.run("quarantine", "replay", TABLE, "--json", *arguments, **more)
    return {one["cause"]: one for one in json.loads(done.stdout)} if done.returncode == 0 else done


def test_after_the_fix_they_land_and_the_rest_stays(landed):
    texts, poison = len([i for i in TEXTS if i < EVENTS]), len([i for i in POISON if i < EVENTS])
    check(landed, mended=False)
    tried = replay(landed, "--dry-run")
    assert tried["contract"]["landed"] == 0 and tried["contract"]["failed"] == texts
    at = oracle.Lake(landed.data).metadata_location(TABLE)
    configure(landed, "discard_value")
    tried = replay(landed, "--dry-run")
    assert (tried["contract"]["records"], tried["contract"]["landed"]) == (texts, texts)
    assert tried["malformed"]["failed_for"] == f"malformed: {poison}"
    assert oracle.Lake(landed.data).metadata_location(TABLE) == at, "a dry run changes nothing"
    assert replay(landed, "--cause", "contract").keys() == {"contract"}
    check(landed, mended=True)
    assert replay(landed)["malformed"]["landed"] == 0
    check(landed, mended=True)
    listed = json.loads(landed.run("quarantine", "list", "--json").stdout)
    assert {(r["cause"], r["records"], r["replayed"]) for r in listed} == {("contract", 0, texts), ("malformed", poison, 0)}
    shown = json.loads(landed.run("quarantine", "show", TABLE, "--json", "-n", "1000").stdout)
    assert len(shown) == poison
    assert len(json.loads(landed.run("quarantine", "show", TABLE, "--json", "-n", "1000", "--all").stdout)) == poison + texts
    write(landed, "b", EVENTS, EVENTS + 100)
    landed.run("run", "--until-idle")
    assert len(rows(landed)) == len([i for i in range(EVENTS + 100) if i not in POISON])


def test_what_has_its_key_in_the_table_is_done_without_a_row(landed):
    configure(landed, "discard_value", key="key: [id],")
    shutil.rmtree(landed.data)
    configure(landed, "discard_row", key="key: [id],")
    landed.run("run", "--until-idle")
    configure(landed, "discard_value", key="key: [id],")
    twin = min(TEXTS)
    landed.write("in/twin.ndjson", json.dumps({"id": twin, "n": None}) + "\n")
    landed.run("run", "--until-idle")
    assert replay(landed)["contract"]["landed"] == len([i for i in TEXTS if i < EVENTS])
    found = rows(landed)
    assert [r["_rescued"] for r in found if r["id"] == twin] == [None]
    oracle.compare([i for i in range(EVENTS) if i not in POISON], [r["id"] for r in found], "rows")


def test_a_crash_at_every_fault_point(landed):
    configure(landed, "discard_value")
    backup = landed.folder / "backup"
    shutil.copytree(landed.data, backup)
    log = landed.folder / "points"
    replay(landed, env={"MILLRACE_FAULT_LOG": str(log)})
    check(landed, mended=True)
    points = log.read_text().split()
    own = {"quarantine.before_note", "quarantine.after_note", "quarantine.before_marks", "quarantine.after_marks", "quarantine.before_note_delete"}
    assert own <= set(points)
    for point in points:
        for nth in (1, 2):
            shutil.rmtree(landed.data)
            shutil.copytree(backup, landed.data)
            ended = replay(landed, env={"MILLRACE_FAULT": f"{point}:{nth}"}, expect=None)
            assert nth > 1 or ended.returncode == CRASHED, point
            replay(landed, env={"MILLRACE_FAULT": f"{point}:1"}, expect=None)
            replay(landed)
            try:
                check(landed, mended=True)
                before = oracle.Lake(landed.data).metadata_location(QUARANTINE)
                replay(landed)
                assert oracle.Lake(landed.data).metadata_location(QUARANTINE) == before, "a further run changed the quarantine"
                assert not list((landed.data / "lake/quarantine/silver_events").glob("replays/*.json"))
            except AssertionError as error:
                pytest.fail(f"after a crash at {point}:{nth}: {error}")


def test_killed_beside_a_pipeline_that_lands_and_quarantines(landed):
    configure(landed, "discard_value")
    shutil.copy(landed.folder / "millrace.yaml", landed.folder / "mended.yaml")
    configure(landed, "discard_row")
    running = landed.start("run")
    try:
        for attempt in range(5):
            write(landed, f"more{attempt}", EVENTS + 100 * attempt, EVENTS + 100 * (attempt + 1))
            replaying = landed.start("quarantine", "replay", TABLE, "-c", "mended.yaml")
            time.sleep(0.1 + 0.15 * attempt)
            replaying.kill()
            replaying.communicate()
    finally:
        running.terminate()
        running.communicate(timeout=60)
    landed.run("run", "--until-idle")
    replay(landed, "-c", "mended.yaml")
    found = [r["id"] for r in rows(landed)]
    waiting = [bytes(r["record"]).decode() for r in rows(landed, QUARANTINE) if r["replayed_at"] is None]
    oracle.compare([i for i in range(LAST) if i not in POISON], found, "rows")
    oracle.compare([line(i) for i in POISON], waiting, "waiting")
