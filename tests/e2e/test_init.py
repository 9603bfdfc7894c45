"""`millrace init`: every combination that it can make is a good configuration, those with nothing beside them run at once, and nothing is overwritten."""

import gzip
import json
import os
import pty
import re
import subprocess

import readers
from conftest import BINARY


def choices(millrace):
    """The words of --from and --to, as the help has them."""
    text = " ".join(millrace.run("init", "--help").stdout.split())
    words = [re.search(rf"{option} TEXT .*?: ((?:\w+, )+\w+)", text)[1].split(", ") for option in ("--from", "--to")]
    assert {"generator", "files", "http", "kafka", "kinesis", "mongodb"} <= set(words[0]) and {"iceberg", "json", "mongodb"} <= set(words[1])
    return words


def test_every_combination_is_good(millrace):
    sources, targets = choices(millrace)
    for source in sources:
        for target in targets:
            folder = f"{source}-{target}"
            made = millrace.run("init", folder, "--from", source, "--to", target).stdout.split()
            assert f"{folder}/millrace.yaml" in made
            said = millrace.run("check", "-c", f"{folder}/millrace.yaml").stdout
            assert said.startswith(f"{folder}: good: "), said
            text = (millrace.folder / folder / "millrace.yaml").read_text()
            assert "  #" in text or "\n#" in text, "it says what to change"


def test_those_with_nothing_beside_them_run_at_once(millrace):
    for source, rows in {"generator": 1000, "files": 3}.items():
        for target in ("iceberg", "json"):
            name = f"{source}-{target}"
            millrace.run("init", name, "--from", source, "--to", target)
            millrace.run("run", "--until-idle", "-c", f"{name}/millrace.yaml")
            data = millrace.folder / name / "millrace-data"
            if target == "json":
                lines = [json.loads(line) for path in data.rglob("*.jsonl.gz") for line in gzip.open(path, "rt")]
                assert len(lines) == rows
            else:
                assert len(readers.pyiceberg_rows(data, "silver.events")) == rows
                assert sum(row["events"] for row in readers.pyiceberg_rows(data, "gold.events_by_hour")) == rows


def test_nothing_is_overwritten_and_words_are_checked(millrace):
    millrace.write("mine/models/gold/events_by_hour.sql", "SELECT 1")
    refused = millrace.run("init", "mine", expect=64)
    assert "models/gold/events_by_hour.sql already" in refused.stderr
    assert sorted(p.name for p in (millrace.folder / "mine").rglob("*")) == ["events_by_hour.sql", "gold", "models"]
    assert "did you mean 'kafka'" in millrace.run("init", "x", "--from", "kafak", expect=64).stderr
    assert not (millrace.folder / "x").exists()


def test_questions_on_a_terminal(millrace):
    ours, theirs = pty.openpty()
    process = subprocess.Popen([BINARY, "init", "asked"], cwd=millrace.folder, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    os.write(ours, b"corner \"shop\"\nnothing\n2\njson\n")
    talk = b""
    try:
        while chunk := os.read(ours, 4096):
            talk += chunk
    except OSError:
        pass  # Linux's way of saying that the other end is closed
    assert process.wait(60) == 0, talk
    process.stdout.close()
    assert b"'nothing' is none of them" in talk
    assert millrace.run("check", "-c", "asked/millrace.yaml").stdout.startswith('corner "shop": good: 1 sources')
    assert (millrace.folder / "asked/in/example.jsonl").exists() and "jsonl" in (millrace.folder / "asked/millrace.yaml").read_text()
