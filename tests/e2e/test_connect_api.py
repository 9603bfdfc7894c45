"""Kafka Connect's REST API: the answers of a real worker, recorded, beside ours; and what connectors do, judged by pyiceberg."""

import json
import os
import pathlib
import signal
import sqlite3
import sys

import connect_dialogue
import pytest
import readers
from connect_dialogue import ask
from test_observe import LOCAL, Running, samples, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/services"), str(ROOT / ".deps/connectclient")]
GOLDEN = ROOT / "tests/golden/connect"
CLASSES = {connect_dialogue.SINK: "millrace.Table", connect_dialogue.SOURCE: "millrace.Generator"}
CONFIG = "name: w\ndata_dir: data\nserver: " + LOCAL + "\n"


class Worker:
    """`millrace run` that waits for connectors."""

    def __init__(self, millrace, config=CONFIG):
        self.millrace, self.config = millrace, config
        self.start()

    def start(self):
        self.millrace.write("millrace.yaml", self.config)
        self.process = self.millrace.start("run")
        self.running = Running(self.millrace, self.process)
        self.url = self.running.url

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        if self.process.poll() is None:
            self.process.kill() if failure[0] else self.process.send_signal(signal.SIGTERM)
        self.said = self.process.communicate(timeout=60)[1]
        if failure[0]:
            print(self.said)
        else:
            assert self.process.returncode == 0, self.said

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def ask(self, method, path, body=None, expect=(200, 201, 202, 204)):
        status, said = ask(self.url, method, path, body)
        assert status in (expect if isinstance(expect, tuple) else (expect,)), (method, path, status, said)
        return said

    def make(self, name, **config):
        return self.ask("POST", "/connectors", {"name": name, "config": {k.replace("_", "."): str(v) for k, v in config.items()}})

    def sink(self, name, topic="numbers", table=None, **more):
        return self.make(name, connector_class="millrace.Table", topics=topic, table=table or f"silver.{name}", freshness="100ms", **more)

    def states(self, name):
        status = self.ask("GET", f"/connectors/{name}/status")
        return [status["connector"]["state"], *(task["state"] for task in status["tasks"])]

    def wait_for(self, name, *states):
        wait_until(lambda: self.states(name) == list(states))

    def numbers(self, begin, end, topic="numbers", **more):
        lines = self.millrace.write("numbers.jsonl", "".join(json.dumps({"id": n, **more}) + "\n" for n in range(begin, end)))
        self.millrace.run("produce", "--topic", topic, "--source-path", lines)

    def ids(self, table):
        try:
            return sorted(row["id"] for row in readers.pyiceberg_rows(self.millrace.folder / "data", table))
        except Exception as error:  # not made yet
            assert "NoSuchTable" in type(error).__name__, error
            return []

    def wait_for_ids(self, table, wanted):
        wanted = sorted(wanted)
        wait_until(lambda: len(self.ids(table)) >= len(wanted))
        assert self.ids(table) == wanted


def has_read(worker, table):
    return lambda name: len(worker.ids(table)) == 5


def test_what_connect_answers(millrace):
    """Each recorded answer of a worker of Kafka Connect is ours too."""
    with Worker(millrace) as worker:
        worker.numbers(0, 5)
        needs = {
            "millrace.Table": {"table": "silver.{NAME}"},
            "millrace.Generator": {"kind": "users", "rows": "10"},
        }
        asker = connect_dialogue.Asker(worker.url, CLASSES, needs, has_read(worker, "silver.life"))
        wrong = []
        for name, steps in connect_dialogue.DIALOGUES.items():
            recorded = json.loads((GOLDEN / f"{name}.json").read_text())
            assert [r["request"] for r in recorded] == [{k: s[k] for k in ("method", "path", "body")} for s in steps], f"record {name} anew"
            for step, record in zip(steps, recorded):
                theirs, ours = record["answer"], asker.ask(step)
                if step["ours"]:
                    same = ours["status"] == step["ours"] and ours["body"]["error_code"] == step["ours"] and ours["body"]["message"]
                elif step["compare"] == connect_dialogue.ALL:
                    same = ours == theirs
                elif step["compare"] == connect_dialogue.SHAPE:
                    same = ours["status"] == theirs["status"] and connect_dialogue.same_shape(theirs["body"], ours["body"])
                else:
                    same = ours["status"] == theirs["status"]
                if not same:
                    wrong.append(f"{name}: {step['method']} {step['path']} {json.dumps(step['body'])}\n  theirs {str(theirs)[:600]}\n  ours   {str(ours)[:600]}")
        assert not wrong, "\n".join(wrong)


