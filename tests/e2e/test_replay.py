"""Stretches of a topic are landed once more, on purpose: all of it at once, once, whatever ends the program; other readers count."""

import json
import shutil
import time

import pytest

import oracle
import readers

EVENTS = 4000
CRASHED = 86
CONFIG = """
name: again
data_dir: data
memory: 128MiB
sources:
  events: {{ file: {{ path: "in/*.ndjson" }}, topic: events }}
topics:
  events: {{ partitions: 2 }}
tables:
  silver.plain: {{ from: events, metadata: true, {more} iceberg: {{ partition_by: ["bucket(3, id)"] }} }}
  silver.keyed: {{ from: events, key: [id] }}
"""


def write(millrace, name, first, end, broken=()):
    lines = [json.dumps({"id": i, "n": i * 7}) if i not in broken else "poison %d" % i for i in range(first, end)]
    millrace.write(f"in/{name}.ndjson", "\n".join(lines) + "\n")


@pytest.fixture
def landed(millrace):
    millrace.write("millrace.yaml", CONFIG.format(more=""))
    # A batch without keys goes to one partition, the next one to the other.
    for part in range(8):
        write(millrace, f"a{part}", part * EVENTS // 8, (part + 1) * EVENTS // 8, broken=(10, 11))
    millrace.run("run", "--until-idle")
    millrace.data = millrace.folder / "data"
    return millrace


def rows(millrace, table="silver.plain"):
    lake = oracle.Lake(millrace.data)
    by_hand = lake.walk(table)
    oracle.compare([r["id"] for r in by_hand], [r["id"] for r in readers.pyiceberg_rows(millrace.data, table)], table)
    lake.positions(table)
    return by_hand


def stretch(millrace, partition, begin, end):
    """The ids of the records [begin, end) of a partition, as they landed the first time."""
    return [r["id"] for r in rows(millrace) if r["_partition"] == partition and begin <= r["_offset"] < end]


def sound():
    return [i for i in range(EVENTS) if i not in (10, 11)]


def test_a_stretch_lands_once_more_and_the_position_stays(landed):
    again = stretch(landed, 0, 100, 300) + stretch(landed, 1, 0, 50)
    positions = oracle.Lake(landed.data).positions("silver.plain")
    arguments = ("offsets", "replay", "silver.plain", "0=100..300", "1=..50", "--append")
    plan = json.loads(landed.run(*arguments, "--dry-run", "--json").stdout)
    assert [(p["partition"], p["begin"], p["end"], p["records"]) for p in plan] == [(0, 100, 300, 200), (1, 0, 50, 50)]
    oracle.compare(sound(), [r["id"] for r in rows(landed)], "after a dry run")
    landed.run(*arguments)
    oracle.compare(sound() + again, [r["id"] for r in rows(landed)], "after the replay")
    assert oracle.Lake(landed.data).positions("silver.plain", "again") == positions
    said = landed.run(*arguments).stderr
    assert "is done" in said
    oracle.compare(sound() + again, [r["id"] for r in rows(landed)], "after the same command again")
    write(landed, "b", EVENTS, EVENTS + 10)
    landed.run("run", "--until-idle")
    oracle.compare(sound() + again + list(range(EVENTS, EVENTS + 10)), [r["id"] for r in rows(landed)], "after a run")
    landed.run(*arguments, "--name", "twice")
    assert len(rows(landed)) == len(sound()) + 10 + 2 * len(again)


def test_a_table_with_a_key_takes_only_what_it_lacks(landed):
    landed.run("offsets", "replay", "silver.keyed", "0=0..1000")
    oracle.compare(sound(), [r["id"] for r in rows(landed, "silver.keyed")], "nothing is there twice")


def test_without_a_key_it_asks_first(landed):
    refused = landed.run("offsets", "replay", "silver.plain", "0=0..10", expect=64)
    assert "twice" in refused.stderr and "--append" in refused.stderr
    for wrong in (("silver.nothing", "0=0..1"), ("silver.plain",), ("silver.plain", "0=0..1", "--from", "2h"), ("silver.plain", "7=0..1")):
        landed.run("offsets", "replay", *wrong, "--append", expect=64)


def test_a_day_of_the_stream_into_a_new_table(landed):
    """After a fix of the configuration: the new table has what the old one could not hold."""
    landed.write("millrace.yaml", CONFIG.format(more="columns: { n: double },"))
    landed.run("offsets", "replay", "silver.plain", "--from", "1h", "--into", "silver.anew", "--stage")
    assert rows(landed, "silver.anew") == []
    assert "under way" in landed.run("offsets", "show").stderr
    landed.run("offsets", "replay", "silver.plain", "--from", "1h", "--into", "silver.anew")
    anew = rows(landed, "silver.anew")
    assert all(isinstance(r["n"], float) for r in anew)
    oracle.compare([(i, float(i * 7)) for i in sound()], [(r["id"], r["n"]) for r in anew], "silver.anew")
    quarantined = oracle.Lake(landed.data).walk("quarantine.silver_anew")
    assert sorted(bytes(r["record"]) for r in quarantined) == [b"poison 10", b"poison 11"]
    assert "under way" not in landed.run("offsets", "show").stderr


def test_given_up_it_leaves_nothing(landed):
    arguments = ("offsets", "replay", "silver.plain", "0=0..1000", "--append")
    landed.run(*arguments, "--stage")
    assert "branch" in json.dumps(oracle.Lake(landed.data).metadata("silver.plain")["refs"])
    landed.run(*arguments, "--abandon")
    assert list(oracle.Lake(landed.data).metadata("silver.plain")["refs"]) == ["main"]
    oracle.compare(sound(), [r["id"] for r in rows(landed)], "silver.plain")
    landed.run(*arguments)
    assert len(rows(landed)) > len(sound())


def test_a_crash_at_every_fault_point(landed):
    again = stretch(landed, 0, 0, 400)
    arguments = ("offsets", "replay", "silver.plain", "0=..400", "--append")
    backup = landed.folder / "backup"
    shutil.copytree(landed.data, backup)
    log = landed.folder / "points"
    landed.run(*arguments, env={"MILLRACE_FAULT_LOG": str(log)})
    points = log.read_text().split()
    assert {"replay.before_begin", "replay.after_begin", "replay.before_publish", "replay.after_publish"} <= set(points)
    for point in points:
        shutil.rmtree(landed.data)
        shutil.copytree(backup, landed.data)
        assert landed.run(*arguments, env={"MILLRACE_FAULT": f"{point}:1"}, expect=None).returncode == CRASHED, point
        seen = len(rows(landed))
        assert seen in (len(sound()), len(sound()) + len(again)), f"after a crash at {point} a part is seen"
        landed.run(*arguments, env={"MILLRACE_FAULT": f"{point}:1"}, expect=None)
        landed.run(*arguments)
        oracle.compare(sound() + again, [r["id"] for r in rows(landed)], f"after a crash at {point}")
        at = oracle.Lake(landed.data).metadata_location("silver.plain")
        landed.run(*arguments)
        assert oracle.Lake(landed.data).metadata_location("silver.plain") == at, "a further run changed the table"


def test_killed_again_and_again_beside_a_pipeline_that_lands(landed):
    again = stretch(landed, 0, 0, 1500) + stretch(landed, 1, 0, 1500)
    running = landed.start("run")
    try:
        arguments = ("offsets", "replay", "silver.plain", "0=..1500", "1=..1500", "--append")
        for attempt in range(4):
            write(landed, f"more{attempt}", EVENTS + 100 * attempt, EVENTS + 100 * (attempt + 1))
            replaying = landed.start(*arguments)
            time.sleep(0.2 + 0.25 * attempt)
            replaying.kill()
            replaying.communicate()
        landed.run(*arguments)
    finally:
        running.terminate()
        running.communicate(timeout=60)
    landed.run("run", "--until-idle")
    oracle.compare(sound() + again + list(range(EVENTS, EVENTS + 400)), [r["id"] for r in rows(landed)], "silver.plain")
    oracle.compare(sound() + list(range(EVENTS, EVENTS + 400)), [r["id"] for r in rows(landed, "silver.keyed")], "silver.keyed")
