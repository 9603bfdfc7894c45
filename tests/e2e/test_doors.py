"""Who may come in, and who not: every route of the program's own table with every kind of key, pages elsewhere, guesses, the audit log."""

import concurrent.futures
import http.client
import json
import pathlib
import re
import subprocess

import pytest
from test_observe import running, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMATHESIS = ROOT / ".deps/schemathesis/bin/schemathesis"
ROLES = ("read", "ingest", "operate", "query", "admin")
BAD = "millrace_bad-bad-bad-bad-bad-bad-bad-bad-bad-bad-bad"
CONFIG = """
name: doors
data_dir: data
sources:
  events: {{ file: {{ path: "in/*.jsonl", follow: true }}, topic: events }}
  clicks: {{ http_ingest: {{ routes: {{ "/clicks": clicks, "/clicked/{{what}}": clicks }} }} }}
tables: {{ silver.events: {{ from: events, freshness: {freshness} }} }}
models: models
server: {server}
"""


def new_token(millrace, name, *arguments):
    """(the token, its entry of the configuration)"""
    made = json.loads(millrace.run("token", "new", name, *arguments, "--json").stdout)
    return made["token"], made["config"].splitlines()[-1].strip()


def write_inputs(millrace):
    millrace.write("models/gold/count.sql", "-- materialized: table\nSELECT count(*) AS n FROM silver.events\n")
    millrace.write("in/a.jsonl", '{"id": 1}\n')


@pytest.fixture
def doors(millrace):
    """A pipeline with every part of the API, and a token of each role; the configuration holds hashes alone."""
    write_inputs(millrace)
    tokens, lines = {}, []
    for role in ROLES:
        tokens[role], line = new_token(millrace, f"the_{role}", "--roles", role)
        lines.append(line)
    server = (
        '{ listen: "127.0.0.1:0", rest_proxy: { topics: ["clicks", "events"] }, limits: { failures_per_minute: 1000000 }, '
        f"audit: {{ file: audit.jsonl }}, tokens: {{ {', '.join(lines)} }} }}"
    )
    with running(millrace, config=CONFIG, server=server) as pipeline:
        yield Doors(millrace, pipeline, tokens)


class Doors:
    def __init__(self, millrace, pipeline, tokens):
        self.millrace, self.pipeline, self.tokens = millrace, pipeline, tokens
        self.host = pipeline.url.removeprefix("http://")
        self.table = json.loads(self.ask("GET", "/api/v1/openapi.json", tokens["read"])[1])

    def ask(self, method, path, token=None, **headers):
        """(status, body); the body of an endless answer is not read."""
        connection = http.client.HTTPConnection(self.host, timeout=30)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        body = b"" if answer.getheader("Content-Type", "").startswith("text/event-stream") else answer.read()
        connection.close()
        return answer.status, body.decode(errors="replace")

    def routes(self):
        """(method, path, role; none where it is open)"""
        for path, methods in self.table["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), re.sub(r"\{[^}]*\}", "nothing", path), operation.get("x-millrace-role")

    def audited(self):
        return [json.loads(line) for line in (self.millrace.folder / "audit.jsonl").read_text().splitlines()]


def test_every_route_with_every_key(doors):
    """No token and a bad one are told 401, another role's 403, the right one and the admin's come in; open routes say nothing of it."""
    routes = list(doors.routes())
    assert {role for _, _, role in routes} == {*ROLES, None}, "the table has routes of each role"
    assert len(routes) > 80 and {"/connectors", "/subjects", "/iceberg/v1/namespaces", "/topics/nothing", "/clicks", "/api/v1/query"} <= {p for _, p, _ in routes}

    def judge(route):
        method, path, role = route
        page = {"Accept": "text/html"} if path == "/" else {}
        if role is None:
            return [(route, "open", status) for token in (None, BAD) if (status := doors.ask(method, path, token, **page)[0]) in (401, 403)]
        wrong = [(route, who, status) for who, token in (("nobody", None), ("bad", BAD)) if (status := doors.ask(method, path, token)[0]) != 401]
        for other in ROLES:
            status, body = doors.ask(method, path, doors.tokens[other])
            comes_in = other in (role, "admin")
            kept_out = status == 401 or (status == 403 and "it needs the role" in body)
            if comes_in == kept_out or status == 429 or status == 500:
                wrong.append((route, other, status, body))
        return wrong

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert [wrong for found in pool.map(judge, routes) for wrong in found] == []
    assert doors.ask("GET", "/")[0] == 401, "what programs read at / is behind the door"
    assert doors.ask("GET", "/nothing-at-all")[0] == 401