def test_rows_pause_and_offsets(millrace):
    """Rows land; a pause rests and a resume goes on; offsets are set, and forgotten, while it is stopped; two connectors know nothing of each other."""
    with Worker(millrace) as worker:
        worker.numbers(0, 5)
        worker.sink("one")
        worker.wait_for_ids("silver.one", range(5))
        worker.ask("PUT", "/connectors/one/pause")
        worker.wait_for("one", "PAUSED", "PAUSED")
        worker.numbers(5, 10)
        worker.sink("two")
        worker.wait_for_ids("silver.two", range(10))
        assert worker.ids("silver.one") == list(range(5))
        worker.ask("PUT", "/connectors/one/resume")
        worker.wait_for_ids("silver.one", range(10))

        worker.ask("PUT", "/connectors/one/stop")
        worker.wait_for("one", "STOPPED")
        place = {"kafka_topic": "numbers", "kafka_partition": 0}
        worker.ask("PATCH", "/connectors/one/offsets", {"offsets": [{"partition": place, "offset": {"kafka_offset": 7}}]})
        for impossible in (11, -1):
            refused = worker.ask("PATCH", "/connectors/one/offsets", {"offsets": [{"partition": place, "offset": {"kafka_offset": impossible}}]}, 400)
            assert "from 0 to 10" in refused["message"]
        worker.ask("PUT", "/connectors/one/resume")
        worker.wait_for_ids("silver.one", [*range(10), 7, 8, 9])
        worker.ask("PUT", "/connectors/one/stop")
        worker.wait_for("one", "STOPPED")
        worker.ask("DELETE", "/connectors/one/offsets")
        worker.ask("PUT", "/connectors/one/resume")
        worker.wait_for_ids("silver.one", [*range(10), 7, 8, 9, *range(10)])

        # Where it is to begin, before anything has landed: how a connector is moved here from elsewhere.
        config = {"connector.class": "millrace.Table", "topics": "numbers", "table": "silver.three", "freshness": "100ms"}
        worker.ask("POST", "/connectors", {"name": "three", "config": config, "initial_state": "STOPPED"})
        worker.wait_for("three", "STOPPED")
        worker.ask("PATCH", "/connectors/three/offsets", {"offsets": [{"partition": place, "offset": {"kafka_offset": 8}}]})
        worker.ask("PUT", "/connectors/three/resume")
        worker.wait_for_ids("silver.three", [8, 9])

        worker.ask("DELETE", "/connectors/one")
        worker.numbers(10, 12)
        worker.wait_for_ids("silver.two", range(12))
        assert worker.states("two") == ["RUNNING", "RUNNING"]
        assert len(worker.ids("silver.one")) == 23
        # Made again under its name it goes on where it was, as a consumer group does.
        worker.sink("one")
        worker.wait_for_ids("silver.one", [*range(10), 7, 8, 9, *range(12)])


