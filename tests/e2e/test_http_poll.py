"""Polling a real HTTP API: the example of random users with a kill in the middle, a listing through crashes, and APIs that misbehave."""

import collections
import csv
import gzip
import json
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.request

import pyarrow.parquet as pq
import pytest

import oracle
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests/services"))
from s3 import S3, SERVERS  # noqa: E402

LISTING = """
name: poll
data_dir: data
memory: 128MiB
sources:
  items:
    http_poll:
      url: "{url}"
      rows: $.data
      pagination: {{ kind: {kind}, total: $.total, unique_rows: true, size: 3 }}
      until_rows: {rows}
      allow_addresses: 127.0.0.1
      retry_time: 1s
    topic: items
tables:
  bronze.items: {{ from: items, files: {{ compression: none }} }}
  silver.items: {{ from: items }}
"""


@pytest.fixture(scope="module")
def api():
    server = subprocess.Popen([sys.executable, ROOT / "tests/services/json_api.py"], stdout=subprocess.PIPE, text=True)
    yield server.stdout.readline().strip()
    server.kill()


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def lines_below(folder):
    lines = []
    for path in sorted(folder.rglob("*.jsonl*")):
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines += [json.loads(line) for line in text.decode().splitlines()]
    return lines


def people_of(millrace, config, environment):
    """The exports of the example, as its README makes them."""
    for form in ("json", "csv", "parquet"):
        millrace.run("query", *config, "-o", f"users_data.{form}", "--format", form, "FROM silver.users", env=environment)
    rows = json.loads((millrace.folder / "users_data.json").read_text())
    with open(millrace.folder / "users_data.csv", newline="") as file:
        assert [r["id"] for r in csv.DictReader(file)] == [r["id"] for r in rows]
    assert pq.read_table(millrace.folder / "users_data.parquet").column("id").to_pylist() == [r["id"] for r in rows]
    return rows


def table_of(millrace, config, environment, table):
    return json.loads(millrace.run("query", *config, "--format", "json", f"FROM {table}", env=environment).stdout)


@pytest.mark.parametrize("place", ["local", "s3"])
def test_the_example_of_random_users_with_a_kill_in_the_middle(millrace, api, place, tmp_path):
    if place == "s3" and not SERVERS["versitygw"].exists():
        pytest.skip("no versitygw is here: run scripts/setup --servers")
    get(f"{api}/reset")
    shutil.copytree(ROOT / "examples/random-users", millrace.folder / "example")
    millrace.write("here.yaml", f"data_dir: data\nsources: {{ users: {{ http_poll: {{ url: '{api}/users?results=2', every: 100ms, allow_addresses: 127.0.0.1 }} }} }}")
    config = ["-c", "example/millrace.yaml", "-c", "here.yaml"]
    environment = {}
    if place == "local":
        poll(millrace, api, config, environment, millrace.folder / "data/lake")
        return
    with S3(tmp_path / "s3", kind="versitygw") as server:
        server.create_bucket("lake")
        environment = {"LAKE_ENDPOINT": server.endpoint, "LAKE_KEY": server.access_key, "LAKE_SECRET": server.secret_key}
        poll(millrace, api, [*config, "-c", "example/s3.yaml"], environment, tmp_path / "s3/objects/lake/random-users")


def poll(millrace, api, config, environment, folder):
    before = len(get(f"{api}/served"))
    process = millrace.start("run", *config, "--for", "60s", env=environment)
    deadline = time.monotonic() + 60
    while len(get(f"{api}/served")) < before + 20 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    millrace.run("run", *config, "--for", "2s", "--settle", "500ms", "--timeout", "2m", env=environment)

    served = get(f"{api}/served")[before:]
    people = people_of(millrace, config, environment)
    ids = [p["id"] for p in people]
    assert len(ids) == len(set(ids)), "a person came twice"
    assert set(ids) <= set(served)
    assert len(served) - len(ids) in (0, 2, 4), "at most what was on its way at the kill and when the time was over is not there"
    assert len(ids) >= 20 + 2 * 5
    oracle.compare(ids, [line["login"]["uuid"] for line in lines_below(folder / "raw/users")], "raw")

    gender = {r["gender"]: r["users"] for r in table_of(millrace, config, environment, "analytics.gender_distribution")}
    assert gender == collections.Counter(p["gender"] for p in people)
    domains = {r["domain"]: r["users"] for r in table_of(millrace, config, environment, "analytics.email_domains")}
    assert domains == collections.Counter(p["email"].split("@")[1] for p in people)
    countries = {r["country"]: r["users"] for r in table_of(millrace, config, environment, "demographics.countries")}
    assert countries == collections.Counter(p["country"] for p in people)
    states = {(r["country"], r["state"]): r["users"] for r in table_of(millrace, config, environment, "demographics.states")}
    assert states == collections.Counter((p["country"], p["state"]) for p in people)
    assert {p["post_code"] for p in people} >= {"SW1A 1AA"}
    for name in ("raw", "analytics", "demographics"):
        assert any((folder / name).rglob("*.*")), name


