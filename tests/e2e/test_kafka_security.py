"""TLS and every SASL mechanism against a real broker; what refuses us is said in one sentence, and no secret in any."""

import base64
import http.server
import json
import pathlib
import re
import sys
import threading
import time

import pytest

from oracle import Lake, compare

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/services"))

from certificates import certificates  # noqa: E402
from kafka import Kafka, free_port  # noqa: E402

confluent_kafka = pytest.importorskip("confluent_kafka")
pytest.importorskip("confluent_kafka.admin")
pytestmark = pytest.mark.skipif(not (ROOT / ".deps/kafka").exists(), reason="scripts/setup --servers fetches Kafka")

MODULES = "org.apache.kafka.common.security"
PASSWORD = "pass-w0rd"


def text(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class TokenServer(http.server.BaseHTTPRequestHandler):
    left = None  # so many tokens are given, and then errors, which say what they were asked
    status = 500

    def do_POST(self):
        cls = type(self)
        if cls.left is not None:
            cls.left -= 1
            if cls.left < 0:
                return self.answer(cls.status, json.dumps({"error": "server_error", "error_description": self.headers["Authorization"] + PASSWORD}).encode())
        given = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        now = int(time.time())
        token = f"{text({'alg': 'none'})}.{text({'sub': 'millrace', 'scope': 'kafka', 'iat': now, 'exp': now + 300})}."
        body = json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 300}).encode()
        self.answer(200 if given == f"millrace:{PASSWORD}" else 401, body)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("secured")
    certificates(folder, "broker")
    kafka = Kafka(folder / "kafka")
    kafka.secure_port, kafka.folder_of_certificates = free_port(), folder
    plain, controller = kafka.ports[0], kafka.controllers[0]
    login = "listener.name.sasl_ssl"
    kafka.settings = {
        "listeners": f"PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},SASL_SSL://127.0.0.1:{kafka.secure_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{kafka.secure_port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "true",
        "super.users": "User:ANONYMOUS",  # brokers, and whoever comes by the plain listener
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder / "broker.pem",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        f"{login}.plain.sasl.jaas.config": f'{MODULES}.plain.PlainLoginModule required user_millrace="{PASSWORD}";',
        f"{login}.scram-sha-256.sasl.jaas.config": f"{MODULES}.scram.ScramLoginModule required;",
        f"{login}.scram-sha-512.sasl.jaas.config": f"{MODULES}.scram.ScramLoginModule required;",
        f"{login}.oauthbearer.sasl.jaas.config": f'{MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
    }
    tokens = http.server.ThreadingHTTPServer(("127.0.0.1", 0), TokenServer)
    kafka.token_uri = f"http://127.0.0.1:{tokens.server_port}/token"
    threading.Thread(target=tokens.serve_forever, daemon=True).start()
    with kafka:
        admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": kafka.bootstrap})
        kinds = confluent_kafka.admin.ScramMechanism
        users = [
            confluent_kafka.admin.UserScramCredentialUpsertion("millrace", confluent_kafka.admin.ScramCredentialInfo(kind, 4096), PASSWORD.encode())
            for kind in (kinds.SCRAM_SHA_256, kinds.SCRAM_SHA_512)
        ]
        for user in users:
            for future in admin.alter_user_scram_credentials([user]).values():
                future.result(30)
        yield kafka
    tokens.shutdown()


def config(millrace, kafka, sasl, ca="ca.pem"):
    millrace.write(
        "millrace.yaml",
        f"""
name: {millrace.folder.name[-20:]}
stream:
  kafka:
    brokers: "127.0.0.1:{kafka.secure_port}"
    tls: {{ ca_file: {kafka.folder_of_certificates}/{ca} }}
    sasl: {sasl}
sources: {{ in: {{ file: {{ path: in.jsonl }}, topic: {topic(millrace)} }} }}
tables: {{ silver.events: {{ from: {topic(millrace)} }} }}
""",
    )
    millrace.write("in.jsonl", "".join(json.dumps({"id": i}) + "\n" for i in range(500)))


def topic(millrace):
    return "t-" + millrace.folder.name[-20:].strip("_")


PASSWORD_LOGIN = '{{ mechanism: {0}, username: millrace, password: {{ secret: "env:PASSWORD" }} }}'


def login(kafka, mechanism):
    if mechanism == "OAUTHBEARER":
        return f'{{ mechanism: OAUTHBEARER, oauth2: {{ client_id: millrace, client_secret: {{ secret: "env:PASSWORD" }}, server_uri: "{kafka.token_uri}" }} }}'
    return PASSWORD_LOGIN.format(mechanism)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"])
def test_lands_over_tls_and(millrace, secured, mechanism):
    config(millrace, secured, login(secured, mechanism))
    said = millrace.run("run", "--until-idle", env={"PASSWORD": PASSWORD}).stderr
    compare(range(500), (row["id"] for row in Lake(millrace.folder / "millrace-data").walk("silver.events")))
    assert PASSWORD not in said


