"""Every option that is a secret, each with a word of its own, through peers that fail and that say back what they were sent: found nowhere afterwards."""

import base64
import concurrent.futures
import http.server
import json
import re
import subprocess
import threading
import urllib.request

import conftest
import pytest
from test_observe import running, wait_until

class Echo:
    """Refuses everything, and says back all that it was sent."""

    def __init__(self):
        self.said = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sent = f"{self.path} {dict(self.headers)} {body.decode(errors='replace')}"
                outer.said.append(sent)
                again = self.path.startswith(("/one", "/two", "/three"))
                # A 500 of a token server is tried again for longer than is waited here.
                status = 401 if self.path.startswith("/token") or (len(outer.said) % 2 and not again) else 500
                xml = f"<Error><Code>AccessDenied</Code><Message>{sent.replace('<', ' ').replace('&', ' ')}</Message></Error>".encode()
                reply = xml if "x-amz-content-sha256" in str(self.headers).lower() else json.dumps({"message": sent, "error": {"message": sent, "type": "x", "code": status}, "__type": sent}).encode()
                self.send_response(status, "no")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def echo():
    made = Echo()
    yield made
    made.server.shutdown()


def forms(word):
    """How a word may look inside of something longer."""
    yield word
    yield word.encode().hex()
    for shift in range(3):
        coded = base64.b64encode(b"x" * shift + word.encode()).decode()
        yield coded[4 if shift else 0 : len(coded) - 4]


def secret_options(millrace):
    """The paths of all options of the schema that are secrets; `*` is any name."""
    schema = json.loads(millrace.run("docs", "schema").stdout)
    found = set()

    def walk(node, path):
        if node.get("pattern") == "^(env|file):":
            found.add(".".join(path[:-1]))
            return
        for name, below in node.get("properties", {}).items():
            walk(below, [*path, name])
        if isinstance(node.get("additionalProperties"), dict):
            walk(node["additionalProperties"], [*path, "*"])
        for below in node.get("anyOf", []):
            walk(below, path)

    walk(schema, [])
    return found


def keys(prefix, *names):
    return ", ".join(f'{name}: {{ secret: "env:{prefix}_{name.upper()}" }}' for name in names)


