"""Events that clients send by HTTP, answered when they are durable, beside nginx, which answers the same requests and keeps nothing: what HTTP itself costs
here; and beside Benthos, whose HTTP server writes them into a file and does not sync it, where `scripts/setup --peers` built it. The load comes from wrk; its CPU is
no part of a server's."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import measure
import pipelines

PEERS = pipelines.ROOT / "bench/peers"
NGINX = pipelines.ROOT / ".deps/nginx/usr/sbin/nginx"
BENTHOS = pipelines.ROOT / ".deps/benthos/benthos"
SECONDS = int(os.environ.get("MILLRACE_BENCH_SECONDS", 10))
CONNECTIONS = 64
BATCH = 1000
sys.path.insert(0, str(pipelines.ROOT / "tests/services"))
from kafka import free_port  # noqa: E402

NGINX_CONFIG = """daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_max_body_size 64m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ return 204; }} }}
}}
"""


def millrace(folder, port):
    config = {
        "name": "bench",
        "data_dir": str(folder / "data"),
        "server": {"listen": f"127.0.0.1:{port}"},
        "sources": {"ingest": {"http_ingest": {"routes": {"/events": "events"}}}},
    }
    (folder / "millrace.yaml").write_text(json.dumps(config))
    return [pipelines.BINARY, "run", "-c", folder / "millrace.yaml"]


def nginx(folder, port):
    (folder / "nginx.conf").write_text(NGINX_CONFIG.format(folder=folder, port=port))
    return [NGINX, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]


def benthos(folder, port):
    config = {
        "http": {"enabled": False},
        "logger": {"level": "OFF"},
        "input": {"http_server": {"address": f"127.0.0.1:{port}", "path": "/events", "allowed_verbs": ["POST"]}},
        "output": {"file": {"path": str(folder / "events.jsonl"), "codec": "lines"}},
    }
    (folder / "benthos.yaml").write_text(json.dumps(config))
    return [BENTHOS, "run", folder / "benthos.yaml"]


SERVERS = {"millrace": millrace, "nginx": nginx, "benthos": benthos}
KEEPS = {"millrace": "durable", "nginx": "not kept", "benthos": "in a file, not synced"}


def ready(port, server):
    for _ in range(600):
        if server.process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"the server did not start:\n{server.log.read_text(errors='replace')[-3000:]}")


def durable(folder):
    """Events that the stream has after the run, by the program itself."""
    listed = measure.run([pipelines.BINARY, "topics", "list", "--json", "-c", folder / "millrace.yaml"]).stdout
    return sum(topic["records"] for topic in json.loads(listed) if topic["topic"] == "events")


def load(name, scratch, events, per_request):
    """Gives the server's cost, the generator's, the events that were answered, and wrk's median and 99th percentile of the time to an answer."""
    folder, port = pipelines.fresh(scratch / f"http-{name}"), free_port()
    server = measure.Watched(SERVERS[name](folder, port), lambda: 0, scratch / f"http-{name}.log")
    try:
        ready(port, server)
        server.sample()
        before = server.cpu
        command = ["wrk", "--threads", 1, "--connections", CONNECTIONS, "--duration", f"{SECONDS}s", "--timeout", "30s", "--latency",
                   "--script", PEERS / "wrk.lua", f"http://127.0.0.1:{port}", "--", events, per_request, 1000 if per_request == 1 else 20]  # fmt: skip
        began = time.monotonic()
        generator = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while generator.poll() is None:
            server.sample()
            time.sleep(0.1)
        generator_cpu = CpuOfChildren.since()
        wall = time.monotonic() - began
        server.sample()
        cost = measure.Cost(wall, server.cpu - before, server.peak_bytes)
        said = generator.stdout.read()
    finally:
        server.stop()
    done = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m),", said)
    if generator.returncode != 0 or not done or "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"{name}: not every request was taken:\n{said}")
    answered = int(done[1]) * per_request
    if name == "millrace" and (kept := durable(folder)) < answered:
        raise SystemExit(f"millrace answered for {answered} events and has {kept}")
    if name == "benthos" and (kept := sum(1 for _ in open(folder / "events.jsonl", "rb"))) < answered:
        raise SystemExit(f"benthos answered for {answered} events and has {kept}")
    shutil.rmtree(folder)
    percentiles = {share: re.search(rf"^\s+{share}%\s+(\S+)", said, re.MULTILINE)[1] for share in ("50", "99")}
    return cost, generator_cpu, answered, percentiles


class CpuOfChildren:
    """CPU seconds of children that ended, since the last look."""

    seen = 0.0

    @classmethod
    def since(cls):
        times = os.times()
        used, cls.seen = times.children_user + times.children_system - cls.seen, times.children_user + times.children_system
        return used


def http(scratch, runs):
    missing = [str(program) for program in ("wrk", NGINX) if not shutil.which(program)]
    if missing:
        raise SystemExit("run `scripts/setup --peers` first: it brings " + ", ".join(missing))
    events = pipelines.generated(scratch, 20 * BATCH)
    servers = [name for name in SERVERS if name != "benthos" or BENTHOS.exists()]
    print(f"http: {CONNECTIONS} connections that stay, {SECONDS} s, load average {os.getloadavg()[0]:.1f}")
    for what, per_request in (("an event a request", 1), (f"{BATCH:,} events a request", BATCH)):
        found = {name: [] for name in servers}
        for _ in range(runs):
            for name in servers:
                CpuOfChildren.since()
                found[name].append(load(name, scratch, events, per_request))
        rates = {}
        for name, several in found.items():
            cost, generator, answered, percentiles = sorted(several, key=lambda one: one[2] / one[0].wall)[len(several) // 2]
            rates[name] = answered / cost.wall, answered / max(cost.cpu, 0.01), cost.peak_bytes
            print(f"http, {name}, {what}, {KEEPS[name]}: {cost.line(answered)}, answer after {percentiles['50']} (99 %: {percentiles['99']}); wrk: {generator:.2f} CPU-s", flush=True)
        ours = rates.pop("millrace")
        for name, theirs in rates.items():
            shares = [mine / other for mine, other in zip(ours, theirs)]
            print(f"http, {what}: {shares[0]:.2f} of {name}'s rate, {shares[1]:.2f} of its events per CPU-second, {shares[2]:.2f} of its memory")