def test_a_failure_is_its_own(millrace):
    """A connector that fails says why and stops nothing else; a restart mends it once the cause is gone; a config is changed while it runs."""
    config = CONFIG + "sources: { mine: { generator: { kind: users, rows: 10 } } }\ntables: { silver.mine: { from: mine } }\n"
    with Worker(millrace, config) as worker:
        worker.numbers(0, 5)
        worker.sink("strict", contract_columns="freeze")
        worker.sink("other", tasks_max=4)
        worker.wait_for_ids("silver.strict", range(5))
        worker.numbers(5, 8, strange=True)
        worker.wait_for("strict", "RUNNING", "FAILED")
        trace = worker.ask("GET", "/connectors/strict/tasks/0/status")["trace"]
        assert "strange" in trace and "silver.strict" in trace
        worker.wait_for_ids("silver.other", range(8))
        metrics = samples(worker.running.get("/metrics")[1])
        assert metrics["millrace_connector_up", (("connector", "strict"),)] == 0
        assert metrics["millrace_connector_up", (("connector", "other"),)] == 1
        assert metrics["millrace_connector_tasks", (("connector", "strict"), ("state", "FAILED"))] == 1
        assert metrics["millrace_connector_failures_total", (("connector", "strict"),)] == 1
        assert metrics["millrace_table_lag_records", (("table", "silver.other"),)] == 0
        assert worker.running.get("/health/ready")[0] == 200
        assert worker.running.status()["connectors"]["strict"]["tasks"][0]["why"] == trace

        worker.ask("POST", "/connectors/strict/tasks/0/restart")
        wait_until(lambda: samples(worker.running.get("/metrics")[1])["millrace_connector_failures_total", (("connector", "strict"),)] == 2)
        table = readers.pyiceberg_catalog(millrace.folder / "data").load_table("silver.strict")
        from pyiceberg.types import BooleanType

        with table.update_schema() as update:
            update.add_column("strange", BooleanType())
        worker.ask("POST", "/connectors/strict/restart?includeTasks=true&onlyFailed=true")
        worker.wait_for_ids("silver.strict", range(8))
        assert worker.states("strict") == ["RUNNING", "RUNNING"]

        worker.numbers(8, 9, newer=1)
        worker.wait_for("strict", "RUNNING", "FAILED")
        worker.ask("PATCH", "/connectors/strict/config", {"contract.columns": "evolve"})
        worker.wait_for_ids("silver.strict", range(9))
        assert worker.states("strict") == ["RUNNING", "RUNNING"]

        for table, why in (("silver.mine", "the pipeline's own"), ("silver.other", "connector other"), ("quarantine.x", "rejected"), ("no", "is no ta")):
            said = worker.ask("POST", "/connectors", {"name": "taken", "config": {"connector.class": "Table", "topics": "numbers", "table": table}}, 400)
            assert why in said["message"], said
        assert worker.ask("GET", "/connectors") == ["other", "strict"]


def test_nothing_is_kept_for_a_connector_that_is_gone(millrace):
    """Retention waits for those who read, and for nobody who does not any more: one that was deleted, changed to another topic, or forgotten as the process died."""
    topics = "topics: { numbers: { retention: 1s }, free: { retention: 1s }, more: {} }\n"
    with Worker(millrace, CONFIG + topics) as worker:

        def first(topic):
            return json.loads(worker.running.get(f"/api/v1/topics/{topic}")[1])["partitions"][0]["first_offset"]

        def readers(topic):
            return {each["reader"] for each in json.loads(worker.running.get(f"/api/v1/topics/{topic}")[1])["readers"]}

        worker.numbers(0, 5)
        worker.sink("gone")
        worker.wait_for_ids("silver.gone", range(5))
        worker.ask("PUT", "/connectors/gone/stop")
        worker.wait_for("gone", "STOPPED")
        worker.numbers(5, 10)
        worker.numbers(0, 5, topic="free")
        wait_until(lambda: first("free") == 5)  # that nobody reads
        assert first("numbers") <= 5 and readers("numbers") == {"w.connect.gone/silver.gone"}
        worker.ask("DELETE", "/connectors/gone")
        assert readers("numbers") == set()
        wait_until(lambda: first("numbers") == 10)

        worker.sink("moves", topic="free")
        wait_until(lambda: readers("free") == {"w.connect.moves/silver.moves"})
        worker.ask("PATCH", "/connectors/moves/config", {"topics": "more"})
        wait_until(lambda: readers("more") == {"w.connect.moves/silver.moves"})
        assert readers("free") == set()
        worker.kill()
        with sqlite3.connect(millrace.folder / "data/stream.db") as db:
            db.execute("INSERT INTO reader SELECT 'w.connect.ghost/silver.x', part.id, 0 FROM part JOIN topic ON part.topic = topic.id WHERE topic.name = 'free'")
            db.execute("INSERT INTO reader SELECT 'w/silver.own', part.id, 0 FROM part JOIN topic ON part.topic = topic.id WHERE topic.name = 'free'")
        worker.start()
        assert readers("free") == {"w/silver.own"}
        assert readers("more") == {"w.connect.moves/silver.moves"}