AWS = ("access_key", "secret_key", "session_token")
HEAD = "name: hush\ndata_dir: data\n"
SOURCE = HEAD + "sources: { numbers: { generator: { kind: users, rows: 20 }, topic: numbers } }\n"
TABLE = "tables: { silver.n: { from: numbers } }\n"
POLL = """name: hush
data_dir: data
sources:
  one: { http_poll: { url: "ECHO/one", every: 100ms, allow_private: true, auth: { bearer: { secret: "env:ONE" } } }, topic: one }
  two: { http_poll: { url: "ECHO/two", every: 100ms, allow_private: true, auth: { basic: { username: u, password: { secret: "env:TWO" } } } }, topic: two }
  three: { http_poll: { url: "ECHO/three", every: 100ms, allow_private: true, auth: { api_key: { header: X-Key, value: { secret: "env:THREE" } } } }, topic: three }
tables: { silver.one: { from: one }, silver.two: { from: two }, silver.three: { from: three } }
server: { listen: "127.0.0.1:0", audit: { file: audit.jsonl }, tokens: { ops: { token: { secret: "env:OPS" }, roles: [admin] } } }
"""
POLL_SECRETS = {
    "ONE": "sources.*.http_poll.auth.bearer",
    "TWO": "sources.*.http_poll.auth.basic.password",
    "THREE": "sources.*.http_poll.auth.api_key.value",
    "OPS": "server.tokens.*.token",
}
# name: (configuration, the secret option that each variable is)
SCENARIOS = {
    "poll_refused": (POLL.replace("ECHO/", "ECHO/refused/"), POLL_SECRETS),
    "mongodb_source": (HEAD + 'sources: { m: { mongodb: { uri: { secret: "env:URI" }, database: d, collection: c }, topic: m } }\n' + TABLE.replace("numbers", "m"), {"URI": "sources.*.mongodb.uri"}),
    "mongodb": (SOURCE + 'documents: { d: { from: numbers, mongodb: { uri: { secret: "env:URI" }, database: d } } }\n', {"URI": "documents.*.mongodb.uri"}),
    "dynamodb": (
        SOURCE + f'documents: {{ d: {{ from: numbers, key: [id], dynamodb: {{ endpoint: "ECHO", region: r, table: t, {keys("D", *AWS)} }} }} }}\n',
        {f"D_{name.upper()}": f"documents.*.dynamodb.{name}" for name in AWS},
    ),
    "firestore": (
        SOURCE + 'documents: { d: { from: numbers, key: [id], firestore: { project: p, endpoint: "https://127.0.0.1:1", api: rest, credentials: { secret: "env:ACCOUNT" } } } }\n',
        {"ACCOUNT": "documents.*.firestore.credentials"},
    ),
    "s3": (SOURCE + TABLE + f'lake: {{ warehouse: "s3://lake/wh", s3: {{ endpoint: "ECHO", region: r, {keys("S", *AWS)} }} }}\n', {f"S_{name.upper()}": f"lake.s3.{name}" for name in AWS}),
    "glue": (
        SOURCE + TABLE + f'lake: {{ warehouse: wh, catalog: {{ glue: {{ endpoint: "ECHO", region: r, {keys("G", *AWS)} }} }} }}\n',
        {f"G_{name.upper()}": f"lake.catalog.glue.{name}" for name in AWS},
    ),
    "hive": (
        SOURCE + f'tables: {{ bronze.n: {{ from: numbers, files: {{ glue: {{ server: {{ endpoint: "ECHO", region: r, {keys("H", *AWS)} }} }} }} }} }}\n',
        {f"H_{name.upper()}": f"tables.*.files.glue.server.{name}" for name in AWS},
    ),
    "files": (
        SOURCE + f'tables: {{ bronze.n: {{ from: numbers, files: {{ location: "s3://raw/n", s3: {{ endpoint: "ECHO", region: r, {keys("F", *AWS)} }} }} }} }}\n',
        {f"F_{name.upper()}": f"tables.*.files.s3.{name}" for name in AWS},
    ),
    "catalogue_token": (SOURCE + TABLE + 'lake: { warehouse: wh, catalog: { rest: { uri: "ECHO", token: { secret: "env:CATALOG" } } } }\n', {"CATALOG": "lake.catalog.rest.token"}),
    "catalogue_client": (
        SOURCE + TABLE + 'lake: { warehouse: wh, catalog: { rest: { uri: "ECHO", oauth2: { client_id: c, client_secret: { secret: "env:CLIENT" } } } } }\n',
        {"CLIENT": "lake.catalog.rest.oauth2.client_secret"},
    ),
    "registry_password": (
        SOURCE + 'schema_registry: { url: "ECHO", username: u, password: { secret: "env:REGISTRY" } }\ntables: { silver.n: { from: numbers, format: avro } }\n',
        {"REGISTRY": "schema_registry.password"},
    ),
    "registry_token": (
        SOURCE + 'schema_registry: { url: "ECHO", token: { secret: "env:REGISTRY" } }\ntables: { silver.n: { from: numbers, format: avro } }\n',
        {"REGISTRY": "schema_registry.token"},
    ),
    "kafka": (
        SOURCE + TABLE + 'stream: { kafka: { brokers: "127.0.0.1:1", tls: { ca_file: client.pem, certificate_file: client.pem, key_file: client.key, key_password: { secret: "env:KEY" } }, '
        'sasl: { username: u, password: { secret: "env:SASL" } } } }\n',
        {"KEY": "stream.kafka.tls.key_password", "SASL": "stream.kafka.sasl.password"},
    ),
    "kafka_oauth2": (
        SOURCE + TABLE + 'stream: { kafka: { brokers: "127.0.0.1:1", sasl: { mechanism: OAUTHBEARER, oauth2: { server_uri: "ECHO/token", client_id: c, client_secret: { secret: "env:CLIENT" } } } } }\n',
        {"CLIENT": "stream.kafka.sasl.oauth2.client_secret"},
    ),
    "kinesis": (SOURCE + TABLE + f'stream: {{ kinesis: {{ endpoint: "ECHO", region: r, {keys("K", *AWS)} }} }}\n', {f"K_{name.upper()}": f"stream.kinesis.{name}" for name in AWS}),
    "telemetry": (
        SOURCE + TABLE + 'traces: { endpoint: "ECHO", token: { secret: "env:TRACES" } }\nlineage: { url: "ECHO", api_key: { secret: "env:LINEAGE" } }\n',
        {"TRACES": "traces.token", "LINEAGE": "lineage.api_key"},
    ),
    "spark": (SOURCE + TABLE + 'lake: { warehouse: wh, catalog: { rest: { uri: "ECHO" } } }\nmodels: models\nmodel_engine: spark\nspark: { remote: "sc://127.0.0.1:1", token: { secret: "env:SPARK" } }\n', {"SPARK": "spark.token"}),
}