def listing(millrace, api, path="/items?limit=3", kind="offset", rows=300):
    millrace.write("millrace.yaml", LISTING.format(url=api + path, kind=kind, rows=rows))


def check_listing(millrace, rows):
    oracle.compare(range(rows), [r["id"] for r in oracle.Lake(millrace.folder / "data").walk("silver.items")], "silver")
    oracle.compare(range(rows), [r["id"] for r in lines_below(millrace.folder / "data/lake/bronze/items")], "bronze")


@pytest.mark.parametrize("point", ["stream.before_append", "stream.after_append", "app.source_ack"])
def test_a_crash_between_any_two_steps_repeats_no_page(millrace, api, point):
    get(f"{api}/reset?rows=300")
    listing(millrace, api)
    for nth in (1, 7):
        assert millrace.run("run", "--until-idle", env={"MILLRACE_FAULT": f"{point}:{nth}"}, expect=None).returncode == 86
    millrace.run("run", "--until-idle")
    check_listing(millrace, 300)


def test_kills_in_the_middle_of_a_listing(millrace, api):
    get(f"{api}/reset?rows=450")
    listing(millrace, api, rows=450)
    for moment in (0.2, 0.3, 0.5):
        process = millrace.start("run", "--until-idle")
        time.sleep(moment)
        process.kill()
        process.communicate()
    millrace.run("run", "--until-idle")
    check_listing(millrace, 450)


def test_a_broken_page_names_its_place_and_what_came_before_is_there(millrace, api):
    get(f"{api}/reset?rows=9")
    listing(millrace, api, "/broken?times=6", "page", 9)
    said = millrace.run("run", "--until-idle", expect=1).stderr
    assert "source items, GET" in said and "/broken (page=2)" in said and "no JSON from byte" in said
    assert "the next run asks for it again" in said
    millrace.run("run", "--until-idle", expect=1)
    millrace.run("run", "--until-idle")
    check_listing(millrace, 9)


def test_a_redirect_to_another_address_is_refused(millrace, api):
    listing(millrace, api, "/to?url=http://127.0.0.2:9/items")
    said = millrace.run("run", "--until-idle", expect=78).stderr
    assert "127.0.0.2" in said and "allow_private" in said


def test_a_secret_is_sent_and_never_shown(millrace, api):
    millrace.write(
        "millrace.yaml",
        LISTING.format(url=api + "/secret", kind="none", rows=1)
        .replace("      rows: $.data\n", "      auth: { bearer: { secret: env:API_TOKEN } }\n")
        .replace("pagination: { kind: none, total: $.total, unique_rows: true, size: 3 }", "headers: { X-From: test }"),
    )
    refused = millrace.run("run", "--until-idle", env={"API_TOKEN": "not-the-one-it-wants"}, expect=78).stderr
    assert "401" in refused and "not-the-one" not in refused and "***" in refused
    millrace.run("run", "--until-idle", env={"API_TOKEN": "opensesame"})
    for path in pathlib.Path(millrace.folder / "data").rglob("*"):
        assert not path.is_file() or b"opensesame" not in path.read_bytes(), path


def test_runs_that_cannot_end_in_time_say_so(millrace, api):
    millrace.write(
        "millrace.yaml", LISTING.format(url=api + "/status/503", kind="page", rows=10).replace("retry_time: 1s", "retry_time: 1h")
    )
    said = millrace.run("run", "--until-idle", "--timeout", "1s", expect=1).stderr
    assert "--timeout of 1s is over" in said and "silver.items" in said
    said = millrace.run("run", "--for", "300ms", "--timeout", "1m").stderr
    assert "silver.items: 0 rows" in said
    millrace.write("millrace.yaml", LISTING.format(url=api + "/never", kind="page", rows=10).replace("retry_time: 1s", "timeout: 10m"))
    said = millrace.run("run", "--for", "300ms", "--timeout", "1m", timeout=60).stderr
    assert "silver.items: 0 rows" in said, "an answer that never comes holds up no run"
    assert "is for runs that end" in millrace.run("run", "--settle", "1s", expect=64).stderr
    assert "takes a duration" in millrace.run("run", "--for", "soon", expect=64).stderr


@pytest.mark.parametrize(
    "source, advice",
    [
        ("http_poll: {{ url: '{api}/items', every: 1s }}, topic: t", "give it `for` or `until_rows`, or take away `every`, or give the run --for"),
        ("http_ingest: {{ routes: {{ /orders: t }} }}", "never return; give the run --for"),
    ],
)
def test_sources_without_an_end_say_how_to_end(millrace, api, source, advice):
    server = "server: { listen: 127.0.0.1:0 }\n" if "ingest" in source else ""
    millrace.write("millrace.yaml", server + "sources:\n  a: { " + source.format(api=api) + " }\ntables: { silver.x: { from: t } }\n")
    assert advice in millrace.run("run", "--until-idle", expect=78).stderr
