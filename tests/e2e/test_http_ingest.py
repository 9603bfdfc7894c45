"""Events over HTTP: what is acknowledged is there, once, whatever is killed; and clients that mean no good."""

import gzip
import http.client
import json
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

import oracle
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tests/services"))
from server_process import accepts, free_port  # noqa: E402

CONFIG = """
name: ingest
data_dir: data
memory: {memory}
server:
  listen: 127.0.0.1:{port}
  connections_max: {connections}
  {tokens}
sources:
  front:
    http_ingest:
      {limits}
      routes:
        "/somedata/{{value}}": somedata
        "/footdata": footdata
        "/orders": {{ topic: orders, key: $.id }}
topics:
  orders: {{ partitions: 3 }}
tables:
  silver.somedata: {{ from: somedata }}
  silver.footdata: {{ from: footdata }}
  silver.orders: {{ from: orders, metadata: true, freshness: 500ms }}
"""


class Front:
    """The program, listening on one port through several lives."""

    def __init__(self, millrace, memory="256MiB", connections=1024, tokens="", limits=""):
        self.millrace = millrace
        self.port = free_port()
        self.process = None
        config = CONFIG.format(memory=memory, port=self.port, connections=connections, tokens=tokens, limits=limits)
        millrace.write("millrace.yaml", config)

    def start(self, *arguments, env=None):
        self.process = self.millrace.start("run", *arguments, env=env)
        deadline = time.monotonic() + 60
        while not accepts(self.port):
            assert time.monotonic() < deadline and self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)
        return self

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def stop(self):
        self.process.terminate()
        _, said = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, said

    def ask(self, path, body=None, timeout=30, **headers):
        """Status, headers and JSON of an answer."""
        headers = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.headers, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.loads(error.read() or b"{}")

    def wait_for(self, table, count):
        """Until a reader sees so many rows: a stop ends with what was read, and what was acknowledged may still lie in the stream."""
        deadline = time.monotonic() + 60
        while table not in oracle.Lake(self.millrace.folder / "data").tables() or len(list(self.rows(table))) < count:
            assert time.monotonic() < deadline, f"{table} has no {count} rows"
            time.sleep(0.05)

    def rows(self, table):
        return oracle.Lake(self.millrace.folder / "data").walk(table)


@pytest.fixture
def front(millrace):
    started = []

    def make(*arguments, **options):
        started.append(Front(millrace, **options).start(*arguments))
        return started[-1]

    yield make
    for each in started:
        if each.process.poll() is None:
            each.kill()


LINES = "application/x-ndjson"


def test_every_form_becomes_rows(front):
    f = front()
    assert f.ask("/somedata/a%2Fb?unit=kg")[::2] == (200, {"accepted": 1})
    assert f.ask("/footdata?feet=2")[0] == 200
    assert f.ask("/footdata", b'{"feet":"3"}', Content_Type="application/json")[2] == {"accepted": 1}
    assert f.ask("/footdata", b"feet=4+m&unit=", Content_Type="application/x-www-form-urlencoded")[2] == {"accepted": 1}
    assert f.ask("/orders", b'[{"id":1},{"id":2}]', Content_Type="application/json")[2] == {"accepted": 2}
    lines = b'{"id":3}\n{"id":4}\n'
    assert f.ask("/orders", lines, Content_Type=LINES)[2] == {"accepted": 2}
    assert f.ask("/orders", gzip.compress(b'{"id":5}\n'), Content_Type=LINES, Content_Encoding="gzip")[2] == {"accepted": 1}
    for table, count in {"silver.somedata": 1, "silver.footdata": 3, "silver.orders": 5}.items():
        f.wait_for(table, count)
    f.stop()
    assert [(r["value"], r["unit"]) for r in f.rows("silver.somedata")] == [("a/b", "kg")]
    assert sorted(r["feet"] for r in f.rows("silver.footdata")) == ["2", "3", "4 m"]
    orders = list(f.rows("silver.orders"))
    oracle.compare([1, 2, 3, 4, 5], [r["id"] for r in orders])
    assert {bytes(r["_key"]) for r in orders} == {b"1", b"2", b"3", b"4", b"5"}