def account(word, echo):
    """A service account's key file whose key has the word in it."""
    pem = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], capture_output=True, text=True, check=True).stdout
    return json.dumps({"type": "service_account", "client_email": "a@b.c", "private_key_id": word, "private_key": pem.replace("\n", f"\n{word}\n", 1), "token_uri": echo.url + "/token"})


def canaries(secrets, echo):
    """(what each variable is, the words that must be nowhere)"""
    words = {name: f"canary{name.replace('_', '')}5f2a9c1e7b3d4860" for name in secrets}
    values = dict(words)
    if "URI" in values:
        values["URI"] = f"mongodb://user:{words['URI']}@127.0.0.1:1/?serverSelectionTimeoutMS=300"
    if "ACCOUNT" in values:
        values["ACCOUNT"] = account(words["ACCOUNT"], echo)
    return values, words


def found_in(folder, said, words):
    """Where a word is, that should be nowhere."""
    places = {"said": said.encode(), **{str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}}
    return [(name, form, place, text[max(0, text.index(form.encode()) - 200) :][:300]) for name, word in words.items() for form in forms(word) for place, text in places.items() if form.encode() in text]


def suffer(folder, name, echo):
    """Runs a pipeline against peers that refuse; what was found of its secrets, and what it said."""
    millrace = conftest.Millrace(folder / name)
    config, secrets = SCENARIOS[name]
    millrace.write("millrace.yaml", config.replace("ECHO", echo.url))
    millrace.write("models/gold/n.sql", "-- materialized: table\nSELECT count(*) AS n FROM silver.n\n")
    if name == "kafka":
        for file in ("client.pem", "client.key"):
            millrace.write(file, "not a key\n")
    env, words = canaries(secrets, echo)
    said = ""
    for verb in (("check",), ("status", "--why", "--json"), ("tables", "list", "--json")):
        done = millrace.run(*verb, env=env, expect=None, timeout=60)
        said += done.stdout + done.stderr
        assert verb != ("check",) or done.returncode == 0, said
    process = millrace.start("run", "--for", "1s", "--timeout", "2s", env=env)
    try:
        out, err = process.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    return found_in(millrace.folder, said + out + err, words), said + out + err


def test_every_secret_option_is_in_a_test(millrace):
    covered = set(POLL_SECRETS.values()).union(*(secrets.values() for _, secrets in SCENARIOS.values()))
    assert secret_options(millrace) == covered


def test_failures_tell_no_secret(tmp_path, echo):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        told = dict(zip(SCENARIOS, pool.map(lambda name: suffer(tmp_path, name, echo), SCENARIOS), strict=True))
    assert {name: found for name, (found, _) in told.items() if found} == {}
    silent = {name for name, (_, said) in told.items() if not any(word in said for word in ("401", "500", "127.0.0.1", "client.", "private_key", "OAUTHBEARER", "ssl.ca.location"))}
    assert silent <= {"registry_password", "registry_token"}, "each said what failed; registries are asked by records that name a schema, and none does"


def test_a_pipeline_that_runs_tells_no_secret(millrace, echo):
    """With the log at its finest: log, answers of every route, metrics, status, audit log, tables, files."""
    env, words = canaries(POLL_SECRETS, echo)
    shown = []
    with running(millrace, config=POLL.replace("ECHO", echo.url).replace("{", "{{").replace("}", "}}"), env=env) as pipeline:

        def ask(path, method="GET", body=None, token=words["OPS"]):
            request = urllib.request.Request(pipeline.url + path, data=body, method=method, headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    return "" if path.endswith("/events") else answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.read().decode()

        ask("/admin/loggers/root", "PUT", b'{"level": "TRACE"}')
        before = len(echo.said)
        wait_until(lambda: len(echo.said) > before + 6)
        ask("/metrics?token=" + words["OPS"], token="wrong" + words["OPS"])
        table = json.loads(ask("/api/v1/openapi.json"))
        for path, methods in table["paths"].items():
            for method in methods:
                body = None if method in ("get", "delete") else b'{"name": "x", "config": {"connector.class": "none"}}'
                shown.append(ask(re.sub(r"\{[^}]*\}", "one", path), method.upper(), body))
        shown += [ask(path) for path in ("/api/v1/logs", "/api/v1/status", "/metrics", "/api/v1/tables", "/health/ready")]
        done = millrace.run("status", "--why", "--json", env=env)
        pipeline.stop()
    assert "GET /metrics: 401" in pipeline.said, "the finest log tells of requests"
    assert all(word in "".join(echo.said) for name, word in words.items() if name in ("ONE", "THREE")), "the API was sent them"
    assert found_in(millrace.folder, pipeline.said + "".join(shown) + done.stdout + done.stderr, words) == []