def test_they_come_back(millrace):
    """Killed and run again: each is what it was to be, and every event has landed once."""
    worker = Worker(millrace)
    try:
        worker.numbers(0, 5)
        worker.make("made", connector_class="millrace.Generator", topic="events", kind="users", rows=20000, rate=8000)
        worker.sink("landed", topic="events")
        worker.sink("rests")
        worker.sink("stands")
        worker.wait_for_ids("silver.rests", range(5))
        worker.ask("PUT", "/connectors/rests/pause")
        worker.ask("PUT", "/connectors/stands/stop")
        worker.wait_for("stands", "STOPPED")
        for _ in range(3):
            before = len(worker.ids("silver.landed"))
            wait_until(lambda: len(worker.ids("silver.landed")) > before or before == 20000)
            worker.kill()
            worker.start()
        wait_until(lambda: len(worker.ids("silver.landed")) >= 20000)
        ids = worker.ids("silver.landed")
        assert len(ids) == 20000 and len(set(ids)) == 20000
        worker.wait_for("rests", "PAUSED", "PAUSED")
        worker.wait_for("stands", "STOPPED")
        assert worker.states("made") == ["RUNNING", "RUNNING"]
        assert worker.ask("GET", "/connectors/landed/topics") == {"landed": {"topics": ["events"]}}
        assert os.stat(millrace.folder / "data/state.db").st_mode & 0o077 == 0, "configs may hold passwords"

        # The source's own place: forgotten, it makes everything again.
        worker.ask("PUT", "/connectors/made/stop")
        worker.wait_for("made", "STOPPED")
        assert worker.ask("GET", "/connectors/made/offsets")["offsets"][0]["partition"]["source"] == "made"
        worker.ask("DELETE", "/connectors/made/offsets")
        assert worker.ask("GET", "/connectors/made/offsets") == {"offsets": []}
    finally:
        worker.kill()


