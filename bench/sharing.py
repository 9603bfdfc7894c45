"""What workers lose by sharing one table: two of them with a core each, sixteen of them that commit every second."""

import json
import os
import re
import resource
import signal
import subprocess
import time
import urllib.request

import kafka_landing
import measure
import pipelines

COMMITTERS = 16
RATE = 5_000  # events a second of each of them
SECONDS = int(os.environ.get("MILLRACE_BENCH_SECONDS", 20))


def workers(scratch, runs):
    """One worker and two on one table, each with a core of its own. The broker takes what it needs from the same cores, so that beside the rate by the wall stands the work
    that the workers do with the CPU they get, and the most that the wall could show: two workers whose work costs nothing more, beside that broker."""
    with kafka_landing.Topic(scratch) as topic:
        found = {1: [], 2: []}
        # The first round is not counted: the broker makes its topic of offsets for it.
        land_by(topic, scratch, 1)
        for _ in range(runs):
            for count in found:
                found[count].append(land_by(topic, scratch, count))
        middle = {count: sorted(rounds)[len(rounds) // 2] for count, rounds in found.items()}
        for count, (wall, own, brokers) in middle.items():
            print(f"workers, {count}: {topic.events / wall / 1e3:,.0f} k events/s, {topic.events / own / 1e3:,.0f} k events/CPU-s of the workers, {brokers:.1f} CPU-s of the broker", flush=True)
        (one_wall, one_own, _), (two_wall, two_own, brokers) = middle[1], middle[2]
        room = min(2.0, os.cpu_count() * one_own / (one_own + brokers))
        print(
            f"workers, two to one: {one_wall / two_wall:.2f} by the wall, where {os.cpu_count()} cores with that broker on them allow {room:.2f}; "
            f"{2 * one_own / two_own:.2f} by the work that two cores of their own would do, an event costs {two_own / one_own:.2f} of what it cost one worker"
        )


def land_by(topic, scratch, count):
    """Wall seconds until a reader sees every event, CPU seconds of the workers, of the broker."""
    folder = pipelines.fresh(scratch / "workers")
    (folder / "data").mkdir()
    config = kafka_landing.millrace_config(topic, folder, {"freshness": "2s"}, {"memory": "256MiB"})
    config["lake"] = {"warehouse": str(folder / "data/lake"), "catalog": {"sqlite": {"path": str(folder / "data/catalog.db")}}}
    processes = []
    broker_before = cpu_of(topic.kafka.processes[0].pid)
    own_before = children_cpu()
    began = time.monotonic()
    for number in range(count):
        config["data_dir"] = str(folder / f"worker-{number}")
        path = folder / f"worker-{number}.yaml"
        path.write_text(json.dumps(config))
        command = ["taskset", "-c", str(number), pipelines.BINARY, "run", "-c", path]
        processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open(folder / f"log-{number}", "wb")))
    rows = kafka_landing.millrace_rows(folder)
    while rows() < topic.events and time.monotonic() - began < 300:
        time.sleep(0.05)
    wall = time.monotonic() - began
    brokers = cpu_of(topic.kafka.processes[0].pid) - broker_before
    seen = rows()
    for process in processes:
        process.send_signal(signal.SIGTERM)
        process.wait()
    assert seen == topic.events, f"{seen} of {topic.events}"
    return wall, children_cpu() - own_before, brokers


def cpu_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children_cpu():
    """Of the children that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def committers(scratch, runs):
    """Sixteen workers that each commit every second through one REST catalogue: to a table each, and all to one. What they land a second less in one table is what conflicts took,
    and so is the CPU that they need more."""
    rows = RATE * SECONDS
    found = {False: [], True: []}
    for _ in range(runs):
        for one_table in (False, True):
            found[one_table].append(commit_together(pipelines.fresh(scratch / "committers"), rows, one_table))
    middle = {one_table: sorted(rounds)[len(rounds) // 2] for one_table, rounds in found.items()}
    for one_table, (wall, cpu, answers) in middle.items():
        total = rows * COMMITTERS
        print(
            f"committers, {COMMITTERS} on {'one table' if one_table else 'a table each'}: {total / wall / 1e3:,.0f} k events/s, {total / cpu / 1e3:,.0f} k events/CPU-s, "
            f"{answers.get('committed', 0) / wall:.1f} commits/s, {answers.get('conflict', 0)} lost races of {sum(answers.values())} requests",
            flush=True,
        )
    print(f"committers, lost by one table: {100 * (1 - middle[False][0] / middle[True][0]):.1f} % by the wall, {100 * (1 - middle[False][1] / middle[True][1]):.1f} % by CPU")


def commit_together(folder, rows, one_table):
    """Wall seconds until every event has landed, CPU seconds of all workers, requests to commit by their answer."""
    (folder / "catalog.yaml").write_text(json.dumps({"name": "catalog", "data_dir": str(folder / "data"), "server": {"listen": "127.0.0.1:0", "connections_max": 400}, "maintenance": {"interval": "0s"}}))
    server = measure.Watched([pipelines.BINARY, "run", "-c", folder / "catalog.yaml"], lambda: 0, folder / "log")
    try:
        uri = address_of(folder / "data") + "/iceberg"
        pipes = []
        for number in range(COMMITTERS):
            table = "silver.events" if one_table else f"silver.events_{number}"
            config = {
                "name": f"bench-{number}",
                "data_dir": str(folder / f"worker-{number}"),
                "memory": "64MiB",
                "server": {"listen": "127.0.0.1:0"},
                "lake": {"warehouse": str(folder / "data/lake"), "catalog": {"rest": {"uri": uri}}},
                "sources": {"events": {"generator": {"kind": "events", "rows": rows, "rate": RATE, "seed": number}}},
                "tables": {table: {"from": "events", "columns": {"ts": "timestamptz"}, "freshness": "1s"}},
                "maintenance": {"interval": "0s"},
            }
            path = folder / f"worker-{number}.yaml"
            path.write_text(json.dumps(config))
            pipes.append((folder / f"worker-{number}", [pipelines.BINARY, "run", "-c", path]))
        names = ["events"] if one_table else [f"events_{number}" for number in range(COMMITTERS)]
        before = children_cpu()
        began = time.monotonic()
        processes = [subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=open(f"{data}.log", "wb")) for data, command in pipes]
        while landed(folder, names) < rows * COMMITTERS and time.monotonic() - began < 300:
            time.sleep(0.1)
        wall = time.monotonic() - began
        seen = landed(folder, names)
        answers = {}
        for data, _ in pipes:
            for answer, count in re.findall(r'millrace_commit_requests_total\{[^}]*answer="(\w+)"[^}]*\} (\d+)', metrics_of(data)):
                answers[answer] = answers.get(answer, 0) + int(count)
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait()
        assert seen == rows * COMMITTERS, f"{seen} of {rows * COMMITTERS}"
        return wall, children_cpu() - before, answers
    finally:
        server.stop()


def landed(folder, names):
    def rows(name):
        try:
            return pipelines.rows_of(folder, f"silver.{name}")
        except Exception:  # noqa: BLE001  (no table, no snapshot yet)
            return 0

    return sum(rows(name) for name in names)


def address_of(data):
    status = data / "status.json"
    while not status.exists() or not json.loads(status.read_text()).get("server"):
        time.sleep(0.05)
    return json.loads(status.read_text())["server"]


def metrics_of(data):
    with urllib.request.urlopen(address_of(data) + "/metrics", timeout=60) as answer:
        return answer.read().decode()
