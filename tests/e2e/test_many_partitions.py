"""Ten thousand partitions at once (a thousand in the short form), in one chunk, inside a small budget, under a limit on the address space that the kernel keeps: as files in folders of a
minute each, and as an Iceberg table. What the budget cannot hold waits on disk; nothing is lost, and no partition of a table becomes a storm of files."""

import collections
import json
import os
import pathlib
import re
import subprocess

import conftest
import pytest

PARTITIONS = 10_000 if os.environ.get("MILLRACE_LONG_TESTS") else 1_000
RECORDS = 6 * PARTITIONS
BUDGET = "512MiB"
ADDRESS_SPACE = 1536 << 20  # program, libraries and stacks included
LAKE = "lake: {{ warehouse: {folder}/lake, catalog: {{ sqlite: {{ path: {folder}/catalog.db }} }} }}\n"
TABLES = {
    "files": "tables:\n  {space}.t: {{ from: {topic}, files: {{ compression: none, buffer_time: 60s, path: 'day={{event:%Y-%m-%d}}/minute={{event:%H-%M}}' }} }}\n",
    "iceberg": "tables:\n  {space}.t: {{ from: {topic}, freshness: 60s, columns: {{ id: long, p: long, text: string }}, iceberg: {{ partition_by: [p] }} }}\n",
}


@pytest.mark.parametrize("kind", TABLES)
def test_many_partitions_fit_a_small_budget(field, kind):
    field.create(partitions=1)
    start = 1_700_000_000_000 // 60_000 * 60_000
    for i in range(RECORDS):
        p = i * 7919 % PARTITIONS
        field.send({"id": i, "p": p, "text": f"{i:x}" * 40}, timestamp=start + p * 60_000)
    assert field.producer.flush(120) == 0

    def local(text):
        return re.sub(r"(?s)lake:\n.*?\nserver", LAKE.format(folder=field.millrace.folder) + "server", text)

    config = field.config(tables=TABLES[kind] + "maintenance: {{ interval: 0s }}\n", memory=BUDGET, change=local)
    command = ["prlimit", f"--as={ADDRESS_SPACE}", conftest.BINARY, "run", "--until-idle", "-c", config]
    done = subprocess.run(command, cwd=field.millrace.folder, capture_output=True, text=True, timeout=280, env={**os.environ, "MALLOC_ARENA_MAX": "2"})
    assert done.returncode == 0, done.stderr
    folder = pathlib.Path(field.millrace.folder, "lake", field.space, "t")
    if kind == "files":
        files = sorted(folder.rglob("*.jsonl"))
        rows = [json.loads(line) for path in files for line in path.read_text().splitlines()]
        of_folder = collections.Counter(path.parent for path in files)
    else:
        import oracle

        lake = oracle.Lake(field.millrace.folder)
        rows = lake.walk(f"{field.space}.t")
        of_folder = collections.Counter(os.path.dirname(file["file_path"]) for file in lake.entries(f"{field.space}.t"))
    assert sorted(row["id"] for row in rows) == list(range(RECORDS))
    assert len(of_folder) == PARTITIONS
    # Ten thousand files in memory at once are more than the budget holds, so that they are written more often; tables spill instead.
    assert max(of_folder.values()) <= (6 if kind == "files" else 4), collections.Counter(of_folder.values())