def test_verbs(millrace):
    """`millrace connectors` does what people do by hand."""
    with Worker(millrace) as worker:
        worker.numbers(0, 5)
        millrace.write("sink.properties", "# as Connect's standalone worker has it\nname=sink\nconnector.class=Table\ntopics=numbers\ntable=silver.sink\nfreshness=100ms\n")
        millrace.run("connectors", "create", "sink.properties")
        worker.wait_for_ids("silver.sink", range(5))
        listed = json.loads(millrace.run("connectors", "list", "--json").stdout)
        assert listed == [{"connector": "sink", "type": "sink", "class": "Table", "state": "RUNNING", "tasks": 1, "failed": 0}]
        described = millrace.run("connectors", "describe", "sink", "--url", worker.url)
        assert "silver.sink" in described.stdout and '{"kafka_offset":5}' in described.stdout
        millrace.run("connectors", "pause", "sink")
        worker.wait_for("sink", "PAUSED", "PAUSED")
        millrace.run("connectors", "stop", "sink")
        millrace.run("connectors", "offsets", "sink", "--set", "numbers:0=3")
        assert json.loads(millrace.run("connectors", "offsets", "sink", "--json").stdout)[0]["offset"] == {"kafka_offset": 3}
        millrace.run("connectors", "resume", "sink")
        worker.wait_for_ids("silver.sink", [*range(5), 3, 4])
        millrace.run("connectors", "restart", "sink", "--tasks")
        millrace.write("sink.json", json.dumps({"name": "sink", "config": {"connector.class": "Table", "topics": "numbers", "table": "silver.sink", "freshness": "1s"}}))
        assert "already exists" in millrace.run("connectors", "create", "sink.json", expect=64).stderr
        millrace.run("connectors", "create", "sink.json", "--update")
        assert worker.ask("GET", "/connectors/sink/config")["freshness"] == "1s"
        assert "millrace.Table" in millrace.run("connectors", "plugins").stdout
        millrace.run("connectors", "delete", "sink")
        assert "no connectors" in millrace.run("connectors", "list").stderr
        assert "not found" in millrace.run("connectors", "delete", "sink", expect=64).stderr


def test_roles_and_a_client(millrace, monkeypatch):
    """What changes needs the role `operate`; a client from PyPI that was written for Connect finds what it looks for."""
    tokens = {name: f"0123456789abcdef-{name}" for name in ("reader", "operator")}
    for name, token in tokens.items():
        monkeypatch.setenv(name.upper(), token)
    server = "{ listen: '127.0.0.1:0', tokens: { r: { token: {secret: 'env:READER'} }, o: { token: {secret: 'env:OPERATOR'}, roles: [read, operate] } } }"
    config = {"connector.class": "Table", "topics": "numbers", "table": "silver.s", "freshness": "100ms"}
    with Worker(millrace, f"name: w\ndata_dir: data\nserver: {server}\n") as worker:
        worker.numbers(0, 5)

        def status_of(token, method, path, body=None):
            return ask(worker.url, method, path, body, {"Authorization": f"Bearer {tokens[token]}"})[0]

        changes = [
            ("POST", "/connectors", {"name": "s", "config": config}, 201),
            ("PUT", "/connectors/s/config", config, 200),
            ("PATCH", "/connectors/s/config", {"freshness": "200ms"}, 200),
            ("PUT", "/connectors/s/pause", None, 202),
            ("PUT", "/connectors/s/resume", None, 202),
            ("POST", "/connectors/s/restart", None, 204),
            ("PUT", "/connectors/s/topics/reset", None, 202),
            ("PUT", "/connectors/s/stop", None, 204),
            ("DELETE", "/connectors/s/offsets", None, 200),
            ("DELETE", "/connectors/s", None, 204),
        ]
        for method, path, body, done in changes:
            assert status_of("reader", method, path, body) == 403, path
            assert status_of("operator", method, path, body) == done, path
        assert status_of("operator", "PUT", "/admin/loggers/root", {"level": "INFO"}) == 403, "an admin's"
        for path in ("/", "/health", "/connectors", "/connector-plugins", "/connector-plugins/Table/config", "/admin/loggers"):
            assert status_of("reader", "GET", path) == 200, path
        assert status_of("reader", "PUT", "/connector-plugins/Table/config/validate", config) == 200
        assert ask(worker.url, "GET", "/connectors")[0] == 401
        monkeypatch.setenv("MILLRACE_TOKEN", tokens["reader"])
        assert "no connectors" in millrace.run("connectors", "list").stderr

    kafka_connect = pytest.importorskip("kafka_connect")
    config["table"] = "silver.c"
    with Worker(millrace) as worker:
        client = kafka_connect.KafkaConnect(url=worker.url)
        assert client.get_cluster_info()["version"]
        client.create_connector({"name": "c", "config": config})
        worker.wait_for("c", "RUNNING", "RUNNING")
        assert list(client.list_connectors(expand="status", state="running")) == ["c"]
        client.update_connector("c", {**config, "freshness": "300ms"})
        assert client.get_connector_config("c")["freshness"] == "300ms"
        worker.wait_for("c", "RUNNING", "RUNNING")
        client.restart_connector("c", include_tasks=True)
        worker.wait_for("c", "RUNNING", "RUNNING")
        client.restart_connector_task("c", 0)
        worker.wait_for_ids("silver.c", range(5))
        assert client.list_connector_topics("c") == {"c": {"topics": ["numbers"]}}
        assert [task["id"]["task"] for task in client.list_connector_tasks("c")] == [0]
        client.pause_connector("c")
        worker.wait_for("c", "PAUSED", "PAUSED")
        client.resume_connector("c")
        client.stop_connector("c")
        worker.wait_for("c", "STOPPED")
        assert client.validate_connector_config("millrace.Table", config)["error_count"] == 1, "the name is missing"
        assert "millrace.Table" in [plugin["class"] for plugin in client.list_connector_plugins()]
        client.delete_connector("c")
        assert client.list_connectors() == []