def test_what_cannot_be_taken_is_refused_whole(front):
    f = front()
    status, _, said = f.ask("/orders", b'{"id":1}\n{"id":\n{"id":3}\n', Content_Type=LINES)
    assert status == 400 and "line 2" in said["message"] and "nothing of this request was taken" in said["message"]
    assert f.ask("/orders", b"{}", Content_Type="text/csv")[0] == 415
    assert f.ask("/orders", b"x", Content_Encoding="br")[0] == 415
    assert f.ask("/orders", gzip.compress(b"1\n" * (8 << 20)), Content_Type=LINES, Content_Encoding="gzip")[0] == 413
    try:
        assert f.ask("/orders", b" " * ((16 << 20) + 1))[0] == 413
    except urllib.error.URLError:
        pass  # the answer came before all was sent, and this client does not look
    assert f.ask("/somedata/1", b"{}")[0] == 405
    assert f.ask("/elsewhere")[0] == 404
    assert f.ask("/orders", b"{}", Idempotency_Key="x" * 300)[0] == 400
    assert f.ask("/orders", b"{}", Host="evil.example")[0] == 421
    assert f.ask("/somedata/1", Origin="http://evil.example")[0] == 403
    assert f.ask("/somedata/1", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 403
    assert f.ask("/orders", b'{"id":99}')[0] == 200
    f.stop()
    f.millrace.run("run", "--for", "100ms")  # lands whatever the stream has
    assert [r["id"] for r in f.rows("silver.orders")] == [99]
    assert "silver.somedata" not in oracle.Lake(f.millrace.folder / "data").tables() or list(f.rows("silver.somedata")) == []


def test_a_token_is_good_for_its_roles(front):
    tokens = "tokens: { sender: { token: { secret: env:SENDER }, roles: [ingest] }, watcher: { token: { secret: env:WATCHER } } }"
    os.environ.update(SENDER="sender-token-sender", WATCHER="watcher-token-watcher")
    f = front(tokens=tokens)
    sender, watcher = "Bearer sender-token-sender", "Bearer watcher-token-watcher"
    assert f.ask("/footdata?a=1")[0] == 401
    assert f.ask("/footdata?a=1", Authorization="Bearer another-token-another")[0] == 401
    assert f.ask("/footdata?a=1", Authorization=sender)[0] == 200
    assert f.ask("/footdata?a=1", Authorization=watcher)[0] == 403
    assert f.ask("/api/v1/status", Authorization=sender)[0] == 403
    assert f.ask("/api/v1/status", Authorization=watcher)[2]["sources"]["front"]["events"] == 1


class Clients:
    """Send numbered events, each until it is acknowledged, by the same key each time."""

    def __init__(self, front, threads=4):
        self.front = front
        self.lock = threading.Lock()
        self.next = 0
        self.acked = []
        self.repeated = 0
        self.stopping = False
        self.threads = [threading.Thread(target=self.send) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def send(self):
        while not self.stopping:
            with self.lock:
                first = self.next
                self.next += 3
            body = "".join(json.dumps({"id": first + k}) + "\n" for k in range(3)).encode()
            for attempt in range(10_000):
                try:
                    status, _, said = self.front.ask("/orders", body, timeout=10, Content_Type=LINES, Idempotency_Key=f"batch-{first}")
                except (OSError, http.client.HTTPException, json.JSONDecodeError):
                    status, said = 0, {}
                if status == 200:
                    with self.lock:
                        self.acked += range(first, first + 3)
                        self.repeated += "duplicate" in said
                    break
                assert status in (0, 429, 503), (status, said)
                time.sleep(0.02)

    def wait_for(self, acked):
        deadline = time.monotonic() + 60
        while len(self.acked) < acked:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()


def test_kills_under_load_lose_and_double_nothing(front):
    f = front()
    clients = Clients(f)
    for _ in range(3):
        clients.wait_for(len(clients.acked) + 150)
        f.kill()
        f.start()
    clients.wait_for(len(clients.acked) + 150)
    clients.stop()
    f.kill()
    f.millrace.run("run", "--for", "100ms")
    oracle.compare(clients.acked, [r["id"] for r in f.rows("silver.orders")])


@pytest.mark.parametrize("point", ["ingest.before_append", "stream.before_append", "stream.after_append", "ingest.before_answer"])
def test_a_crash_between_any_two_steps_is_seen_by_no_client(front, point):
    f = front()
    f.kill()
    f.start(env={"MILLRACE_FAULT": f"{point}:5"})
    clients = Clients(f, threads=2)
    f.process.wait(60)
    f.start()
    clients.wait_for(60)
    clients.stop()
    assert clients.repeated > 0 or "before_append" in point, "what was durable and not answered was sent again"
    f.wait_for("silver.orders", len(set(clients.acked)))
    f.stop()
    oracle.compare(clients.acked, [r["id"] for r in f.rows("silver.orders")])


def test_memory_that_is_used_up_is_told_and_waited_for(front):
    f = front(memory="64MiB")
    body = b'{"id":1,"text":"' + b"x" * (15 << 20) + b'"}'
    statuses = []

    def send(number):
        while True:
            try:
                status, headers, _ = f.ask("/footdata", body, timeout=60, Idempotency_Key=f"large-{number}")
            except OSError:  # it was on its way for long, and made room
                continue
            statuses.append(status)
            if status == 200:
                return
            assert status in (429, 503) and headers["Retry-After"] == "1"
            time.sleep(0.2)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(200) == 8 and 429 in statuses
    f.wait_for("silver.footdata", 8)
    f.stop()
    assert len(list(f.rows("silver.footdata"))) == 8


def test_a_packed_body_above_the_memory_for_events_gets_in_when_nothing_else_does(front):
    f = front(memory="64MiB", limits="body_size_max: 64MiB\n      expansion_max: 10000")
    packed = gzip.compress(b"".join(b'{"id":%d,"text":"%s"}\n' % (n, b"x" * (1 << 20)) for n in range(40)))
    deadline = time.monotonic() + 60
    while f.ask("/footdata", packed, timeout=60, Content_Type=LINES, Content_Encoding="gzip")[0] != 200:
        assert time.monotonic() < deadline, "it is told to come again, for ever"
        time.sleep(0.2)
    f.wait_for("silver.footdata", 40)
    f.stop()
    oracle.compare(range(40), [r["id"] for r in f.rows("silver.footdata")])


def test_slow_senders_do_not_hurt_a_good_client(front):
    f = front(connections=100)
    count = 5000 if os.environ.get("MILLRACE_LONG_TESTS") else 400
    slow = []
    starts = [b"POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{", b"GET /footdata HTTP/1.1\r\nX-Slow: "]
    good = 0
    seconds = []  # until a good request was acknowledged, attempts that were told to come again among them
    for number in range(count):
        s = socket.create_connection(("127.0.0.1", f.port), timeout=10)
        s.sendall(starts[number % 2])
        slow.append(s)
        if number % 20 == 19:
            for s in slow[-50:]:
                try:
                    s.send(b"1")
                except OSError:
                    pass
            begin = time.monotonic()
            for _ in range(50):
                status, _, _ = f.ask("/orders", json.dumps({"id": good}).encode(), timeout=10, Idempotency_Key=str(good))
                if status != 503:  # every connection was new; the answer says to come again
                    break
                time.sleep(0.1)
            assert status == 200
            seconds.append(time.monotonic() - begin)
            good += 1
    seconds.sort()
    print(f"beside {count} slow sockets {good} requests took {seconds[len(seconds) // 2]:.3f} s, p99 {seconds[len(seconds) * 99 // 100]:.3f} s")
    for s in slow:
        s.close()
    f.wait_for("silver.orders", good)
    f.stop()
    oracle.compare(range(good), [r["id"] for r in f.rows("silver.orders")])


def test_an_intake_of_some_time_lands_what_it_acknowledged(front):
    f = front("--for", "2s", "--settle", "300ms", "--timeout", "1m")
    clients = Clients(f, threads=1)
    clients.wait_for(30)
    clients.stop()
    _, said = f.process.communicate(timeout=60)
    assert f.process.returncode == 0, said
    oracle.compare(clients.acked, [r["id"] for r in f.rows("silver.orders")])


def test_an_ingest_needs_a_server_and_paths_of_its_own(millrace):
    millrace.write(
        "millrace.yaml",
        "sources:\n  a: { http_ingest: { routes: { /metrics: x, /mode: x, y: z, '/a/{b': c, '/d/{e}': { topic: f, key: g } } } }\n  b: { http_ingest: { routes: { '/d/{g}': h } } }\ntables: { silver.x: { from: a } }\n",
    )
    said = millrace.run("check", expect=78).stderr
    for part in ("path of the server's own", "'/mode' is a path", "is no path", "malformed", "'/d/{g}' takes what '/d/{e}' of sources.a takes", "takes no JSON", "add `server: {}`", "take from one of these"):
        assert part in said, said
