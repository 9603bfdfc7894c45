"""Hostile records: what goes in is landed, rescued or quarantined; neighbours are untouched; memory is bounded."""

import base64
import json
import resource
import subprocess

import conftest
import oracle

CONFIG = """
name: hostile
data_dir: data
memory: 128MiB
sources:
  events: {{ file: {{ path: "in.ndjson", record_size_max: {limit} }}, topic: events }}
tables:
  silver.events: {{ from: events, columns: {{ n: long }}, metadata: true }}
  bronze.events: {{ from: events, files: {{ compression: none }} }}
  bronze.delivered: {{ from: events, files: {{ compression: none, error_path: "_errors/{{cause}}/{{ingested:%Y/%m/%d}}" }} }}
"""

GOOD = [json.dumps({"id": i, "n": i, "text": f"neighbour {i}"}).encode() for i in range(100)]

# name -> (record, what becomes of it: "row" as it is, "rescued", or "quarantined")
HOSTILE = {
    "bad UTF-8": (b'{"id":1000,"text":"\xff\xfe"}', "quarantined"),
    "lone surrogate": (b'{"id":1001,"text":"\\ud800"}', "text rescued"),
    "NUL in a string": (b'{"id":1002,"text":"a\\u0000b"}', "row"),
    "raw NUL": (b'{"id":1003,"text":"a\x00b"}', "quarantined"),
    "depth 1k": (b'{"id":1004,"x":' + b"[" * 1000 + b"]" * 1000 + b"}", "quarantined"),
    "7.5 in integers": (b'{"id":1005,"n":7.5}', "rescued"),
    "NaN": (b'{"id":1006,"n":NaN}', "quarantined"),
    "Infinity": (b'{"id":1007,"n":Infinity}', "quarantined"),
    "1e400": (b'{"id":1008,"n":1e400}', "rescued"),
    "-0": (b'{"id":1009,"n":-0}', "row"),
    "2^63": (b'{"id":1010,"n":9223372036854775808}', "rescued"),
    "2^64": (b'{"id":1011,"n":18446744073709551616}', "rescued"),
    "fifty digits": (b'{"id":1012,"n":' + b"9" * 50 + b"}", "rescued"),
    "text in integers": (b'{"id":1013,"n":"seven"}', "rescued"),
    "object in integers": (b'{"id":1014,"n":{"a":1}}', "rescued"),
    "not JSON": (b"not json at all", "quarantined"),
    "half a record": (b'{"id":1016,"n":', "quarantined"),
    "an array": (b"[1,2,3]", "quarantined"),
    "a number": (b"42", "quarantined"),
    "two documents": (b'{"id":1019}{"id":1020}', "quarantined"),
}


def place(hostile):
    """Each hostile record between two good ones, empty lines here and there."""
    lines = []
    for i, record in enumerate(hostile):
        lines += [GOOD[i % len(GOOD)], record, b""]
    return lines


def land(millrace, lines, limit="16MiB", bom=False):
    (millrace.folder / "in.ndjson").write_bytes((b"\xef\xbb\xbf" if bom else b"") + b"\n".join(lines) + b"\n")
    millrace.write("millrace.yaml", CONFIG.format(limit=limit))
    millrace.run("run", "--until-idle")
    lake = oracle.Lake(millrace.folder / "data")
    tables = lake.tables()
    quarantine = [r for t in tables if t.startswith("quarantine.") and "silver" in t for r in lake.walk(t)]
    return lake.walk("silver.events"), quarantine


def test_every_hostile_record_is_landed_rescued_or_quarantined(millrace):
    lines = place([record for record, _ in HOSTILE.values()])
    rows, quarantine = land(millrace, lines, bom=True)
    assert len(rows) + len(quarantine) == len([line for line in lines if line.strip()])
    by_id = {}
    for row in rows:
        by_id.setdefault(row["id"], []).append(row)
    raws = [bytes(r["record"]) for r in quarantine]
    for name, (record, fate) in HOSTILE.items():
        if fate == "quarantined":
            assert record in raws, f"{name}: not in quarantine"
            continue
        number = json.loads(record.decode())["id"]
        (row,) = by_id[number]
        if "rescued" in fate:
            column = "text" if "text" in fate else "n"
            assert row[column] is None, f"{name}: {row}"
            assert column in row["_rescued"], f"{name}: {row['_rescued']}"
        else:
            assert not row["_rescued"], f"{name}: {row['_rescued']}"
    good = [r for r in rows if r["id"] < 1000]
    assert all(r["text"] == f"neighbour {r['id']}" and r["n"] == r["id"] and not r["_rescued"] for r in good)
    assert len(good) == len(HOSTILE)


