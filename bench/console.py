"""What watching costs: the API's answers while tables land and many connectors are defined, landing while a browser shows the console, and how soon the console is
there. Chromium is Debian's (`scripts/setup --servers`)."""

import http.client
import json
import os
import pathlib
import subprocess
import threading
import time

import kafka_landing
import measure
import pipelines

CONNECTORS = 500
RUNNING = int(os.environ.get("MILLRACE_BENCH_RUNNING", 20))
SECONDS = float(os.environ.get("MILLRACE_BENCH_SECONDS", 10))
ROWS = int(os.environ.get("MILLRACE_BENCH_EVENTS", 10_000_000))
BROWSE = pathlib.Path(__file__).parent / "browse.mjs"
ASKED = ["/connectors", "/connectors?expand=status&expand=info", "/connectors/c250/status", "/api/v1/status", "/api/v1/tables", "/metrics", "/health/ready"]
EVERY = 0.1


class Landing:
    """A pipeline that lands made-up events as fast as it can, and answers."""

    def __init__(self, folder, rows=None, core=None):
        events = {"kind": "events"} | ({"rows": rows} if rows else {})
        table = {"silver.events": {"from": "events", "columns": {"ts": "timestamptz"}, "freshness": "1s"}}
        path = pipelines.config(folder, events=events, tables=table, server={"listen": "127.0.0.1:0"})
        pinned = [] if core is None else ["taskset", "-c", core]
        self.watched = measure.Watched([*pinned, pipelines.BINARY, "run", "-c", path], kafka_landing.millrace_rows(folder), folder / "log")
        status = folder / "data/status.json"
        while not status.exists() or not json.loads(status.read_text()).get("server"):
            assert self.watched.process.poll() is None, (folder / "log").read_text()
            time.sleep(0.01)
        self.url = json.loads(status.read_text())["server"]

    def connection(self):
        return http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=60)


def ask(connection, method, path, body=None):
    connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"} if body else {})
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status < 300, (path, answer.status, said[:300])
    return said


def define(connection, number, state):
    config = {"connector.class": "millrace.Table", "topics": f"t{number}", "table": f"bronze.t{number}"}
    ask(connection, "POST", "/connectors", {"name": f"c{number}", "config": config, "initial_state": state})


def at(taken, share):
    return sorted(taken)[min(int(len(taken) * share), len(taken) - 1)] * 1e3


def api(scratch, runs):
    """Each request has a client of its own, which asks ten times a second."""
    landing = Landing(pipelines.fresh(scratch / "api"))
    try:
        maker = landing.connection()
        for number in range(CONNECTORS):
            define(maker, number, "RUNNING" if number < RUNNING else "PAUSED")
        print(f"api, {CONNECTORS} connectors, {RUNNING} of them running, load average {os.getloadavg()[0]:.1f}", flush=True)
        taken = {path: [] for path in ASKED}
        rows, began = landing.watched.rows(), time.monotonic()
        until = began + runs * SECONDS

        def go(path):
            connection = landing.connection()
            due = began + EVERY * ASKED.index(path) / len(ASKED)
            while due < until:
                time.sleep(max(due - time.monotonic(), 0))
                sent = time.monotonic()
                ask(connection, "GET", path)
                taken[path].append(time.monotonic() - sent)
                due += EVERY

        clients = [threading.Thread(target=go, args=(path,)) for path in ASKED]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        rate = (landing.watched.rows() - rows) / (time.monotonic() - began)
    finally:
        landing.watched.stop()
    for path, each in taken.items():
        print(f"api, GET {path}: 50 % {at(each, 0.5):.1f} ms, 99 % {at(each, 0.99):.1f} ms, most {max(each) * 1e3:.1f} ms, {len(each)} asked")
    together = [one for each in taken.values() for one in each]
    print(f"api, all of them: 50 % {at(together, 0.5):.1f} ms, 99 % {at(together, 0.99):.1f} ms while {rate / 1e3:,.0f} k events/s land", flush=True)


class Browser:
    def __init__(self, url):
        self.process = subprocess.Popen(["taskset", "-c", "1", "node", BROWSE, "open", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "open\n"

    def close(self):
        """Gives how many events the page has had."""
        events = int(self.process.communicate("")[0])
        assert self.process.returncode == 0
        return events


def console(scratch, runs):
    """First how soon it is there. Then the pipeline has one core and the browser the other, so that what is lost is what the pipeline itself does for the page."""
    landing = Landing(pipelines.fresh(scratch / "console"))
    try:
        said = subprocess.run(["node", BROWSE, "paint", landing.url, str(2 * runs)], check=True, capture_output=True, text=True).stdout
    finally:
        landing.watched.stop()
    taken = [json.loads(line) for line in said.splitlines()]
    middle = {what: sorted(one[what] for one in taken)[len(taken) // 2] for what in taken[0]}
    print(f"console, nothing cached, while events land: first paint after {middle['paint']:.0f} ms, the pipeline's picture after {middle['filled']:.0f} ms, {middle['bytes'] / 1e3:.0f} kB; "
          f"slowest of {len(taken)}: {max(one['paint'] for one in taken):.0f} and {max(one['filled'] for one in taken):.0f} ms", flush=True)  # fmt: skip
    costs = {False: [], True: []}
    events = 0
    for _ in range(runs):
        for shown in (False, True):
            landing = Landing(pipelines.fresh(scratch / "console"), ROWS, core="0")
            browser = Browser(landing.url) if shown else None
            seen = landing.watched.until(ROWS)
            costs[shown].append(landing.watched.cost())
            events = browser.close() if browser else events
            landing.watched.stop()
            assert seen == ROWS, f"{seen} of {ROWS}"
    alone, watched = measure.median(costs[False]), measure.median(costs[True])
    print(f"console, nobody looks: {alone.line(ROWS)}")
    print(f"console, open in Chromium ({events} events shown): {watched.line(ROWS)}")
    print(f"console, open to nobody: {alone.wall / watched.wall:.3f} of the rate, {watched.cpu / alone.cpu:.3f} of the CPU")
