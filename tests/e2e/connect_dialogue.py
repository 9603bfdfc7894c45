"""What a worker of Kafka Connect and this program are both asked, in this order, and how two answers are compared.

Both have a topic `numbers` with one partition and five records {"id": 0..4}. SINK and SOURCE stand for a class of each; what a class needs beside
Connect's own properties is its own affair and is taken out of answers before they are compared.

How a step is compared: `all` (status and body), `shape` (status, and of the body the keys and types), `status`.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request

SINK = "{SINK}"
SOURCE = "{SOURCE}"
NAME = "{NAME}"  # the connector's, in what its class needs
ALL, SHAPE, STATUS = "all", "shape", "status"


def ask(url, method, path, body=None, headers=None):
    """(status, the body: parsed where it is JSON)"""
    data = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    request = urllib.request.Request(url + path, method=method, data=data, headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=100) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    try:
        return status, json.loads(text) if text else None
    except json.JSONDecodeError:
        return status, "text"


def step(method, path, body=None, compare=ALL, until=None, ours=None):
    """`until`: (connector, state) that is waited for after the answer: of it and all its tasks. `ours`: the status that this program answers with
    where Connect stumbles (a 500 for what the client did wrong)."""
    return {"method": method, "path": path, "body": body, "compare": compare, "until": until, "ours": ours}


def sink(**more):
    return {"connector.class": SINK, "topics": "numbers", **{k.replace("_", "."): v for k, v in more.items()}}


RUNNING, PAUSED, STOPPED = "RUNNING", "PAUSED", "STOPPED"

NOBODY = [
    step("GET", "/connectors/nobody"),
    step("GET", "/connectors/nobody/config"),
    step("GET", "/connectors/nobody/status"),
    step("GET", "/connectors/nobody/tasks"),
    step("GET", "/connectors/nobody/tasks/0/status"),
    step("GET", "/connectors/nobody/topics"),
    step("GET", "/connectors/nobody/offsets"),
    step("PATCH", "/connectors/nobody/config", {"a": "b"}),
    step("PATCH", "/connectors/nobody/offsets", {"offsets": [{"partition": {"p": 1}, "offset": {"o": 1}}]}),
    step("DELETE", "/connectors/nobody/offsets"),
    step("PUT", "/connectors/nobody/pause"),
    step("PUT", "/connectors/nobody/resume"),
    step("PUT", "/connectors/nobody/stop"),
    step("POST", "/connectors/nobody/restart"),
    step("POST", "/connectors/nobody/restart?includeTasks=true"),
    step("POST", "/connectors/nobody/tasks/0/restart"),
    step("PUT", "/connectors/nobody/topics/reset"),
    step("DELETE", "/connectors/nobody"),
]

REFUSED = [
    step("POST", "/connectors", "{", STATUS, ours=400),
    step("POST", "/connectors", "", STATUS, ours=400),
    step("POST", "/connectors", {"config": sink()}, STATUS),
    step("POST", "/connectors", {"name": "", "config": sink()}),
    step("POST", "/connectors", {"name": "refused"}, STATUS, ours=400),
    step("POST", "/connectors", {"name": "refused", "config": {}}),
    step("POST", "/connectors", {"name": "refused", "config": {"connector.class": "no.such.Thing", "topics": "numbers"}}, STATUS),
    step("POST", "/connectors", {"name": "refused", "config": {"connector.class": SINK}}),
    step("POST", "/connectors", {"name": "refused", "config": sink(name="other")}),
    step("POST", "/connectors", {"name": "refused", "config": sink(), "initial_state": "NEVER"}, STATUS, ours=400),
    step("POST", "/connectors", {"name": "refused", "config": sink(), "strange": 1}, STATUS, ours=400),
    step("POST", "/connectors", {"name": "refused", "config": sink(tasks_max="none")}),
    step("PUT", "/connectors/refused/config", {"connector.class": SINK}),
    step("PUT", "/connectors/refused/config", sink(name="other")),
    step("PUT", "/connectors/refused/config", "[]", STATUS, ours=400),
    step("GET", "/connectors"),
]

PLUGINS = [
    step("GET", "/connector-plugins", compare=SHAPE),
    step("GET", "/connector-plugins?connectorsOnly=true", compare=SHAPE),
    step("GET", "/connector-plugins/no.such.Thing/config"),
    step("PUT", f"/connector-plugins/{SINK}/config/validate", {"name": "v", **sink()}, SHAPE),
    step("PUT", f"/connector-plugins/{SINK}/config/validate", {"name": "v", "connector.class": SINK}, SHAPE),
    step("PUT", f"/connector-plugins/{SINK}/config/validate", {"name": "v", "topics": "numbers"}, STATUS, ours=400),
    step("PUT", f"/connector-plugins/{SINK}/config/validate", {"name": "v", "connector.class": SOURCE, "topics": "numbers"}, SHAPE),
    step("PUT", "/connector-plugins/no.such.Thing/config/validate", {"connector.class": "no.such.Thing"}, STATUS, ours=400),
]

LIFE = [
    step("POST", "/connectors", {"name": "life", "config": sink(tasks_max="1")}, until=("life", RUNNING)),
    step("POST", "/connectors", {"name": "life", "config": sink()}),
    step("GET", "/connectors"),
    step("GET", "/connectors?expand=status"),
    step("GET", "/connectors?expand=info"),
    step("GET", "/connectors?expand=info&expand=status"),
    step("GET", "/connectors?expand=strange", compare=STATUS),
    step("GET", "/connectors/life"),
    step("GET", "/connectors/life/config"),
    step("GET", "/connectors/life/status"),
    step("GET", "/connectors/life/tasks", compare=SHAPE),
    step("GET", "/connectors/life/tasks-config", compare=STATUS),
    step("GET", "/connectors/life/tasks/0/status"),
    step("GET", "/connectors/life/tasks/7/status"),
    step("GET", "/connectors/life/tasks/x/status", compare=STATUS),
    step("PUT", "/connectors/life/config", {**sink(), "freshness": "200ms"}, until=("life", RUNNING)),
    step("PATCH", "/connectors/life/config", {"tasks.max": "1", "freshness": None}, until=("life", RUNNING)),
    step("GET", "/connectors/life/config"),
    step("PATCH", "/connectors/life/config", {"topics": None}),
    step("PUT", "/connectors/made/config", {**sink(), "tasks.max": "1"}, until=("made", RUNNING)),
    step("DELETE", "/connectors/made"),
    step("GET", "/connectors/made"),
    step("PUT", "/connectors/life/pause", until=("life", PAUSED)),
    step("GET", "/connectors/life/status"),
    step("PUT", "/connectors/life/pause"),
    step("PUT", "/connectors/life/resume", until=("life", RUNNING)),
    step("POST", "/connectors/life/restart"),
    step("GET", "/connectors/life/status", compare=SHAPE, until=("life", RUNNING)),
    step("POST", "/connectors/life/restart?includeTasks=true&onlyFailed=true", compare=SHAPE, until=("life", RUNNING)),
    step("POST", "/connectors/life/restart?includeTasks=true", compare=SHAPE, until=("life", RUNNING)),
    step("POST", "/connectors/life/restart?includeTasks=perhaps", compare=STATUS),
    step("POST", "/connectors/life/tasks/0/restart", until=("life", RUNNING)),
    step("POST", "/connectors/life/tasks/7/restart"),
]

OFFSETS = [
    step("GET", "/connectors/life/topics", until=("life", "READ")),
    step("GET", "/connectors/life/topics"),
    step("PUT", "/connectors/life/topics/reset"),
    step("GET", "/connectors/life/offsets"),
    step("PATCH", "/connectors/life/offsets", {"offsets": [{"partition": {"kafka_topic": "numbers", "kafka_partition": 0}, "offset": {"kafka_offset": 2}}]}),
    step("DELETE", "/connectors/life/offsets"),
    step("PUT", "/connectors/life/stop", until=("life", STOPPED)),
    step("GET", "/connectors/life/status"),
    step("GET", "/connectors/life/tasks"),
    step("GET", "/connectors/life"),
    step("PATCH", "/connectors/life/offsets", {"offsets": []}),
    step("PATCH", "/connectors/life/offsets", {}),
    step("PATCH", "/connectors/life/offsets", {"offsets": [{"partition": {"topic": "numbers"}, "offset": {"kafka_offset": 2}}]}),
    step("PATCH", "/connectors/life/offsets", {"offsets": [{"partition": {"kafka_topic": "numbers"}, "offset": {"kafka_offset": 2}}]}),
    step("PATCH", "/connectors/life/offsets", {"offsets": [{"partition": {"kafka_topic": "numbers", "kafka_partition": "x"}, "offset": {"kafka_offset": 2}}]}),
    step("PATCH", "/connectors/life/offsets", {"offsets": [{"partition": {"kafka_topic": "numbers", "kafka_partition": 0}, "offset": {"offset": 2}}]}),
    step("PATCH", "/connectors/life/offsets", {"offsets": [{"partition": {"kafka_topic": "numbers", "kafka_partition": 0}, "offset": {"kafka_offset": "x"}}]}),
    step("PATCH", "/connectors/life/offsets", {"offsets": [{"partition": {"kafka_topic": "numbers", "kafka_partition": 0}, "offset": {"kafka_offset": 2}}]}),
    step("GET", "/connectors/life/offsets"),
    step("PATCH", "/connectors/life/offsets", {"offsets": [{"partition": {"kafka_topic": "numbers", "kafka_partition": 0}, "offset": None}]}),
    step("GET", "/connectors/life/offsets", compare=STATUS),
    step("DELETE", "/connectors/life/offsets"),
    step("GET", "/connectors/life/offsets"),
    step("POST", "/connectors/life/restart", compare=STATUS),
    step("POST", "/connectors/life/tasks/0/restart", compare=STATUS, ours=404),
    step("PUT", "/connectors/life/resume", until=("life", RUNNING)),
    step("DELETE", "/connectors/life"),
    step("DELETE", "/connectors/life"),
    step("GET", "/connectors"),
]

STATES = [
    step("POST", "/connectors", {"name": "waits", "config": sink(), "initial_state": "STOPPED"}, until=("waits", STOPPED)),
    step("GET", "/connectors/waits/status"),
    step("GET", "/connectors/waits/tasks"),
    step("DELETE", "/connectors/waits"),
    step("POST", "/connectors", {"name": "rests", "config": sink(), "initial_state": "paused"}, until=("rests", PAUSED)),
    step("GET", "/connectors/rests/status"),
    step("DELETE", "/connectors/rests"),
    step("POST", "/connectors", {"name": "a name of words", "config": sink()}, STATUS, until=("a name of words", RUNNING)),
    step("GET", "/connectors/a%20name%20of%20words/config", compare=STATUS),
    step("DELETE", "/connectors/a%20name%20of%20words", compare=STATUS),
    step("POST", "/connectors", {"name": "from", "config": {"connector.class": SOURCE, "topic": "made"}}, until=("from", RUNNING)),
    step("GET", "/connectors/from/status"),
    step("GET", "/connectors/from/offsets", compare=STATUS),
    step("DELETE", "/connectors/from"),
]

WORKER = [
    step("GET", "/", compare=SHAPE),
    step("GET", "/health"),
    step("GET", "/connectors"),
    step("GET", "/admin/loggers/root"),
    step("GET", "/admin/loggers/no.such.logger"),
    step("PUT", "/admin/loggers/root", {"level": "strange"}),
    step("PUT", "/admin/loggers/root", {}),
    step("PUT", "/admin/loggers/root", {"level": "DEBUG"}, STATUS),
    step("GET", "/admin/loggers/root", compare=SHAPE),
    step("PUT", "/admin/loggers/root?scope=worker", {"level": "INFO"}, STATUS),
    step("PUT", "/admin/loggers/root?scope=cluster", {"level": "INFO"}, STATUS),
    step("PUT", "/admin/loggers/root?scope=strange", {"level": "INFO"}, STATUS),
    step("GET", "/admin/loggers", compare=STATUS),
    step("POST", "/connectors/life", {}, STATUS),
    step("DELETE", "/connectors", compare=STATUS),
    step("PUT", "/connectors", {}, STATUS),
]

DIALOGUES = {"worker": WORKER, "nobody": NOBODY, "plugins": PLUGINS, "refused": REFUSED, "life": LIFE, "offsets": OFFSETS, "states": STATES}


class Asker:
    """Asks one side. `classes`: {SINK: name, SOURCE: name}; `needs`: {class name: properties that the class needs}; `waits`: how `READ` is known."""

    def __init__(self, url, classes, needs, has_read):
        self.url, self.classes, self.needs, self.has_read = url, classes, needs, has_read

    def filled(self, text):
        for stands, name in self.classes.items():
            text = text.replace(stands, name)
        return text

    def body(self, step):
        body = step["body"]
        if body is None or isinstance(body, str):
            return body
        body = json.loads(self.filled(json.dumps(body)))
        config = body.get("config", body)
        name = str(body.get("name") or step["path"].split("/")[2:3]).replace(" ", "_")
        if isinstance(config, dict):
            needs = self.needs.get(config.get("connector.class"), {})
            config.update({key: value.replace(NAME, name.strip("[]'")) for key, value in needs.items()})
        return body

    def state_is(self, name, state):
        status, said = ask(self.url, "GET", f"/connectors/{urllib.parse.quote(name, safe='')}/status")
        if status != 200:
            return False
        tasks = [task["state"] for task in said["tasks"]]
        if state == RUNNING and not tasks:
            return False
        return said["connector"]["state"] == state and set(tasks) <= {state} and not (state == STOPPED and tasks)

    def ask(self, step):
        status, body = ask(self.url, step["method"], self.filled(step["path"]), self.body(step))
        if step["until"]:
            name, state = step["until"]
            deadline = time.monotonic() + 60
            while not (self.has_read(name) if state == "READ" else self.state_is(name, state)):
                assert time.monotonic() < deadline, (step, ask(self.url, "GET", f"/connectors/{urllib.parse.quote(name, safe='')}/status"))
                time.sleep(0.05)
        return {"status": status, "body": self.neutral(body)}

    def neutral(self, value):
        """Without what each side is free to say: names of classes, who answers, what a class needs of its own."""
        own = {key for needs in self.needs.values() for key in needs}
        if isinstance(value, dict):
            said = {key: self.neutral(item) for key, item in value.items() if key not in own}
            for key in ("worker_id", "version", "trace", "last_modified", "commit", "kafka_cluster_id"):
                if key in said and said[key] is not None:
                    said[key] = key
            return dict(sorted(said.items()))
        if isinstance(value, list):
            return [self.neutral(item) for item in value]
        if isinstance(value, str):
            for stands, name in self.classes.items():
                value = value.replace(name, stands)
        return value


def shape(value, path=""):
    """(path, type) of everything in it; all items of a list have one path."""
    if isinstance(value, dict):
        return {(path, "object")}.union(*(shape(item, f"{path}.{key}") for key, item in value.items()))
    if isinstance(value, list):
        return {(path, "list")}.union(*(shape(item, path + "[]") for item in value))
    return {(path, type(value).__name__)}


def same_shape(theirs, ours):
    """Every key of theirs is in ours and none besides; a value is of a type that theirs has there. What only lists hold may be missing. A property
    without a default has no value: the file connectors have none of the kind."""
    theirs, ours = shape(theirs), shape(ours) - {(".configs[].value.value", "NoneType")}
    keys = {path for path, _ in theirs if not path.endswith("[]")}
    return ours <= theirs and keys == {path for path, _ in ours if not path.endswith("[]")}