def test_pages_elsewhere_reach_no_route(doors):
    """With the right token, even: a Host that is not ours, an Origin that is not ours, a request on behalf of another site."""
    evil = [
        (421, {"Host": "evil.example"}),
        (421, {"Host": "localhost.evil.example:80"}),
        (403, {"Origin": "https://evil.example"}),
        (403, {"Origin": "null"}),
        (403, {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}),
        (403, {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors"}),
    ]
    wrong = [
        (method, path, headers, status)
        for method, path, role in doors.routes()
        for expected, headers in evil
        if (role or expected != 421) and (status := doors.ask(method, path, doors.tokens["admin"], **headers)[0]) != expected
    ]
    assert wrong == []


def test_pages_elsewhere_reach_no_route_without_tokens_either(millrace):
    write_inputs(millrace)
    with running(millrace, config=CONFIG, server='{ listen: "127.0.0.1:0", rest_proxy: { topics: ["clicks"] } }') as pipeline:
        doors = Doors(millrace, pipeline, {"read": None})
        changing = [(method, path) for method, path, role in doors.routes() if role and role != "read"]
        assert len(changing) > 40
        for method, path in changing:
            assert doors.ask(method, path, Host="evil.example")[0] == 421, path
            assert doors.ask(method, path, Origin="http://evil.example")[0] == 403, path
            assert doors.ask(method, path, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 403, path


def test_guesses_have_to_wait_and_the_audit_log_tells(millrace):
    ops, ops_line = new_token(millrace, "ops", "--roles", "operate")
    late, late_line = new_token(millrace, "late", "--roles", "operate")
    gone, gone_line = new_token(millrace, "gone")
    gone_line = gone_line.replace(" }", ', expires: "2020-01-01T00:00:00Z" }')
    server = f'{{ listen: "127.0.0.1:0", limits: {{ failures_per_minute: 1 }}, audit: {{ file: audit.jsonl }}, tokens: {{ {ops_line}, {late_line}, {gone_line} }} }}'
    write_inputs(millrace)
    with running(millrace, config=CONFIG, server=server) as pipeline:
        doors = Doors.__new__(Doors)
        doors.millrace, doors.host = millrace, pipeline.url.removeprefix("http://")
        change = ("PUT", "/connectors/nothing/pause")
        assert doors.ask(*change, ops)[0] == 404
        assert doors.ask(*change, gone)[0] == 401
        assert [doors.ask(*change, BAD)[0] for _ in range(12)] == [401] * 9 + [429] * 3
        assert doors.ask(*change, late)[0] == 429, "a right guess is told no more than a wrong one"
        assert doors.ask("GET", "/api/v1/session", late)[0] == 429
        assert doors.ask(*change, ops)[0] == 404, "who was in stays in"
        assert doors.ask("GET", "/health/live")[0] == 200
        assert doors.ask("GET", "/metrics?token=" + ops)[0] == 401
        lines = doors.audited()
        assert [(line.get("who"), line["status"], line["outcome"]) for line in lines[:3]] == [("ops", 404, "failed"), (None, 401, "refused"), (None, 401, "refused")]
        assert lines[0].items() >= {"from": "127.0.0.1", "method": "PUT", "route": "/connectors/{name}/pause", "path": "/connectors/nothing/pause"}.items()
        (millrace.folder / "audit.jsonl").rename(millrace.folder / "moved.jsonl")
        (millrace.folder / "audit.jsonl").mkdir()
        # A file that cannot be written: nothing is changed until it can.
        wait_until(lambda: doors.ask(*change, ops)[0] == 503)
        (millrace.folder / "audit.jsonl").rmdir()
        wait_until(lambda: doors.ask(*change, ops)[0] == 404)
        assert doors.audited()
        pipeline.stop()
        everything = pipeline.said + "".join(p.read_text(errors="replace") for p in millrace.folder.rglob("*.jsonl"))
        assert not any(token in everything for token in (ops, late, gone, BAD))


def test_tokens_are_made_and_hashed(millrace):
    made = millrace.run("token", "new", "loader", "--roles", "ingest,read")
    token = made.stdout.strip()
    assert re.fullmatch(r"millrace_[A-Za-z0-9_-]{43}", token) and token not in made.stderr
    hashed = millrace.run("token", "hash", stdin=token + "\n").stdout.strip()
    assert f'loader: {{ hash: "{hashed}", roles: [ingest, read] }}' in made.stderr
    assert hashed == "sha256:" + subprocess.run(["sha256sum"], input=token, capture_output=True, text=True).stdout.split()[0]
    millrace.run("token", "hash", stdin="short\n", expect=64)
    for wrong, sentence in (
        (f"{{ hash: {token} }}", "expected sha256: and 64 hexadecimal digits"),
        ("{ roles: [read] }", "give one of hash, token"),
        (f'{{ hash: "{hashed}", expires: tomorrow }}', "a time with its zone"),
        (f'{{ hash: "{hashed}", roles: [root] }}', "expected one of read, ingest, operate, query, admin"),
    ):
        millrace.write("millrace.yaml", f"name: x\ndata_dir: data\nserver: {{ tokens: {{ a: {wrong} }} }}\n")
        said = millrace.run("check", expect=78).stderr
        assert sentence in said and "millrace.yaml:3" in said and token not in said


@pytest.mark.skipif(not SCHEMATHESIS.exists(), reason="scripts/setup --servers fetches it")
def test_nothing_that_comes_in_is_answered_500(doors):
    """Schemathesis reads the program's OpenAPI document and sends what it allows and what it does not, as an admin."""
    done = subprocess.run(
        [SCHEMATHESIS, "run", doors.pipeline.url + "/api/v1/openapi.json", "-H", f"Authorization: Bearer {doors.tokens['admin']}", "--checks", "not_a_server_error",
         "--phases", "coverage,fuzzing", "--max-examples", "2", "--max-time", "25", "--seed", "7", "--exclude-path", "/api/v1/events", "--request-timeout", "20",
         "--no-color", "--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off"],
        capture_output=True, text=True, cwd=doors.millrace.folder, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    sent = re.search(r"(\d+) (?:test cases|generated)", done.stdout)
    assert sent and int(sent[1]) > 200, done.stdout[-2000:]
    assert doors.ask("GET", "/health/live")[0] == 200 and doors.pipeline.process.poll() is None