@pytest.mark.parametrize("given", [0, 1, 2, 3])
def test_a_token_server_that_fails_is_named_and_outlasts_no_timeout(millrace, secured, monkeypatch, given):
    """It fails for whichever of the clients of a run comes next: the run ends with its time, long before librdkafka would, and says who answered what; a stop ends it as well."""
    config(millrace, secured, login(secured, "OAUTHBEARER"))
    environment = {"PASSWORD": PASSWORD}
    monkeypatch.setattr(TokenServer, "left", given)
    ended = millrace.run("run", "--until-idle", "--timeout", "4s", env=environment, expect=None, timeout=90)
    assert f"the token server {secured.token_uri} answers 500 and gives no token" in ended.stderr and ended.returncode in (1, 69), ended.stderr
    assert PASSWORD not in ended.stderr and base64.b64encode(f"millrace:{PASSWORD}".encode()).decode() not in ended.stderr
    if given != 2:
        return
    monkeypatch.setattr(TokenServer, "left", given)
    process = millrace.start("run", env=environment)
    time.sleep(4)
    process.terminate()
    said = process.communicate(timeout=90)[1]
    assert f"the token server {secured.token_uri} answers 500" in said and PASSWORD not in said
    monkeypatch.setattr(TokenServer, "left", 0)
    monkeypatch.setattr(TokenServer, "status", 401)
    said = millrace.run("run", "--until-idle", env={"PASSWORD": PASSWORD}, expect=78, timeout=90).stderr
    assert f"the token server {secured.token_uri} answers 401" in said and "client_secret" in said and PASSWORD not in said


def test_certificates_of_the_system_are_asked_when_none_are_given(millrace, secured):
    config(millrace, secured, login(secured, "SCRAM-SHA-512"))
    path = millrace.folder / "millrace.yaml"
    text = path.read_text()
    bare = re.sub(r"tls: \{ ca_file: [^}]*\}", "tls: {}", text)
    assert bare != text
    path.write_text(bare)
    # The broker's are of an authority that nobody knows.
    keys = {"PASSWORD": PASSWORD}
    assert "certificate" in millrace.run("run", "--until-idle", env=keys, expect=78).stderr
    millrace.run("run", "--until-idle", env={**keys, "SSL_CERT_FILE": str(secured.folder_of_certificates / "ca.pem")})


def test_a_wrong_password_or_certificate_is_one_sentence(millrace, secured):
    config(millrace, secured, login(secured, "SCRAM-SHA-512"))
    said = millrace.run("run", env={"PASSWORD": "other-w0rd"}, expect=78).stderr
    assert "refuse this client" in said and "other-w0rd" not in said and len(said.strip().splitlines()) == 1
    config(millrace, secured, login(secured, "SCRAM-SHA-512"), ca="broker.crt")
    said = millrace.run("run", env={"PASSWORD": PASSWORD}, expect=78).stderr
    assert "certificate" in said and PASSWORD not in said


def test_doctor_names_the_right_that_is_missing(millrace, secured):
    from confluent_kafka.admin import AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient, NewTopic, ResourcePatternType, ResourceType

    config(millrace, secured, login(secured, "SCRAM-SHA-512"))
    admin = AdminClient({"bootstrap.servers": secured.bootstrap})
    admin.create_topics([NewTopic(topic(millrace), 1, 1)])[topic(millrace)].result(30)
    look = lambda expect, password=PASSWORD: [
        (found["verdict"], found["says"], found["do"])
        for found in json.loads(millrace.run("doctor", "--json", "--only", "stream", env={"PASSWORD": password}, expect=expect).stdout)
    ]
    assert f"topic {topic(millrace)}: this user may read and write" in str(look(0))
    refused = look(1, "other-w0rd")
    assert "refuse this client" in refused[0][1] and "other-w0rd" not in str(refused) and PASSWORD not in str(refused)
    place = (ResourceType.TOPIC, topic(millrace), ResourcePatternType.LITERAL, "User:millrace", "*")
    rules = [(AclOperation.READ, AclPermissionType.ALLOW), (AclOperation.DESCRIBE, AclPermissionType.ALLOW)]
    for future in admin.create_acls([AclBinding(*place, *rule) for rule in rules]).values():
        future.result(30)
    try:
        deadline = time.monotonic() + 30
        while "this user lacks WRITE" not in str(found := look(None)):  # brokers hear of it a moment later
            assert time.monotonic() < deadline, found
        assert "kafka-acls.sh --add --operation WRITE" in str(found)
    finally:
        for future in admin.delete_acls([AclBindingFilter(*place, *rule) for rule in rules]).values():
            future.result(30)
