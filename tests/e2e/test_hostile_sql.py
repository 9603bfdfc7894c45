"""SQL of people who are not trusted: each statement in a process that can do nothing else, beside a pipeline that lands on."""

import json
import os
import re
import signal
import time
import urllib.error
import urllib.parse
import urllib.request

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

CONFIG = """
name: hostile
data_dir: data
sources: { events: { file: { path: "in/*.jsonl", follow: true }, topic: events } }
topics: { events: { partitions: 2 } }
tables: { silver.events: { from: events, columns: { id: long, kind: string }, key: [id], freshness: 200ms } }
server: { listen: "127.0.0.1:0" }
query: { memory: 128MiB, timeout: 3s, rows: 5000, result_size: 4MiB }
"""

# The statement, and what its one line must say.
REFUSED = [
    ("SELECT * FROM read_csv('/etc/passwd')", "read_csv"),
    ("SELECT * FROM read_text('/etc/passwd')", "read_text"),
    ("SELECT * FROM '/etc/passwd'", "no table"),
    ("SELECT * FROM glob('/*')", "glob"),
    ("SELECT * FROM read_parquet('data/lake/**/*.parquet')", "read_parquet"),
    ("COPY (SELECT 1) TO '/tmp/hostile'", "only SELECT"),
    ("COPY (SELECT 1) TO '/dev/null'", "only SELECT"),
    ("ATTACH '/tmp/hostile.db'", "only SELECT"),
    ("INSTALL httpfs", "only SELECT"),
    ("LOAD httpfs", "only SELECT"),
    ("PRAGMA database_list", "only SELECT"),
    ("SET memory_limit = '100GB'", "only SELECT"),
    ("CREATE TABLE t AS SELECT 1", "only SELECT"),
    ("SELECT getenv('HOME')", "getenv"),
    ("SELECT current_setting('memory_limit')", "current_setting"),
    ("SELECT * FROM duckdb_settings()", "duckdb_settings"),
    ("SELECT 1; SELECT 2", "one statement"),
    ("SELECT 1; DROP TABLE silver.events", "."),
    ("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r", "query.(timeout|memory)"),
    ("SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c WHERE a.range + b.range = c.range % 7", "query.(timeout|memory)"),
    ("SELECT list(range) FROM range(1000000000000)", "query.(timeout|memory)"),
    ("EXPLAIN ANALYZE SELECT list(range) FROM range(1000000000000)", "query.(timeout|memory)"),
    ("SELECT length(repeat('x', 1000000000) || range::VARCHAR) FROM range(100)", "query.(timeout|memory)"),
    ("SELECT * FROM range(1000000000)", "query.rows"),
    ("SELECT repeat('x', 1000000) FROM range(100)", "query.result_size"),
    ("SELECT " + "(" * 100000 + "1" + ")" * 100000, "."),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    from conftest import Millrace

    millrace = Millrace(tmp_path_factory.mktemp("hostile"))
    millrace.write("millrace.yaml", CONFIG)
    millrace.write("in/a.jsonl", "".join(json.dumps({"id": i, "kind": "k"}) + "\n" for i in range(100)))
    process = millrace.start("run", "-c", "millrace.yaml", env={"HOSTILE_SECRET": "not-for-you"})
    said = ""
    while not (found := re.search(r"health at (http://\S+)", said)):
        line = process.stderr.readline()
        assert line, said
        said += line
    millrace.url, millrace.process = found[1], process
    deadline = time.monotonic() + 60
    while rows(millrace) != 100:
        assert time.monotonic() < deadline
    yield millrace
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0


def ask(millrace, sql, **more):
    body = json.dumps({"sql": sql, **more}).encode()
    request = urllib.request.Request(millrace.url + "/api/v1/query", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return reply.read().decode()


def rows(millrace):
    try:
        return json.loads(ask(millrace, "SELECT count(*) AS n FROM silver.events"))[0]["n"]
    except urllib.error.HTTPError as refusal:
        assert refusal.code == 400  # there is no table yet
        return 0


@pytest.mark.parametrize("sql, says", REFUSED, ids=[f"{i}-{sql[:24]}" for i, (sql, _) in enumerate(REFUSED)])
def test_each_is_contained_with_one_line(running, sql, says):
    done = running.run("query", "--sandbox", "--format", "csv", "-", stdin=sql, expect=None, timeout=60)
    assert done.returncode not in (0, -6, -9, -11), done.stdout[:200]
    assert re.search(says, done.stderr), done.stderr
    assert done.stderr.startswith("millrace: ") and done.stderr.count("\n") <= 3, done.stderr


def test_what_is_asked_rightly_is_answered_as_without_a_sandbox(running):
    for sql in ("SELECT kind, count(*) AS n, sum(id) FROM silver.events GROUP BY ALL", "SHOW TABLES", "DESCRIBE silver.events",
                "WITH a AS (SELECT id FROM silver.events WHERE id < 10) SELECT * FROM a ORDER BY 1", "VALUES (1, 'x'), (2, NULL)",
                "SELECT uuid() IS NULL, 170141183460469231731687303715884105727 AS huge, [1, 2] AS list, TIMESTAMPTZ '2026-01-01 00:00:00Z'"):
        outside = running.run("query", "--sandbox", "--format", "json", sql).stdout
        assert outside == running.run("query", "--format", "json", sql).stdout
    assert ask(running, "SELECT 1 AS a", format="csv") == "a\r\n1\r\n"


def test_parameters_are_bound_and_not_read_as_sql(running):
    hostile = "k' OR true; --"
    counted = "SELECT count(*) AS n FROM silver.events WHERE kind = $kind AND id < $below"
    assert json.loads(ask(running, counted, params={"kind": "k", "below": 10})) == [{"n": 10}]
    assert json.loads(ask(running, counted, params={"kind": hostile, "below": 10})) == [{"n": 0}]
    assert json.loads(ask(running, "SELECT ? AS a, typeof(?) AS b", params=[hostile, {"type": "date", "value": "2026-01-31"}])) == [{"a": hostile, "b": "DATE"}]
    for params, says in (({"kind": "k"}, "$below"), ({"kind": "k", "below": 1, "bellow": 2}, "bellow"), ({"kind": ["k"]}, "list"), (5, "object")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(running, counted, params=params)
        assert refused.value.code == 400 and says in json.loads(refused.value.read())["message"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(running, "SELECT * FROM read_text($1)", params=["/etc/passwd"])
    assert refused.value.code == 400

    for sandbox in ([], ["--sandbox"]):
        given = ["--param", "kind=k", "--param", "below:bigint=10", "--format", "csv"]
        assert running.run("query", *sandbox, *given, counted).stdout == "n\n10\n"
        assert "'x' is no BIGINT" in running.run("query", *sandbox, "--param", "kind=k", "--param", "below:bigint=x", counted, expect=1).stderr
        assert "asks for the parameter $kind" in running.run("query", *sandbox, "--param", "below=1", counted, expect=1).stderr
        explained = json.loads(running.run("query", *sandbox, "--explain", "--json", *given[:4], counted).stdout)
        table = explained["tables"][0]
        assert table["table"] == "silver.events" and table["columns"] == ["id", "kind"]
        assert {"kind = 'k'", "id < 10"} <= {demand["predicate"] for demand in table["predicates"]}
        assert table["read"]["files"] <= table["after_partitions"]["files"] <= table["all"]["files"] > 0
    text = running.run("query", "--explain", *given[:4], counted).stdout
    assert "silver.events, snapshot " in text and "  predicate         kind = 'k'  (leaves " in text


def test_landing_goes_on_beside_hostile_statements(running):
    before = rows(running)
    for number, (sql, _) in enumerate(REFUSED[18:22]):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(running, sql)
        assert refused.value.code in (400, 503)
        first = 1000 * (number + 1)
        running.write(f"in/b{number}.jsonl", "".join(json.dumps({"id": first + i, "kind": "b"}) + "\n" for i in range(50)))
    deadline = time.monotonic() + 60
    while rows(running) != before + 200:
        assert time.monotonic() < deadline
    with urllib.request.urlopen(running.url + "/health/live", timeout=10) as reply:
        assert reply.status == 200
    assert running.process.poll() is None


def test_columnar_answers_are_read_by_others(running):
    def bytes_of(format):
        body = json.dumps({"sql": "SELECT range AS n, range::VARCHAR AS t FROM range(3000)", "format": format}).encode()
        with urllib.request.urlopen(urllib.request.Request(running.url + "/api/v1/query", body), timeout=60) as reply:
            return pyarrow.BufferReader(reply.read())

    wanted = {"n": list(range(3000)), "t": [str(i) for i in range(3000)]}
    assert pyarrow.ipc.open_stream(bytes_of("arrow")).read_all().to_pydict() == wanted
    assert pyarrow.parquet.read_table(bytes_of("parquet")).to_pydict() == wanted


def test_a_token_that_may_look_may_not_query(millrace):
    tokens = "tokens: { reader: { token: { secret: env:READER }, roles: [read] }, asker: { token: { secret: env:ASKER }, roles: [query] } }"
    millrace.write("millrace.yaml", CONFIG.replace('listen: "127.0.0.1:0"', f'listen: "127.0.0.1:0", {tokens}'))
    millrace.write("in/a.jsonl", '{"id": 1, "kind": "k"}\n')
    process = millrace.start("run", "-c", "millrace.yaml", env={"READER": "r" * 40, "ASKER": "a" * 40})
    said = ""
    while not (found := re.search(r"health at (http://\S+)", said)):
        line = process.stderr.readline()
        assert line, said
        said += line

    def status(token):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(found[1] + "/api/v1/query", b'{"sql": "SELECT 1 AS a"}', headers)
        try:
            return urllib.request.urlopen(request, timeout=60).status
        except urllib.error.HTTPError as refusal:
            return refusal.code

    assert [status(None), status("x" * 40), status("r" * 40), status("a" * 40)] == [401, 401, 403, 200]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


def workers(parent):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                status = open(f"/proc/{entry}/status").read()
                if f"PPid:\t{parent}\n" in status:
                    found.append((int(entry), status, open(f"/proc/{entry}/environ").read()))
            except OSError:
                pass  # it has ended
    return found


def test_a_worker_that_is_killed_is_an_error_and_the_next_works(running):
    endless = "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT (n + 1) % 7 FROM r) SELECT max(n) FROM r"
    asking = running.start("query", "--sandbox", endless)
    deadline = time.monotonic() + 30
    while not (found := [w for w in workers(asking.pid) if "Seccomp:\t2" in w[1]]):
        assert time.monotonic() < deadline
    process, status, environment = found[0]
    assert "NoNewPrivs:\t1" in status and "SECRET" not in environment and "HOME=" not in environment
    os.kill(process, signal.SIGKILL)
    said = asking.communicate(timeout=60)[1]
    assert "was killed" in said and asking.returncode == 69
    assert running.run("query", "--sandbox", "--format", "jsonl", "SELECT 1 AS a").stdout == '{"a":1}\n'


def test_a_worker_dies_with_who_asked(running):
    asking = running.start("query", "--sandbox", "SELECT count(*) FROM range(1000000000000) WHERE hash(range) = 1")
    deadline = time.monotonic() + 30
    while not (found := [w for w in workers(asking.pid) if "Seccomp:\t2" in w[1]]):
        assert time.monotonic() < deadline
    asking.kill()
    asking.communicate(timeout=60)
    while os.path.exists(f"/proc/{found[0][0]}") and "State:\tZ" not in open(f"/proc/{found[0][0]}/status").read():
        assert time.monotonic() < deadline


def look(millrace, **asked):
    path = "/api/v1/topics/events/records?" + urllib.parse.urlencode({"offset": 0, "limit": 500, **asked})
    try:
        with urllib.request.urlopen(millrace.url + path, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.loads(refusal.read())["message"]


def test_a_condition_on_messages_is_contained_too(running):
    """The filter of the console's messages: DuckDB's SQL on each value, in a process like those of statements."""

    def ids(where, **more):
        status, said = look(running, where=where, **more)
        assert status == 200, said
        return sorted(json.loads(record["value"])["id"] for record in said["records"])

    before = rows(running)
    assert ids("id % 10 = 3 AND kind = 'k'") == list(range(3, 100, 10))
    assert ids("id < 5 -- a comment") == list(range(5)) == ids("id BETWEEN 0 AND 4", contains='"id"')
    assert ids("nowhere IS NULL AND id = 7 AND strlen(kind) = 1") == [7]
    assert ids("starts_with(kind, 'x')") == []
    for where, code, says in (
        ("id =", 400, "where: "),
        ("id = 1) OR (true", 200, ""),
        ("true) UNION SELECT 1, '' WHERE (true", 400, "one record at a time"),
        ("true); DROP TABLE records; SELECT (true", 400, "."),
        ("length((SELECT content FROM read_text('/etc/passwd'))) > 0", 400, "disabled|Permission|read_text"),
        ("(SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c WHERE a.range + b.range = c.range % 7) > id", "400|503", "too long|query.timeout"),
        ("len((SELECT list(range) FROM range(1000000000000))) > id", "400|503", "memory|too long|query.timeout"),
        ("kind + 1 > 0", "200|400", "."),
        ("nothing_like_it(id)", 400, "nothing_like_it"),
    ):
        status, said = look(running, where=where)
        assert re.fullmatch(str(code), str(status)) and (status == 200 or re.search(says, said)), (where, status, said)
        assert rows(running) == before, "the pipeline goes on"
    running.run("produce", "--topic", "events", "--source-path", running.write("odd.jsonl", '{"id": "seven", "kind": "odd"}\n'))
    status, said = look(running, where="id + 1 > 99 AND id + 1 < 900")  # other tests send what is beyond
    assert status == 200 and [json.loads(record["value"])["id"] for record in said["records"]] == [99]
    assert said["failed"] == 1 and "No function matches" in said["failure"] and "\n" not in said["failure"]