@pytest.mark.skipif(not (ROOT / ".deps/kafka").exists(), reason="scripts/setup --servers fetches Kafka")
def test_on_kafka(millrace, tmp_path):
    """The same on a broker: topics by a pattern, offsets, a kill, exactly once."""
    confluent_kafka = pytest.importorskip("confluent_kafka")
    admin_module = pytest.importorskip("confluent_kafka.admin")
    from kafka import Kafka

    with Kafka(tmp_path / "kafka", heap="384m") as kafka:
        admin = admin_module.AdminClient({"bootstrap.servers": kafka.bootstrap})
        for made in admin.create_topics([admin_module.NewTopic(f"n{i}", 2, 1) for i in range(2)]).values():
            made.result(30)
        producer = confluent_kafka.Producer({"bootstrap.servers": kafka.bootstrap})

        def produce(topic, begin, end, partition):
            for n in range(begin, end):
                producer.produce(topic, json.dumps({"id": n}), partition=partition)
            assert producer.flush(60) == 0

        produce("n0", 0, 10, 0)
        produce("n1", 10, 20, 1)
        stream = f'stream: {{ kafka: {{ brokers: "{kafka.bootstrap}", session_timeout: 6s, revoke_patience: 3s, refresh: 1s }} }}\n'
        worker = Worker(millrace, CONFIG + "memory: 256MiB\n" + stream)
        try:
            worker.make("all", connector_class="millrace.Table", topics_regex="n.*", table="silver.all", freshness="100ms")
            worker.make("made", connector_class="millrace.Generator", topic="events", kind="users", rows=3000, rate=1500)
            worker.wait_for("made", "RUNNING", "RUNNING")  # which has made its topic
            worker.sink("landed", topic="events")
            worker.wait_for_ids("silver.all", range(20))
            wait_until(lambda: "n1" in worker.ask("GET", "/connectors/all/topics")["all"]["topics"])
            assert worker.ask("GET", "/connectors/all/topics") == {"all": {"topics": ["n0", "n1"]}}
            wait_until(lambda: worker.ids("silver.landed"))
            worker.kill()
            produce("n0", 20, 25, 0)
            worker.start()
            worker.wait_for_ids("silver.all", range(25))
            wait_until(lambda: len(worker.ids("silver.landed")) >= 3000)
            assert len(set(worker.ids("silver.landed"))) == len(worker.ids("silver.landed")) == 3000
            worker.ask("PUT", "/connectors/all/stop")
            worker.wait_for("all", "STOPPED")
            offsets = {(o["partition"]["kafka_topic"], o["partition"]["kafka_partition"]): o["offset"]["kafka_offset"] for o in worker.ask("GET", "/connectors/all/offsets")["offsets"]}
            assert offsets["n0", 0] == 15 and offsets["n1", 1] == 10
            worker.ask("PATCH", "/connectors/all/offsets", {"offsets": [{"partition": {"kafka_topic": "n0", "kafka_partition": 0}, "offset": {"kafka_offset": 13}}]})
            worker.ask("PUT", "/connectors/all/resume")
            worker.wait_for_ids("silver.all", [*range(25), 23, 24])
        finally:
            worker.kill()


