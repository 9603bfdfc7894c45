"""Real Kafka brokers (KRaft) for tests and the demo, on loopback, from the jars of `scripts/setup --servers`.

As a module: `with Kafka(folder, brokers=3) as kafka: kafka.bootstrap`. As a program: `kafka.py start FOLDER [BROKERS]`, `kafka.py stop FOLDER`,
`kafka.py serve FOLDER [BROKERS]` (prints where, and runs until it is told to end).
A broker is known by its process id, kept in FOLDER; data and logs stay there too.
"""

import base64
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLASS_PATH = f"{ROOT}/.deps/kafka/*"
READY_SECONDS = 60


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


LOG4J = """status=error
appender.console.type=Console
appender.console.name=STDOUT
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c{1})%n
rootLogger.level=INFO
rootLogger.appenderRef.stdout.ref=STDOUT
"""


class Kafka:
    def __init__(self, folder, brokers=1, heap="512m", settings=None):
        self.folder = pathlib.Path(folder)
        self.count = brokers
        self.heap = heap
        self.settings = settings or {}
        self.ports = [free_port() for _ in range(brokers)]
        self.controllers = [free_port() for _ in range(brokers)]
        self.processes = [None] * brokers

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{p}" for p in self.ports)

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "log4j2.properties").write_text(LOG4J)
        cluster = base64.urlsafe_b64encode(b"k" + uuid.uuid4().bytes[1:]).decode().rstrip("=")  # one in 64 began with '-'
        for i in range(self.count):
            properties = self.folder / f"broker{i}.properties"
            properties.write_text(self._properties(i))
            self._java("256m", "kafka.tools.StorageTool", "format", "-t", cluster, "-c", properties, check=True)
        for i in range(self.count):
            self.start_broker(i)
        for i in range(self.count):
            self._wait(i)
        return self

    def start_broker(self, i):
        log = open(self.folder / f"broker{i}.log", "wb")
        self.processes[i] = subprocess.Popen(
            self._command(self.heap, "kafka.Kafka", self.folder / f"broker{i}.properties"),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def restart_broker(self, i):
        self.start_broker(i)
        self._wait(i)

    def kill_broker(self, i):
        self.processes[i].kill()
        self.processes[i].wait()

    def stop(self):
        alive = [p for p in self.processes if p and p.poll() is None]
        for p in alive:
            p.kill()  # tests throw the data away; a lone survivor would sit in a controlled shutdown
        for p in alive:
            p.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _properties(self, i):
        voters = ",".join(f"{n + 1}@127.0.0.1:{p}" for n, p in enumerate(self.controllers))
        replicas = min(self.count, 3)
        settings = {
            "process.roles": "broker,controller",
            "node.id": i + 1,
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://127.0.0.1:{self.ports[i]},CONTROLLER://127.0.0.1:{self.controllers[i]}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.ports[i]}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": self.folder / f"data{i}",
            "offsets.topic.replication.factor": replicas,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": max(1, replicas - 1),
            "transaction.state.log.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            "auto.create.topics.enable": "false",
            "log.retention.ms": -1,  # records of tests carry old times
            **self.settings,
        }
        return "".join(f"{k}={v}\n" for k, v in settings.items())

    def _command(self, heap, main, *arguments):
        return [
            "java",
            f"-Xmx{heap}",
            "-XX:+UseSerialGC" if heap == "256m" else "-XX:+UseG1GC",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={self.folder}/log4j2.properties",
            "-cp",
            CLASS_PATH,
            main,
            *map(str, arguments),
        ]

    def _java(self, heap, main, *arguments, check=False):
        return subprocess.run(self._command(heap, main, *arguments), capture_output=True, text=True, check=check)

    def _wait(self, i):
        """Ready when it has said so in its log (truncated at each start); an open port may still lack a controller."""
        log, deadline = self.folder / f"broker{i}.log", time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            text = log.read_text(errors="replace")
            if "Kafka Server started" in text:
                return
            if self.processes[i].poll() is not None:
                raise RuntimeError(f"broker {i} ended; the last of its log:\n" + "\n".join(text.splitlines()[-10:]))
            time.sleep(0.1)
        raise RuntimeError(f"broker {i} was not ready after {READY_SECONDS} s; see {log}")


def main():
    verb, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    state = folder / "brokers.json"
    if verb == "start":
        kafka = Kafka(folder, int(sys.argv[3]) if len(sys.argv) > 3 else 1).start()
        state.write_text(json.dumps([p.pid for p in kafka.processes]))
        print(kafka.bootstrap)
    elif verb == "serve":
        with Kafka(folder, int(sys.argv[3]) if len(sys.argv) > 3 else 1) as kafka:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            print(kafka.bootstrap, flush=True)
            signal.pause()
    elif verb == "stop":
        for pid in json.loads(state.read_text()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        state.unlink()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