def test_what_is_no_json_is_delivered_under_the_error_path(millrace):
    lines = [line for line in place([record for record, _ in HOSTILE.values()]) if line]
    land(millrace, lines)
    folder = next((millrace.folder / "data/lake").rglob("bronze/delivered"))
    delivered = {path: path.read_bytes().splitlines() for path in folder.rglob("*.jsonl")}
    errors = [json.loads(line) for path, found in delivered.items() if "_errors" in path.parts for line in found]
    rows = [line for path, found in delivered.items() if "_errors" not in path.parts for line in found]
    assert len(rows) + len(errors) == len(lines)
    assert {e["_error"] for e in errors} >= {"malformed", "invalid_utf8"}
    assert all(lines[e["_offset"]] == base64.b64decode(e["_record_base64"]) for e in errors)
    assert not [t for t in oracle.Lake(millrace.folder / "data").tables() if t.startswith("quarantine.") and "delivered" in t]


def test_the_rescued_text_is_the_original_to_the_digit(millrace):
    rows, _ = land(millrace, place([HOSTILE["fifty digits"][0], HOSTILE["2^64"][0], HOSTILE["7.5 in integers"][0]]))
    rescued = {r["id"]: r["_rescued"] for r in rows if r["_rescued"]}
    assert "9" * 50 in rescued[1012]
    assert "18446744073709551616" in rescued[1011]
    assert "7.5" in rescued[1005]


def test_a_field_that_is_int_then_string_then_object_loses_nothing(millrace):
    rows, quarantine = land(millrace, [b'{"id":1,"x":1}'] * 50 + [b'{"id":2,"x":"two"}', b'{"id":3,"x":{"y":3}}', b'{"id":4,"x":4}'])
    assert quarantine == [] and len(rows) == 53
    by_id = {r["id"]: r for r in rows}
    assert (by_id[4]["x"], by_id[2]["x"], by_id[3]["x"]) == (4, None, None)
    assert json.loads(by_id[2]["_rescued"]) == {"x": "two"}
    assert json.loads(by_id[3]["_rescued"]) == {"x": {"y": 3}}


def test_keys_that_repeat_or_differ_in_case_lose_nothing(millrace):
    lines = [b'{"id":1,"Name":"upper"}', b'{"id":2,"name":"lower"}', b'{"id":3,"name":"a","NAME":"b"}', b'{"id":4,"name":"first","name":"second"}']
    rows, quarantine = land(millrace, lines)
    assert len(rows) + len(quarantine) == 4
    text = json.dumps(rows, default=str) + " ".join(bytes(q["record"]).decode() for q in quarantine)
    for value in ("upper", "lower", '"a', "b", "first", "second"):
        assert value in text, f"{value} is lost: {text}"
    names = [n.lower() for n in rows[0]]
    assert len(names) == len(set(names)), "engines that ignore case could not read these columns"


def test_giants_are_bounded(millrace):
    """A 100 MB record, a million keys, ten million levels: in a process whose address space could not hold them many times over."""
    with open(millrace.folder / "in.ndjson", "wb") as file:
        file.write(GOOD[0] + b"\n")
        file.write(b'{"id":1,"text":"' + b"x" * 100_000_000 + b'"}\n')
        file.write(GOOD[1] + b"\n")
        file.write(b"{" + b",".join(b'"k%d":%d' % (i, i) for i in range(1_000_000)) + b"}\n")
        file.write(GOOD[2] + b"\n")
        file.write(b"[" * 10_000_000 + b"\n")
        file.write(GOOD[3] + b"\n")
    millrace.write("millrace.yaml", CONFIG.format(limit="16MiB"))
    process = subprocess.run(
        [conftest.BINARY, "run", "--until-idle"],
        cwd=millrace.folder,
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)),
    )
    assert process.returncode == 0, process.stderr
    lake = oracle.Lake(millrace.folder / "data")
    quarantine = [r for t in lake.tables() if t.startswith("quarantine.") and "silver" in t for r in lake.walk(t)]
    rows = lake.walk("silver.events")
    assert [r["id"] for r in sorted(rows, key=lambda r: r["_offset"]) if r["id"] is not None][:4] == [0, 1, 2, 3]
    assert len(rows) + len(quarantine) == 7


def test_a_truncated_gzip_lands_what_came_before_the_cut_and_says_so(millrace):
    import gzip

    body = b"".join(json.dumps({"id": i, "n": i}).encode() + b"\n" for i in range(20000))
    (millrace.folder / "in.ndjson").write_bytes(gzip.compress(body)[:-20000])
    millrace.write("millrace.yaml", CONFIG.format(limit="16MiB"))
    done = millrace.run("run", "--until-idle", expect=None)
    assert "in.ndjson" in done.stderr and ("truncated" in done.stderr or "cut" in done.stderr), done.stderr
    rows = oracle.Lake(millrace.folder / "data").walk("silver.events")
    ids = sorted(r["id"] for r in rows if r["id"] is not None)
    assert ids == list(range(len(ids))) and len(ids) > 1000


def test_quarantine_verbs_show_cause_and_place(millrace):
    land(millrace, [GOOD[0], b"nonsense", GOOD[1]])
    listed = millrace.run("quarantine", "list", "--json").stdout
    assert "malformed" in listed
    shown = millrace.run("quarantine", "show", "silver.events").stdout
    assert "nonsense" in shown
