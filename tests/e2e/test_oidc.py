"""Tokens of an OpenID Connect issuer, which joserfc signs and which is asked over HTTPS; clients that come by their certificates."""

import base64
import datetime
import hmac
import http.server
import json
import pathlib
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from test_observe import running, wait_until

CONFIG = "name: oidc\ndata_dir: data\nserver: {server}\n"
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]


def certificate(folder, name, *options):
    """PEM files of a key and of what it is called, by itself or by an authority."""
    paths = [folder / f"{name}.pem", folder / f"{name}.key"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-keyout", paths[1], "-out", paths[0], *options],
        check=True, capture_output=True,
    )  # fmt: skip
    return paths


class Issuer:
    """Discovery and keys over HTTPS, and the tokens."""

    def __init__(self, folder):
        self.keys = {
            "r": RSAKey.generate_key(2048),
            "e": ECKey.generate_key("P-256"),
            "o": OKPKey.generate_key("Ed25519"),
        }
        self.shown, self.asked = ["r", "e", "o"], 0
        self.ca, key = certificate(folder, "issuer", "-subj", "/CN=issuer", "-addext", "subjectAltName=DNS:localhost")
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = {"/realm/.well-known/openid-configuration": outer.discovery, "/keys": outer.key_set}.get(self.path)
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(json.dumps(found() if found else {}).encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = f"https://localhost:{self.server.server_address[1]}"
        self.url = self.base + "/realm"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def discovery(self):
        return {"issuer": self.url, "jwks_uri": self.base + "/keys"}

    def key_set(self):
        self.asked += 1
        return {"keys": [{**self.keys[name].as_dict(private=False), "kid": name} for name in self.shown]}

    def token(self, kid="r", alg="RS256", key=None, header=None, **claims):
        now = int(time.time())
        claims = {"iss": self.url, "aud": ["other", "millrace"], "sub": "ann", "iat": now, "exp": now + 600, "groups": {"all": ["seers"]}, **claims}
        header = {"alg": alg, "kid": kid, **(header or {})}
        return jwt.encode({k: v for k, v in header.items() if v is not None}, {k: v for k, v in claims.items() if v is not None}, key or self.keys[kid], algorithms=ALGORITHMS)

    def close(self):
        self.server.shutdown()


@pytest.fixture
def issuer(tmp_path):
    made = Issuer(tmp_path)
    yield made
    made.close()


def by_hand(token, header, sign):
    """The same claims under another header, signed by what no library would sign with."""

    def coded(data):
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    text = coded(json.dumps(header).encode()) + "." + token.split(".")[1]
    return f"{text}.{coded(sign(text.encode()))}"


@pytest.mark.filterwarnings("ignore")
def test_tokens_of_an_issuer(millrace, issuer):
    server = (
        f'{{ listen: "127.0.0.1:0", audit: {{ file: audit.jsonl }}, limits: {{ failures_per_minute: 1000000 }}, oidc: {{ issuer: "{issuer.url}", audience: millrace, '
        f"ca: {issuer.ca}, roles_claim: groups.all, roles: {{ seers: [read], doers: [operate, query] }} }} }}"
    )
    with running(millrace, config=CONFIG, server=server) as pipeline:

        def status(token, path="/metrics", method="GET"):
            request = urllib.request.Request(pipeline.url + path, headers={"Authorization": "Bearer " + token}, method=method)
            try:
                return urllib.request.urlopen(request, timeout=20).status
            except urllib.error.HTTPError as error:
                return error.code

        wait_until(lambda: status(issuer.token()) == 200)
        now = int(time.time())
        good = {
            "ES256": issuer.token("e", "ES256"),
            "PS256": issuer.token("r", "PS256"),
            "EdDSA": issuer.token("o", "EdDSA"),
            "without kid": issuer.token(header={"kid": None}),
            "one audience": issuer.token(aud="millrace"),
            "within the leeway": issuer.token(exp=now - 20, nbf=now + 20),
        }
        assert {name: status(token) for name, token in good.items()} == dict.fromkeys(good, 200)
        public_key = issuer.keys["r"].as_pem(private=False)

        def rsa(text):
            return issuer.keys["r"].private_key.sign(text, padding.PKCS1v15(), hashes.SHA256())

        assert status(by_hand(issuer.token(), {"alg": "RS256", "kid": "r"}, rsa)) == 200
        wrong = {
            "expired": issuer.token(exp=now - 300),
            "without exp": issuer.token(exp=None),
            "exp as text": issuer.token(exp="never"),
            "not yet": issuer.token(nbf=now + 300),
            "of the future": issuer.token(iat=now + 300),
            "another issuer": issuer.token(iss="https://evil.example"),
            "another audience": issuer.token(aud="other"),
            "no audience": issuer.token(aud=None),
            "nobody": issuer.token(sub=None),
            "another key": issuer.token(key=RSAKey.generate_key(2048)),
            "HS256 by the public key": by_hand(issuer.token(), {"alg": "HS256", "kid": "r"}, lambda text: hmac.digest(public_key, text, "sha256")),
            "none": by_hand(issuer.token(), {"alg": "none", "kid": "r"}, lambda _: b""),
            "changed": issuer.token()[:-10] + "AAAAAAAAAA",
            "the other key's id": issuer.token("e", "ES256", header={"kid": "r"}),
            "critical": by_hand(issuer.token(), {"alg": "RS256", "kid": "r", "crit": ["exp"], "exp": 1}, rsa),
        }
        assert {name: status(token) for name, token in wrong.items()} == dict.fromkeys(wrong, 401)
        doer = issuer.token(groups={"all": ["doers", "admin", "*"]})
        assert status(doer) == 403 and status(doer, "/connectors/x/pause", "PUT") == 404 and status(doer, "/admin/loggers/root", "PUT") == 403
        assert status(issuer.token(groups={"all": "none of them"})) == 403

        issuer.keys["new"] = ECKey.generate_key("P-256")
        issuer.shown = ["new"]
        fresh = issuer.token("new", "ES256")
        wait_until(lambda: status(fresh) == 200)
        assert status(issuer.token()) == 401, "a key that is shown no more"
        asked = issuer.asked
        for i in range(50):
            assert status(issuer.token("new", "ES256", header={"kid": f"unknown-{i}"})) in (401, 503)
        assert issuer.asked <= asked + 2, "nobody makes it ask without end"
        pipeline.stop()
        audit = (millrace.folder / "audit.jsonl").read_text()
        assert '"who":"oidc:ann"' in audit
        for token in [*good.values(), *wrong.values(), fresh, doer]:
            assert token not in audit + pipeline.said and (token.split(".")[2] or "-/-") not in audit + pipeline.said


def test_clients_come_by_their_certificates(millrace, tmp_path):
    cert, key = certificate(tmp_path, "server", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    ca, ca_key = certificate(tmp_path, "ca", "-subj", "/CN=clients")
    signed = ("-CA", ca, "-CAkey", ca_key)
    clients = {
        "loader": certificate(tmp_path, "loader", "-subj", "/CN=loader", *signed),
        "spiffe": certificate(tmp_path, "spiffe", "-subj", "/O=none", "-addext", "subjectAltName=URI:spiffe://example.com/ops", *signed),
        "unknown": certificate(tmp_path, "unknown", "-subj", "/CN=unknown", *signed),
        "false": certificate(tmp_path, "false", "-subj", "/CN=loader"),
    }
    tls = (
        f'tls: {{ certificate: {cert}, key: {key}, client_ca: {ca}, client_certificates: {{}}, clients: {{ loader: {{ certificate: "CN:loader", roles: [operate] }}, '
        'ops: { certificate: "URI:spiffe://example.com/ops", roles: [admin] } } }'
    )

    def ask(url, client, path="/metrics", method="GET"):
        context = ssl.create_default_context(cafile=cert)
        if client:
            context.load_cert_chain(*clients[client])
        try:
            return urllib.request.urlopen(urllib.request.Request(url + path, method=method), timeout=20, context=context).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:  # the connection ended
            return None

    with running(millrace, config=CONFIG, server=f'{{ listen: "127.0.0.1:0", {tls}, audit: {{ file: audit.jsonl }} }}'.replace("{}", "optional")) as pipeline:
        assert [ask(pipeline.url, client) for client in (None, "loader", "spiffe", "unknown", "false")] == [401, 403, 200, 403, None]
        assert ask(pipeline.url, "loader", "/connectors/x/pause", "PUT") == 404
        assert ask(pipeline.url, None, "/health/live") == 200
        assert [json.loads(line).get("who") for line in (millrace.folder / "audit.jsonl").read_text().splitlines()] == [None, "loader", None, "loader"]
    with running(millrace, config=CONFIG, server=f'{{ listen: "127.0.0.1:0", {tls} }}'.replace("{}", "required")) as pipeline:
        assert [ask(pipeline.url, client, "/health/live") for client in (None, "false", "unknown")] == [None, None, 200]


def test_a_certificate_is_taken_back(millrace, tmp_path):
    """A list takes effect when its file changes; one that cannot be read changes nothing, one that is too old lets nobody in."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    cert, key = certificate(tmp_path, "server", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    ca, ca_key = certificate(tmp_path, "ca", "-subj", "/CN=clients")
    clients = {name: certificate(tmp_path, name, "-subj", f"/CN={name}", "-CA", ca, "-CAkey", ca_key) for name in ("loader", "other")}
    authority = x509.load_pem_x509_certificate(pathlib.Path(ca).read_bytes())
    signer = serialization.load_pem_private_key(pathlib.Path(ca_key).read_bytes(), None)
    file = tmp_path / "crl.pem"

    def write(*revoked, days=1):
        now = datetime.datetime.now(datetime.timezone.utc)
        made = x509.CertificateRevocationListBuilder().issuer_name(authority.subject).last_update(now - datetime.timedelta(days=9)).next_update(now + datetime.timedelta(days=days))
        for name in revoked:
            serial = x509.load_pem_x509_certificate(pathlib.Path(clients[name][0]).read_bytes()).serial_number
            made = made.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build())
        beside = tmp_path / "crl.new"
        beside.write_bytes(made.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        beside.rename(file)

    def ask(url, client):
        context = ssl.create_default_context(cafile=cert)
        context.load_cert_chain(*clients[client])
        try:
            return urllib.request.urlopen(url + "/metrics", timeout=20, context=context).status
        except OSError:  # the connection ended
            return None

    write()
    tls = f'tls: {{ certificate: {cert}, key: {key}, client_ca: {ca}, client_crl: {file}, clients: {{ loader: {{ certificate: "CN:loader", roles: [read] }}, other: {{ certificate: "CN:other", roles: [read] }} }} }}'
    server = f'{{ listen: "127.0.0.1:0", {tls} }}'
    with running(millrace, config=CONFIG, server=server) as pipeline:
        both = lambda: [ask(pipeline.url, name) for name in clients]  # noqa: E731
        assert both() == [200, 200]
        write("loader")
        wait_until(lambda: both() == [None, 200])
        file.write_text("no list")
        looked_until = time.monotonic() + 3  # the file is looked at once a second
        while time.monotonic() < looked_until:
            assert both() == [None, 200]
        write("loader", days=-1)
        wait_until(lambda: both() == [None, None])
        write()
        wait_until(lambda: both() == [200, 200])
        pipeline.stop()
    assert "lists of revoked certificates" in pipeline.said and "stay in force" in pipeline.said
    file.write_text("no list")
    assert "give a PEM file with a list of each authority" in millrace.run("run", expect=78).stderr
