#!/usr/bin/env python3
"""docs/fault-points.md out of the sources: every place where the program can be ended on purpose, and the tests that do so.

    tests/fault_points.py           prints the page
    tests/fault_points.py --check   says whether docs/fault-points.md is that page
    tests/fault_points.py --passed FILE   prints how often the tests passed each point, and fails when they never passed one although all servers are here;
                                          FILE is what MILLRACE_FAULT_PASSES named while they ran
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/fault-points.md"
SERVERS = ["kafka", "rest", "s3server", "mongo", "kinesalite", "moto"]
# What stands for {} in a name that is put together.
KINDS = {"table.{}.": ["manifest", "manifest_list"]}
# First word of a name -> what lies around it, and the tests that end the program there. A test marked * asks a whole run which points it passes, and
# ends at each of them in turn, in the recovery too.
FAMILIES = {
    "app": ("a table's first start; a source and a table that tell where they are", ["e2e/test_crashes.py*", "e2e/test_kafka.py"]),
    "backfill": ("each window of a stretch of a model's rows that is made again, and its rows in quarantine", ["e2e/test_backfill.py*"]),
    "catalog": ("metadata files; the compare-and-swap of the SQLite and of the REST catalogue; changes of Glue", ["e2e/test_crashes.py*", "e2e/chaos.py", "e2e/test_crash_corners.py", "e2e/test_glue.py*", "src/catalog/sql/metadata_log_test.cc"]),
    "documents": ("each request to a document store, the records it does not take, the positions it keeps", ["e2e/test_documents.py*"]),
    "export": ("each file of an export, before and after it gets its name", ["e2e/test_export.py"]),
    "files": ("plain files: rejects, versions of columns, the plan, their table of Glue, each object", ["src/land/files_sink_test.cc*", "src/land/files_column_chunk_test.cc*", "e2e/test_crashes.py*", "e2e/chaos.py", "e2e/test_glue.py"]),
    "ingest": ("a request that brings events: before they are appended, before it is answered", ["e2e/test_http_ingest.py"]),
    "io": ("each write, fsync, link and directory of a folder; each PUT and part of a bucket", ["src/io/crash_test.cc", "e2e/test_crashes.py*", "e2e/test_s3.py", "e2e/test_crash_corners.py"]),
    "kafka": ("transactions of a source that appends to Kafka; partitions that go to another worker", ["e2e/test_kafka.py"]),
    "key_index": ("the files of keys that have landed, and of where rows lie", ["src/land/upsert/upsert_crash_test.cc*", "e2e/test_crashes.py*"]),
    "kinesis": ("answers and ends of shards; requests that append to Kinesis, and the position of the source after them", ["e2e/test_kinesis.py"]),
    "land": ("data files, the commit of a chunk, layout of a table", ["src/land/crash_test.cc*", "src/land/upsert/upsert_crash_test.cc*", "e2e/test_crashes.py*", "e2e/chaos.py", "e2e/test_crash_corners.py"]),
    "maintain": ("rewriting, expiry, removal, and the journal of what is removed", ["e2e/test_maintenance.py*", "e2e/test_equality_deletes.py"]),
    "quarantine": ("records that cannot become rows", ["src/land/crash_test.cc*", "e2e/test_crashes.py*", "e2e/chaos.py"]),
    "refine": ("the commit of a model, rows of it that go into quarantine, results of its expectations", ["src/refine/runner_test.cc*", "e2e/test_crashes.py*", "e2e/test_expectations.py", "e2e/test_replace_partitions.py"]),
    "replay": ("a stretch or a quarantine that is landed once more", ["e2e/test_replay.py*", "e2e/test_quarantine_replay.py*"]),
    "spark": ("the branch that Spark writes the rows of a model to", ["e2e/test_spark.py"]),
    "stream": ("appends, checkpoints, trimming and acknowledgements of the embedded stream", ["src/stream/embedded/durability_test.cc*", "e2e/test_crashes.py*"]),
    "table": ("manifests and manifest lists", ["src/land/crash_test.cc*", "e2e/test_crashes.py*"]),
}


def points():
    """name -> files that pass it, in the order of their names."""
    found = collections.defaultdict(set)
    for path in sorted(ROOT.glob("src/**/*.cc")):
        if path.name.endswith("_test.cc"):
            continue
        for name in re.findall(r'FaultPoint\((?:fmt::format\()?"([^"]+)"', path.read_text()):
            kinds = next((kinds for prefix, kinds in KINDS.items() if name.startswith(prefix)), [""])
            for kind in kinds:
                found[name.replace("{}", kind)].add(str(path.relative_to(ROOT)))
    return dict(sorted(found.items()))


def page():
    named = points()
    lines = [
        "# Fault points",
        "",
        "Written by `tests/fault_points.py`; do not edit.",
        "",
        f"The program can be ended, with nothing flushed and no destructor run, at {len(named)} places: before and after each write, fsync, PUT, compare-and-swap and acknowledgement.",
        "`MILLRACE_FAULT=name:k` ends it at the k-th pass of a point with exit status 86; `MILLRACE_FAULT_LOG=FILE` lists the points that a run passed,",
        "`MILLRACE_FAULT_PASSES=FILE` one line a pass. None has an effect on anything else, and all work in the released program: try what your own pipeline does.",
        "",
        "What the tests demand after each: the next run lands every record once, and a run after that changes nothing. A test with a star asks a whole run which",
        "points it passes and ends at each of them in turn; the others name theirs. Workers, brokers, bucket and catalogue are harmed together by",
        "`./dev soak kafka` ([chaos.py](../tests/e2e/chaos.py)).",
        "",
        "`make test` counts the passes of each point, prints them, and fails when one was never passed.",
    ]
    for family, (what, tests) in FAMILIES.items():
        lines += ["", f"## {family}: {what}", "", f"Ended at by {', '.join(f'`{test}`' for test in tests)}.", "", "| point | passed in |", "|---|---|"]
        lines += [f"| `{n}` | {', '.join(f'`{f}`' for f in sorted(files))} |" for n, files in named.items() if n.split(".")[0] == family]
    return "\n".join(lines) + "\n"


def main():
    strangers = {name.split(".")[0] for name in points()} ^ set(FAMILIES)
    missing = [test for _, tests in FAMILIES.values() for test in tests if not any((ROOT / f / test.rstrip("*")).exists() for f in (".", "tests"))]
    if strangers or missing:
        sys.exit(f"tests/fault_points.py: FAMILIES differs from the code in {sorted(strangers)}; no such tests: {missing}")
    if "--passed" in sys.argv:
        counts = collections.Counter(pathlib.Path(sys.argv[-1]).read_text().split())
        print("| point | passes |\n|---|---:|")
        for name in points():
            print(f"| `{name}` | {counts[name]:,} |")
        never = sorted(set(points()) - set(counts))
        if never:
            said = f"no test passed {', '.join(never)}"
            sys.exit(f"tests/fault_points.py: {said}" if all((ROOT / ".deps" / name).exists() for name in SERVERS) else print(said))
        return
    if "--check" in sys.argv:
        if PAGE.read_text() != page():
            sys.exit("docs/fault-points.md is stale: run ./dev docs")
    else:
        sys.stdout.write(page())


if __name__ == "__main__":
    main()