def test_passwords_stay(millrace):
    """What is a password is stored for its owner alone and shown to nobody: no answer, no log, no status has it; the word that stands for it keeps it."""
    hush = "hush-Hush-1x"
    config = {
        "connector.class": "com.mongodb.kafka.connect.MongoSinkConnector",
        "topics": "numbers",
        "connection.uri": f"mongodb://user:{hush}@127.0.0.1:1/?serverSelectionTimeoutMS=200",
        "database": "d",
        "collection": "c",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    }
    said = []
    with Worker(millrace) as worker:
        worker.numbers(0, 5)
        said.append(worker.ask("POST", "/connectors", {"name": "m", "config": config}))
        assert said[0]["config"]["connection.uri"] == "[hidden]"
        wait_until(lambda: worker.states("m")[1:])
        said.append(worker.ask("PATCH", "/connectors/m/config", {"connection.uri": "[hidden]", "database": "e"}))
        worker.ask("PUT", "/connectors/m/config", {**config, "connection.uri": "[hidden]"})
        worker.ask("POST", "/connectors", {"name": "n", "config": {**config, "connection.uri": "[hidden]"}}, 400)
        said.append(worker.ask("PUT", "/connector-plugins/MongoSink/config/validate", {**config, "strange": "x"}))
        said.append(worker.ask("POST", "/connectors", {"name": "n", "config": {**config, "strange": "x"}}, 400))
        for path in ("/connectors?expand=info&expand=status", "/connectors/m/tasks", "/connectors/m/status", "/api/v1/status"):
            said.append(worker.ask("GET", path))
        said.append(worker.running.get("/metrics")[1])
        worker.ask("PUT", "/admin/loggers/root", {"level": "DEBUG"})
        worker.ask("POST", "/connectors/m/restart?includeTasks=true")
        wait_until(lambda: "RESTARTING" not in worker.states("m"))
        said.append(millrace.run("connectors", "describe", "m", "--json").stdout)
        worker.ask("DELETE", "/connectors/m")
    assert hush not in json.dumps(said) and hush not in worker.said and hush not in (millrace.folder / "data/status.json").read_text()


def test_a_store_that_is_away_is_waited_for(millrace, tmp_path):
    sys.path.insert(0, str(ROOT / ".deps/pymongo"))
    pymongo = pytest.importorskip("pymongo")
    import mongodb

    server = mongodb.MongoDb(tmp_path / "mongo")
    config = {
        "connector.class": "com.mongodb.kafka.connect.MongoSinkConnector",
        "topics": "numbers",
        "connection.uri": f"{server.uri}?serverSelectionTimeoutMS=200",
        "database": "shop",
        "collection": "numbers",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    }
    with Worker(millrace) as worker:
        worker.numbers(0, 5)
        worker.ask("POST", "/connectors", {"name": "m", "config": config})
        wait_until(lambda: worker.ask("GET", "/connectors/m/status")["tasks"][:1] and worker.ask("GET", "/connectors/m/tasks/0/status").get("trace"))
        told = worker.ask("GET", "/connectors/m/tasks/0/status")
        assert told["state"] in ("UNASSIGNED", "RUNNING"), told
        with server:
            documents = pymongo.MongoClient(server.uri)["shop"]["numbers"]
            wait_until(lambda: documents.count_documents({}) == 5)
            worker.wait_for("m", "RUNNING", "RUNNING")
            assert "trace" not in worker.ask("GET", "/connectors/m/tasks/0/status")
            worker.ask("DELETE", "/connectors/m")
